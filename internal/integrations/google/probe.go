package google

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Probe tells whose token the registry is shown, gets one, and asks whether the named image's repository may be read.
func (r *registry) Probe(ctx context.Context, p diagnosis.Probing) {
	step, account := r.probeIdentity(ctx)
	p.Report(step)
	if step.Verdict == diagnosis.Failed {
		return
	}
	token := diagnosis.NewStep(r.id+"-token", "Google access token")
	lent, err := r.from.credential(ctx)
	if err != nil {
		token.Summary = "refused"
		token.Fail(err, "google-no-token")
		p.Report(*token)
		return
	}
	token.Summary = "lent for " + lent.Expires.Sub(r.from.deps.Now()).Round(time.Minute).String()
	p.Report(*token)
	if p.Ref.Repository != "" {
		r.probeRight(ctx, p, lent, account)
	}
}

// probeIdentity also returns the address of the service account, as far as it is known.
func (r *registry) probeIdentity(ctx context.Context) (diagnosis.Step, string) {
	step := diagnosis.NewStep(r.id+"-identity", "Google identity")
	k, err := r.from.credentialKey()
	if err != nil {
		step.Summary = "none"
		step.Fail(err, "google-credential-file")
		return *step, ""
	}
	from := "the integration's key"
	if k != r.from.key {
		from = "the file that " + credentialFile + " names"
	}
	switch {
	case k == nil:
		return r.probeMachine(ctx, step)
	case k.federated():
		account := strings.TrimSuffix(path.Base(k.ImpersonationURL), ":generateAccessToken")
		if k.ImpersonationURL == "" {
			account = ""
		}
		step.Summary = "workload identity federation"
		step.See("from", from)
		step.See("audience", integration.Said(k.Audience))
		step.See("acts as", cmp.Or(integration.Said(account), "itself"))
		return *step, account
	}
	step.Summary = integration.Said(k.ClientEmail)
	step.See("from", from)
	step.See("service account", integration.Said(k.ClientEmail))
	step.See("project", integration.Said(k.ProjectID))
	step.See("key ID", integration.Said(k.PrivateKeyID))
	return *step, k.ClientEmail
}

// imageScopes are those with which a token may read images. Those of storage are what machines of Container Registry had.
var imageScopes = []string{
	"https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/cloud-platform.read-only",
	"https://www.googleapis.com/auth/devstorage.read_only", "https://www.googleapis.com/auth/devstorage.read_write",
	"https://www.googleapis.com/auth/devstorage.full_control",
}

// probeMachine asks the metadata server who this machine or pod is. That it does not say is no failure: the token counts.
func (r *registry) probeMachine(ctx context.Context, step *diagnosis.Step) (diagnosis.Step, string) {
	w := &wire{base: r.from.deps.Transport()}
	email, err := r.from.metadata(ctx, w, "email")
	if err != nil {
		step.Summary = "the metadata server does not say"
		step.See("metadata server", w.metadata)
		return *step, ""
	}
	account := integration.Said(string(email))
	step.Summary = account
	step.See("from", "metadata server at "+w.metadata)
	step.See("service account", account)
	list, err := r.from.metadata(ctx, w, "scopes")
	scopes := strings.Fields(string(list))
	if err != nil || len(scopes) == 0 {
		return *step, account
	}
	step.See("scopes", integration.Said(strings.Join(scopes, " ")))
	if !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(imageScopes, s) }) {
		step.Find(diagnosis.Finding{
			Name: "google-scopes", Verdict: diagnosis.Failed,
			Cause: "The machine was started without a scope with which its tokens may read images, whatever roles " + account + " has.",
			Fix: "Stop the machine and give it the scope: gcloud compute instances set-service-account MACHINE --service-account=" + account +
				" --scopes=cloud-platform. For a node pool of GKE, make a new one with --scopes=cloud-platform, or use Workload Identity.",
		})
	}
	return *step, account
}

// probeRight asks the registry's token service for the right to pull, which it refuses with the reason.
func (r *registry) probeRight(ctx context.Context, p diagnosis.Probing, lent distribution.Credential, account string) {
	query := url.Values{"service": {r.host}, "scope": {"repository:" + p.Ref.Repository + ":pull"}}
	answer, err := p.Get(ctx, "/v2/token?"+query.Encode(), lent)
	if err != nil || (answer.Status != http.StatusOK && answer.Status != http.StatusForbidden) {
		return // what else goes wrong is found when the credential is tried
	}
	id, repository := partsOf(r.host, p.Ref.Repository)
	id, repository = cmp.Or(id, "PROJECT"), cmp.Or(repository, "REPOSITORY")
	step := diagnosis.NewStep(r.id+"-right", "Right to download from "+repository)
	step.See("project", id)
	step.See("location", locationOf(r.host))
	if isContainerRegistry(r.host) {
		step.See("note", r.host+" is served by Artifact Registry, from the repository "+repository+" of the project")
	}
	step.Summary = "given"
	if answer.Status == http.StatusForbidden {
		step.Summary = "refused"
		step.Find(denied(answer.Message, r.host, id, repository, cmp.Or(account, "ACCOUNT")))
	}
	p.Report(*step)
}

func denied(said, host, id, repository, account string) diagnosis.Finding {
	f := diagnosis.Finding{
		Name: "google-download-denied", Verdict: diagnosis.Failed, Cause: cmp.Or(said, "The registry refuses the right to pull."),
		Fix: "Check that the repository exists: gcloud artifacts repositories describe " + repository + " --project=" + id + " --location=" + locationOf(host) +
			". Let the account read it: " + bind(host, id, repository, account),
	}
	switch text := strings.ToLower(said); {
	case strings.Contains(text, "has not been used in project"), strings.Contains(text, "it is disabled"):
		f.Name, f.Fix = "google-api-disabled", "Enable the API in the project: gcloud services enable artifactregistry.googleapis.com --project="+id
	case strings.Contains(text, "insufficient authentication scopes"), strings.Contains(text, "access_token_scope_insufficient"):
		f.Name, f.Fix = "google-scopes", "The machine's tokens lack the scope cloud-platform: stop the machine, and start it with gcloud compute instances set-service-account MACHINE --scopes=cloud-platform."
	}
	return f
}
