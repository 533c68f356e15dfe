package harbor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Probe asks Harbor about itself, for the credential, and about the project of the named image. Robots may ask little: what is
// refused to them says nothing about whether they may pull.
func (r *registry) Probe(ctx context.Context, p diagnosis.Probing) {
	cred, err := r.Credential(ctx, p.Ref)
	if err != nil || !probeServer(ctx, cred, p) {
		return
	}
	if project := r.project(p.Ref); project != "" {
		probeProject(ctx, cred, project, p)
	}
}

// project is that of an image, or the one that the integration is meant for; "" if that is none.
func (r *registry) project(ref image.Reference) string {
	project, _, ok := strings.Cut(ref.Repository, "/")
	if configured := strings.Trim(r.Endpoint(image.Reference{}).Path, "/"); !ok && configured != "" {
		project, _, _ = strings.Cut(configured, "/")
	}
	return project
}

// probeServer reports whether the server has answered as Harbor and knows who asks. Harbor treats a wrong secret like nobody at
// all, so that what is public can be pulled with it; only a token that is for nothing it gives to those alone whom it knows, as
// docker login asks for one. Its other API does not know the secrets of users who sign in by OIDC.
func probeServer(ctx context.Context, cred distribution.Credential, p diagnosis.Probing) bool {
	step := diagnosis.NewStep("harbor-server", "Harbor")
	answer, err := p.Get(ctx, "/api/v2.0/systeminfo", cred)
	if err != nil {
		return false // the steps that follow say why
	}
	var info struct {
		Version  string `json:"harbor_version"`
		Auth     string `json:"auth_mode"`
		ReadOnly bool   `json:"read_only"`
	}
	if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &info) != nil || info.Auth == "" {
		step.Summary = "its API does not answer as Harbor's"
		step.Find(diagnosis.Finding{
			Name: "harbor-not-harbor", Verdict: diagnosis.Warning,
			Cause: "What answers at /api/v2.0/systeminfo is not Harbor 2: another registry, an older Harbor, or a proxy that passes /v2/ alone.",
			Fix:   "If images come all the same, use the type Generic Docker Registry. Otherwise let the proxy pass /api/ and /service/ as well: Harbor's tokens come from /service/token.",
		})
		p.Report(*step)
		return false
	}
	step.Summary = "Harbor"
	step.See("version", integration.Said(info.Version, cred.Password.Reveal()))
	step.See("accounts come from", integration.Said(info.Auth, cred.Password.Reveal()))
	if info.ReadOnly {
		step.See("mode", "read-only: images can be pulled")
	}
	if !cred.Anonymous() {
		answer, err = p.Get(ctx, "/service/token?service=harbor-registry", cred)
		switch {
		case err == nil && answer.Status == http.StatusUnauthorized:
			step.Summary = "the credential counts for nothing"
			step.Find(wrongSecret(cred.Username))
		case err == nil && answer.Status == http.StatusOK:
			step.Summary = "Harbor, which knows the credential"
		}
	}
	p.Report(*step)
	return step.Verdict == diagnosis.Passed
}

// wrongSecret looks for what shells make of a robot's name: they take what follows a dollar sign for a variable.
func wrongSecret(user string) diagnosis.Finding {
	f := diagnosis.Finding{
		Name: "harbor-wrong-secret", Verdict: diagnosis.Failed, Cause: "Harbor takes " + user + " with this secret for nobody: what is public can be pulled, and nothing else.",
		Fix: "A robot's secret is shown once: refresh it (Robot Accounts, the robot, Refresh Secret) and enter the new one. The robot may also have expired or been disabled there. Users who sign in by OIDC enter their CLI secret, from their profile.",
	}
	if user == "robot" || strings.HasPrefix(user, "robot+") {
		f.Name = "harbor-robot-name"
		f.Cause = "Harbor knows no " + user + ": a robot's name has a $ in it, and the shell has taken what followed it for a variable."
		f.Fix = "Enter the whole name, as Harbor shows it, between single quotes: 'robot$PROJECT+NAME', or 'robot$NAME' for one of the whole system."
	}
	return f
}

func probeProject(ctx context.Context, cred distribution.Credential, project string, p diagnosis.Probing) {
	step := diagnosis.NewStep("harbor-project", "Project "+project)
	answer, err := p.Get(ctx, "/api/v2.0/projects/"+url.PathEscape(project), cred)
	var doc struct {
		Upstream int64             `json:"registry_id"`
		Metadata map[string]string `json:"metadata"`
	}
	switch {
	case err != nil:
		return
	case answer.Status == http.StatusOK && json.Unmarshal(answer.Body, &doc) == nil:
		step.Summary = "there"
		if doc.Metadata["public"] == "true" {
			step.See("public", "yes: everybody may pull")
		}
		if doc.Upstream != 0 {
			step.See("proxy cache", "yes: the first pull of an image goes to another registry, whose limits count")
		}
		if doc.Metadata["prevent_vul"] == "true" {
			step.See("vulnerable images", "are not given out, from severity "+integration.Said(doc.Metadata["severity"], cred.Password.Reveal())+" on")
		}
	case answer.Status == http.StatusNotFound:
		step.Summary = "not there"
		step.Find(diagnosis.Finding{
			Name: "harbor-no-project", Verdict: diagnosis.Failed, Cause: "Harbor has no project " + project + ".",
			Fix: "Check the first part of the image's name. A proxy cache is named before the upstream's repository: PROJECT/library/nginx.",
		})
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		step.Summary, step.Verdict = "it may not be asked about with this credential, which says nothing about pulling", diagnosis.Skipped
	default:
		return
	}
	p.Report(*step)
}
