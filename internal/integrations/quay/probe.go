package quay

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Probe says who signs in, and asks Quay whether it knows them: /v2/auth refuses a wrong password, and says whose it is.
func (r *registry) Probe(ctx context.Context, p diagnosis.Probing) {
	step := diagnosis.NewStep("quay-user", "Quay user")
	defer func() { p.Report(*step) }()
	cred, err := r.Credential(ctx, p.Ref)
	switch {
	case err != nil:
		step.Summary = "none"
		step.Fail(err, "quay-federation")
		return
	case cred.Anonymous():
		step.Summary, step.Verdict = "nobody: public repositories only", diagnosis.Skipped
		return
	}
	step.Summary = kind(cred.Username)
	step.See("user", cred.Username)
	answer, err := p.Get(ctx, "/v2/auth?service="+url.QueryEscape(r.Endpoint(p.Ref).Host), cred)
	switch {
	case err != nil:
		return // the steps that follow say why
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		step.Summary += ", refused"
		step.Find(refused(cred.Username, answer))
		return
	case answer.Status == http.StatusOK:
		step.Summary += ", known to Quay"
	}
	namespace, _, isRobot := strings.Cut(cred.Username, "+")
	if wanted, _, named := strings.Cut(p.Ref.Repository, "/"); isRobot && named && !strings.EqualFold(wanted, namespace) {
		step.Find(diagnosis.Finding{
			Name: "quay-robot-namespace", Verdict: diagnosis.Warning,
			Cause: "The robot is one of " + namespace + ", and " + p.Ref.Repository + " is in " + wanted + ": a robot can be allowed to read repositories of its own namespace only.",
			Fix:   "For private repositories of " + wanted + ", create a robot there and make a second integration with it.",
		})
	}
}

func kind(user string) string {
	switch {
	case user == oauthUser:
		return "OAuth token of an application"
	case user == "$app":
		return "application token of a user"
	case user == "$token":
		return "access token of a repository"
	case strings.Contains(user, "+"):
		return "robot account"
	}
	return "user"
}

func refused(user string, answer distribution.Answer) diagnosis.Finding {
	f := diagnosis.Finding{
		Name: "quay-wrong-password", Verdict: diagnosis.Failed, Cause: "Quay refuses the user " + user + ": " + integration.Said(answer.Message),
		Fix: "Enter the user's password again. An encrypted password, from the user's settings (CLI Password), or better a robot account does not end with the user's own.",
	}
	if answer.Message == "" {
		f.Cause = "Quay refuses the user " + user + "."
	}
	switch says := strings.ToLower(answer.Message); {
	case strings.Contains(says, "specified username"):
		f.Name, f.Fix = "quay-no-such-robot", "There is no robot "+user+". Take its whole name from Robot Accounts: NAMESPACE+ROBOT."
	case strings.Contains(says, "disabled"):
		f.Name, f.Fix = "quay-disabled", "The user, or the owner of the robot, is disabled. Ask the administrator of Quay, or use a robot of another namespace."
	case strings.Contains(user, "+"):
		f.Name, f.Fix = "quay-wrong-robot-token", "Open Robot Accounts, the robot "+user+", View Credentials, and copy user name and token; or regenerate the token there, which ends the old one for everybody."
	case user == oauthUser:
		f.Name, f.Fix = "quay-wrong-oauth-token", "The OAuth token was revoked, has ended, or lacks the scope repo:read. Generate another one in the organization's application, or better use a robot account."
	case !strings.HasPrefix(user, "$"):
		f.Fix += " If " + user + " is meant to be a robot, its namespace is missing: NAMESPACE+" + user + "."
	}
	return f
}
