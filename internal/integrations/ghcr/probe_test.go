package ghcr

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestProbe_kind_of_token(t *testing.T) {
	for token, want := range map[string]string{
		"ghp_0123456789abcdefABCDEF0123456789abcd": "ghcr-token passed",
		"github_pat_11AAAAAAA0123456789_abcdef":    "ghcr-token warning ghcr-fine-grained-token",
		"ghs_0123456789abcdefABCDEF0123456789abcd": "ghcr-token warning ghcr-short-lived-token",
		"ghu_0123456789abcdefABCDEF0123456789abcd": "ghcr-token warning ghcr-short-lived-token",
		"gho_0123456789abcdefABCDEF0123456789abcd": "ghcr-token passed",
		"correct-horse": "ghcr-token warning ghcr-not-a-token",
		"":              "",
	} {
		n := integrationtest.NewInternet(t)
		settings := map[string]any{"endpoint": "ghcr.io", "password": token}
		if token != "" {
			settings["username"] = "jane"
		}
		steps := diagnosistest.Probe(t, n.Open(Type(), settings, nil).Registry, integrationtest.Reference(t, "ghcr.io/a/b:1"), n.Transport(), "0123456789", "correct-horse")
		if got := steps.String(); got != want {
			t.Errorf("%q: got %s, want %s", token, got, want)
		}
		if sent := n.Requests(); len(sent) > 0 {
			t.Errorf("%q: %s was asked", token, sent[0].Host)
		}
	}
}
