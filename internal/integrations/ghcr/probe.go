package ghcr

import (
	"context"
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// probe says what kind of token there is, which GitHub's tokens begin with. Their rights and end only api.github.com tells,
// which is another host than the registry's and is shown none.
func probe(ctx context.Context, r integration.Registry, _ integration.Deps, p diagnosis.Probing) {
	cred, err := r.Credential(ctx, p.Ref)
	if err != nil || cred.Anonymous() {
		return
	}
	step := diagnosis.NewStep("ghcr-token", "Kind of token")
	prefix, _, _ := strings.Cut(cred.Password.Reveal(), "_")
	const classic = "Make a personal access token (classic) with the scope read:packages alone, at https://github.com/settings/tokens/new?scopes=read:packages, and enter it. If the organization uses SAML, authorize the token for it there (Configure SSO)."
	switch prefix {
	case "ghp":
		step.Summary = "personal access token (classic)"
		step.See("its rights and end", "only GitHub's page of the token tells them: https://github.com/settings/tokens")
	case "github":
		step.Summary = "fine-grained personal access token"
		step.Find(diagnosis.Finding{
			Name: "ghcr-fine-grained-token", Verdict: diagnosis.Warning,
			Cause: "GitHub documents that its packages take personal access tokens (classic) only.", Fix: classic,
		})
	case "ghs", "ghu":
		step.Summary = "token of a GitHub App or a workflow"
		step.Find(diagnosis.Finding{
			Name: "ghcr-short-lived-token", Verdict: diagnosis.Warning,
			Cause: "Tokens of GitHub Apps and workflows end within hours, and this one is kept.", Fix: classic,
		})
	case "gho":
		step.Summary = "OAuth token of an application"
	default:
		step.Summary = "not one of GitHub's tokens"
		step.Find(diagnosis.Finding{
			Name: "ghcr-not-a-token", Verdict: diagnosis.Warning,
			Cause: "The tokens that GitHub makes begin with ghp_ or the like, and this does not: it may be a password, which GitHub does not take, or be cut.", Fix: classic,
		})
	}
	p.Report(*step)
}
