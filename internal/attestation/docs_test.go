package attestation

import (
	"os"
	"strings"
	"testing"
)

func TestRule_of_the_documentation(t *testing.T) {
	raw, err := os.ReadFile("../../docs/sbom.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	rules, err := ParseRules(nil, "docs/sbom.md", []byte(text))
	if err != nil || len(rules) != 1 || len(rules[0].Keys) != 1 || rules[0].MaxAge == 0 {
		t.Fatalf("%+v %v", rules, err)
	}
}
