// Package google is the integration types for Google's registries: Artifact Registry, and Container Registry, whose hosts
// Artifact Registry serves. Both sign in with an access token that is had with a service account's key or with the identity
// of the machine.
package google

import (
	"slices"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	endpoint       = "endpoint"
	project        = "project"
	wifEnabled     = "wifEnabled"
	serviceAccount = "serviceAccount"
)

// Type declares Google Container Registry.
func Type() integration.Type {
	t := declare(integration.Type{
		ID:         "google",
		Label:      "Google Container Registry",
		Summary:    "Images at gcr.io and its regional hosts, which Artifact Registry serves now.",
		Categories: []integration.Category{integration.CategoryRegistry, integration.CategoryScanner},
		Retired:    "Google has shut Container Registry down and serves gcr.io from Artifact Registry. Use the type Google Artifact Registry for new integrations; it takes gcr.io as an endpoint, too.",
		Detect:     detect(isContainerRegistry),
	}, "gcr.io", "gcr.io, us.gcr.io, eu.gcr.io or asia.gcr.io. The account needs the role Artifact Registry Reader on the repository of that name.")
	t.Check = checkScanner
	return t
}

// ArtifactRegistry declares Google Artifact Registry.
func ArtifactRegistry() integration.Type {
	return declare(integration.Type{
		ID:         "artifactregistry",
		Label:      "Google Artifact Registry",
		Summary:    "Docker repositories of Google Artifact Registry, those at gcr.io included.",
		Categories: []integration.Category{integration.CategoryRegistry, integration.CategoryScanner},
		Detect:     detect(isGoogle),
	}, "us-west1-docker.pkg.dev", "The host of the repository: LOCATION-docker.pkg.dev, or gcr.io, us.gcr.io, eu.gcr.io or asia.gcr.io, which Artifact Registry serves as well.")
}

// declare adds what the types share.
func declare(t integration.Type, example, endpointHelp string) integration.Type {
	t.ConfigKey = "google"
	t.Fields = []integration.Field{
		{
			Name: endpoint, Label: "Registry endpoint", Kind: integration.Endpoint, Example: example, Help: endpointHelp,
			Required: "An endpoint is required", BindsSecret: true, Column: true,
		},
		{
			Name: project, Label: "Project", Kind: integration.Text, Example: "my-project", Column: true,
			Help: "Match images by the project of the registry. Leave empty to match all projects.",
		},
		{
			Name: wifEnabled, Label: "Use workload identity", Kind: integration.Toggle, BindsSecret: true, AsMachine: true,
			Help: "Sign in as the machine or pod that this program runs on: with the credential file that GOOGLE_APPLICATION_CREDENTIALS names, else with the service account of the metadata server.",
		},
		{
			Name: serviceAccount, Label: "Service account key (JSON)", Kind: integration.JSON,
			Help:         "The key file of a service account with the role Artifact Registry Reader, or a workload identity federation configuration (external_account).",
			Required:     "Valid JSON is required for service account key",
			DisabledWhen: integration.On(wifEnabled),
		},
	}
	t.Settle = settle
	t.Check = check
	t.Grants = grants
	t.Advice = testAdvice
	t.Open = func(c integration.Config, deps integration.Deps) (integration.Registry, error) {
		return open(t.ID, c, deps)
	}
	return t
}

// settle keeps no key that is not used.
func settle(c integration.Config) integration.Config {
	if c.On(wifEnabled) {
		return c.With(serviceAccount, secret.Text{})
	}
	return c
}

func check(c integration.Config, _ []integration.Category) []integration.Problem {
	if _, problem := read(c); problem != nil {
		return []integration.Problem{*problem}
	}
	return nil
}

// checkScanner asks of a scanner what RHACS asks of it, which has none for Artifact Registry.
func checkScanner(c integration.Config, categories []integration.Category) []integration.Problem {
	problems := check(c, categories)
	if !slices.Contains(categories, integration.CategoryScanner) {
		return problems
	}
	if c.Text(project) == "" {
		problems = append(problems, integration.Problem{Field: project, Message: "A project is required for a scanner"})
	}
	if c.On(wifEnabled) {
		problems = append(problems, integration.Problem{
			Field: wifEnabled, Message: "Workload identity is not possible for a scanner", Fix: "Use the type Google Artifact Registry, whose scanner signs in with it, too.",
		})
	}
	return problems
}

// settings are those of an integration, understood.
type settings struct {
	endpoint distribution.Endpoint
	project  string // as the first segments of a repository
	key      *key   // nil for the machine's own identity, empty while it is not known
}

func read(c integration.Config) (settings, *integration.Problem) {
	var s settings
	var err error
	if s.endpoint, err = distribution.ParseEndpoint(c.Text(endpoint), false); err != nil {
		return settings{}, &integration.Problem{Field: endpoint, Message: err.Error(), Fix: fault.FixOf(err)}
	}
	ok := false
	if s.project, ok = projectPath(c.Text(project)); !ok {
		return settings{}, &integration.Problem{
			Field: project, Message: "'google.project' is not a project ID",
			Fix: "Write the project ID only, such as my-project or example.com:my-project. The name of a repository does not belong to it.",
		}
	}
	switch {
	case c.On(wifEnabled):
	case c.Unread(serviceAccount):
		s.key = &key{}
	default:
		k, problem := parseKey([]byte(c.Secret(serviceAccount).Reveal()))
		if problem == nil {
			problem = k.pastedProblem()
		}
		if problem != nil {
			problem.Field = serviceAccount
			return settings{}, problem
		}
		s.key = k
	}
	if s.key != nil && s.key.federated() {
		for _, p := range integration.ForeignAuthorities(c) {
			return settings{}, &p
		}
	}
	if (s.key == nil || s.key.federated()) && (s.endpoint.Scheme != "https" || !isGoogle(s.endpoint.Host)) {
		return settings{}, &integration.Problem{
			Field: endpoint, Message: "the endpoint is not one of Google's registries, and the identity of this machine is shown to no other",
			Fix: "Use the registry's own host, such as us-west1-docker.pkg.dev or gcr.io, over https. For a proxy in front of it, use a service account key.",
		}
	}
	return s, nil
}

func open(id string, c integration.Config, deps integration.Deps) (integration.Registry, error) {
	s, problem := read(c)
	if problem != nil {
		return nil, fault.New(fault.Invalid, "", "%s", problem.Message).WithFix("%s", problem.Fix)
	}
	from := signIn{key: s.key, scope: readScope, deps: deps}
	analysis := signIn{key: s.key, scope: wholeScope, deps: deps}
	return &registry{
		integration.Leased(s.endpoint, deps, from.credential), id, s.endpoint.RegistryHost(), s.project, from,
		integration.NewLease(deps, analysis.credential),
	}, nil
}

// A registry is one host, or one project of it.
type registry struct {
	integration.Registry
	id            string // of the type
	host, project string
	from          signIn
	analysis      *integration.Lease // tokens for the Container Analysis API
}

func (r *registry) Host() string    { return r.host }
func (r *registry) Anonymous() bool { return false }

func (r *registry) Serves(ref image.Reference) bool {
	return r.Registry.Serves(ref) && inProject(r.project, ref.Repository)
}
