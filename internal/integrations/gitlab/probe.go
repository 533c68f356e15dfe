package gitlab

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// GitLab.com's registry has its tokens from GitLab.com, which signs people in for it. Where the GitLab of another registry is,
// only that registry says, and it is not asked.
const (
	ownRegistry = "registry.gitlab.com"
	ownToken    = "https://gitlab.com/api/v4/personal_access_tokens/self"
)

// A token is what GitLab says about an access token of a user, group or project to whom has it.
type token struct {
	Name    string   `json:"name"`
	Scopes  []string `json:"scopes"`
	Active  bool     `json:"active"`
	Revoked bool     `json:"revoked"`
	Ends    string   `json:"expires_at"`
}

// probe asks GitLab.com what a token may do, and until when. Deploy tokens cannot ask.
func probe(ctx context.Context, r integration.Registry, deps integration.Deps, p diagnosis.Probing) {
	cred, err := r.Credential(ctx, p.Ref)
	switch {
	case err != nil, !cred.Password.IsSet(), r.Endpoint(p.Ref).Host != ownRegistry, r.Endpoint(p.Ref).Scheme != "https":
		return
	case strings.HasPrefix(cred.Username, "gitlab+deploy-token-"), strings.HasPrefix(cred.Password.Reveal(), "gldt-"):
		return
	}
	status, t, err := ask(ctx, deps, cred)
	if err != nil {
		return // GitLab.com gives the registry's tokens as well: the steps that follow say why
	}
	step := diagnosis.NewStep("gitlab-token", "Token at GitLab.com")
	switch {
	case status == http.StatusUnauthorized && strings.HasPrefix(cred.Password.Reveal(), "glpat-"):
		step.Summary = "refused"
		step.Find(diagnosis.Finding{
			Name: "gitlab-token-ended", Verdict: diagnosis.Failed, Cause: "GitLab.com does not take the access token: it has ended, was revoked, or is mistyped.",
			Fix: "Make another one with the scope read_registry: in the project or group, Settings, Access tokens, or better a deploy token in Settings, Repository, Deploy tokens.",
		})
	case status != http.StatusOK:
		return // a deploy token with a user name of its own, or a password
	default:
		secret := cred.Password.Reveal()
		step.Summary = "access token " + integration.Said(t.Name, secret)
		step.See("scopes", integration.Said(strings.Join(t.Scopes, " "), secret))
		step.See("ends", integration.Said(t.Ends, secret))
		judge(step, t, deps.Now())
	}
	p.Report(*step)
}

// reading are the scopes with which images can be read; the others of them allow more.
var reading = []string{"read_registry", "write_registry", "api"}

func judge(step *diagnosis.Step, t token, now time.Time) {
	has := func(scope string) bool { return slices.Contains(t.Scopes, scope) }
	const another = "Make another one with the scope read_registry alone, or a deploy token with it."
	switch {
	case t.Revoked || !t.Active:
		step.Find(diagnosis.Finding{Name: "gitlab-token-ended", Verdict: diagnosis.Failed, Cause: "The token has ended or was revoked.", Fix: another})
	case !slices.ContainsFunc(reading, has):
		step.Find(diagnosis.Finding{
			Name: "gitlab-scope", Verdict: diagnosis.Failed,
			Cause: "The token lacks the scope read_registry, without which no private image can be read.", Fix: another,
		})
	case has("api") || has("write_registry"):
		step.Find(diagnosis.Finding{
			Name: "gitlab-broad-token", Verdict: diagnosis.Warning, Cause: "The token may do more than read images.", Fix: another,
		})
	}
	const soon = 30 * 24 * time.Hour
	if ends, err := time.Parse(time.DateOnly, t.Ends); err == nil && t.Active && ends.Sub(now) < soon {
		step.Find(diagnosis.Finding{
			Name: "gitlab-token-ends", Verdict: diagnosis.Warning, Cause: "The token ends on " + t.Ends + ", at midnight UTC.", Fix: another,
		})
	}
}

func ask(ctx context.Context, deps integration.Deps, cred distribution.Credential) (int, token, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ownToken, nil)
	if err != nil {
		return 0, token{}, err
	}
	req.Header.Set("PRIVATE-TOKEN", cred.Password.Reveal())
	status, body, err := deps.Ask(req)
	if err != nil || status != http.StatusOK {
		return status, token{}, err
	}
	var t token
	err = json.Unmarshal(body, &t)
	return status, t, err
}
