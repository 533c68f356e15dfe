package azure

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// claims are those of a token of Microsoft Entra ID.
type claims struct {
	Audience string `json:"aud"`
	Tenant   string `json:"tid"`
	Object   string `json:"oid"`
	App      string `json:"appid"` // in tokens of the first version
	Party    string `json:"azp"`   // in those of the second
}

// probe goes the way of a sign-in part by part.
func (s *signIn) probe(ctx context.Context, p diagnosis.Probing) {
	step := diagnosis.NewStep("azure-identity", "Azure identity")
	from := "managed identity of the machine"
	if s.workload() {
		from = "workload identity of the pod"
	}
	step.See("from", from)
	step.See(clientID, s.deps.Variable(clientID))
	step.See(tenantID, s.deps.Variable(tenantID))
	token, err := s.identity(ctx)
	if err != nil {
		step.Summary = "none"
		step.Fail(err, "azure-no-identity")
		p.Report(*step)
		return
	}
	var c claims
	distribution.ReadClaims(token, &c)
	step.Summary = from
	step.See("application", integration.Said(cmp.Or(c.App, c.Party)))
	step.See("object ID", integration.Said(c.Object))
	step.See("tenant", integration.Said(c.Tenant))
	step.See("audience of the token", integration.Said(c.Audience))
	p.Report(*step)

	step = diagnosis.NewStep("azure-exchange", "Exchange of the token at the registry")
	lent, err := s.exchange(ctx, token)
	if err != nil {
		step.Summary = "refused"
		step.Fail(err, "azure-exchange")
		p.Report(*step)
		return
	}
	step.Summary = "the registry knows the identity"
	if !lent.Expires.IsZero() {
		step.See("lent for", lent.Expires.Sub(s.deps.Now()).Round(time.Minute).String())
	}
	seeBlobHosts(step, s.host)
	p.Report(*step)
}

// applicationID is the form of a service principal's user name.
var applicationID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// probeUser says what kind of user the name is.
func probeUser(ctx context.Context, r integration.Registry, _ integration.Deps, p diagnosis.Probing) {
	cred, err := r.Credential(ctx, p.Ref)
	if err != nil || cred.Username == "" {
		return
	}
	host, name := r.Endpoint(p.Ref).Host, cred.Username
	step := diagnosis.NewStep("azure-user", "Kind of user")
	registry := registryName(host)
	switch _, ours := cloudOf(host); {
	case applicationID.MatchString(name):
		step.Summary = "a service principal, by its application ID"
	case ours && strings.EqualFold(name, registry):
		step.Summary = "the admin user"
		step.Find(diagnosis.Finding{
			Name: "azure-admin-user", Verdict: diagnosis.Warning,
			Cause: "The admin user may push and delete everything in the registry, and all who use it share two passwords.",
			Fix:   "Use a token that may only read: az acr token create --registry " + registry + " --name landwaiter --repository REPOSITORY content/read metadata/read. Then turn the admin user off: az acr update --name " + registry + " --admin-enabled false",
		})
	default:
		step.Summary = "a token of the registry, by its name"
	}
	seeBlobHosts(step, host)
	p.Report(*step)
}

// seeBlobHosts says which hosts besides the registry's own a firewall must let through: layers are had from there.
func seeBlobHosts(step *diagnosis.Step, host string) {
	match := hostPattern.FindStringSubmatch(host)
	if match == nil {
		return
	}
	name, _, _ := strings.Cut(host, ".")
	storage := map[string]string{"io": "*.blob.core.windows.net", "cn": "*.blob.core.chinacloudapi.cn", "us": "*.blob.core.usgovcloudapi.net"}[match[3]]
	step.See("layers come from", storage+", or from "+name+".REGION.data.azurecr."+match[3]+" if the registry has dedicated data endpoints: a firewall must let it through as well")
}
