package integrationfile_test

import (
	"os"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integrationfile"
)

// TestDocs holds the documents that are shown to what the program reads.
func TestDocs(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	documents, problems := integrationfile.Parse(allTypes(t), "integrations.yaml", []byte(read("integrations.yaml")))
	if len(problems) > 0 || len(documents) != 4 {
		t.Errorf("%d documents, problems %v", len(documents), problems)
	}
	for _, d := range documents {
		for field := range d.Config.Secrets() {
			if shown := d.Config.Shown(field); !strings.Contains(shown, ":") {
				t.Errorf("%s: %s is no reference", d.Origin, field)
			}
		}
	}

	page, shown := read("integrations-as-files.md"), 0
	for i, part := range strings.Split(page, "\n```") {
		block, isYAML := strings.CutPrefix(part, "yaml\n")
		if i%2 == 0 || !isYAML {
			continue
		}
		if _, inside, isMap := strings.Cut(block, "team.yaml: |\n"); isMap {
			block = strings.ReplaceAll("\n"+inside, "\n    ", "\n")
		}
		documents, problems := integrationfile.Parse(allTypes(t), "page.yaml", []byte(block))
		if len(problems) > 0 || len(documents) != 1 {
			t.Errorf("%v in\n%s", problems, block)
		}
		shown++
	}
	if shown != 2 {
		t.Errorf("%d documents are shown", shown)
	}
	mistaken := strings.Replace(team(""), "endpoint", "endpont", 1)
	if _, problems := integrationfile.Parse(allTypes(t), "team.yaml", []byte(mistaken)); !strings.Contains(page, "\n"+problems[0].String()+"\n") {
		t.Errorf("the page does not show %s", problems[0])
	}
}
