// Package diagnosistest lets a type's probe look at a registry of a test, without the rest of a connection test.
package diagnosistest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Steps are those of one probe.
type Steps []diagnosis.Step

// Probe lets a registry that network reaches look at itself, with an image unless ref is the zero reference. It fails the test if
// one of the secrets is shown, or a finding tells nothing.
func Probe(t testing.TB, r integration.Registry, ref image.Reference, network http.RoundTripper, secrets ...string) Steps {
	t.Helper()
	prober, ok := r.(diagnosis.Prober)
	if !ok {
		t.Fatal("the registry is no Prober")
	}
	var steps Steps
	prober.Probe(t.Context(), diagnosis.Probing{
		Ref: ref, Report: func(s diagnosis.Step) { steps = append(steps, s) }, Get: get(r.Endpoint(ref), network),
	})
	raw, err := json.MarshalIndent(steps, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", raw)
	for _, secret := range secrets {
		if strings.Contains(string(raw), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	for _, s := range steps {
		for _, f := range s.Findings {
			if f.Cause == "" || f.Fix == "" {
				t.Errorf("%s: cause %q, fix %q", f.Name, f.Cause, f.Fix)
			}
		}
	}
	return steps
}

// String writes for each step how it came out and what was found: "ecr-token failed ecr-wrong-region", parted by "; ".
func (list Steps) String() string {
	var came []string
	for _, s := range list {
		line := s.ID + " " + string(s.Verdict)
		for _, f := range s.Findings {
			line += " " + f.Name
		}
		came = append(came, line)
	}
	return strings.Join(came, "; ")
}

// Fact is what a step has seen under a name.
func (list Steps) Fact(step, name string) string {
	for _, s := range list {
		for _, f := range s.Seen {
			if s.ID == step && f.Name == name {
				return f.Value
			}
		}
	}
	return ""
}

func get(e distribution.Endpoint, network http.RoundTripper) func(context.Context, string, distribution.Credential) (distribution.Answer, error) {
	return func(ctx context.Context, path string, as distribution.Credential) (distribution.Answer, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Scheme+"://"+e.Host+path, nil)
		if err != nil {
			return distribution.Answer{}, err
		}
		switch {
		case as.RegistryToken.IsSet():
			req.Header.Set("Authorization", "Bearer "+as.RegistryToken.Reveal())
		case !as.Anonymous():
			req.SetBasicAuth(as.Username, as.Password.Reveal())
		}
		resp, err := network.RoundTrip(req)
		if err != nil {
			return distribution.Answer{}, err
		}
		defer resp.Body.Close()
		a := distribution.Answer{Method: req.Method, URL: req.URL.String(), Status: resp.StatusCode, Header: resp.Header}
		if a.Body, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err != nil {
			return distribution.Answer{}, err
		}
		var doc struct {
			Errors []struct{ Code, Message string }
		}
		if json.Unmarshal(a.Body, &doc) == nil && len(doc.Errors) > 0 {
			a.Code, a.Message = mask(doc.Errors[0].Code, as), mask(doc.Errors[0].Message, as)
		}
		return a, nil
	}
}

func mask(text string, as distribution.Credential) string {
	basic := base64.StdEncoding.EncodeToString([]byte(as.Username + ":" + as.Password.Reveal()))
	return strings.NewReplacer(basic, "***", as.Password.Reveal()+as.RegistryToken.Reveal(), "***").Replace(text)
}
