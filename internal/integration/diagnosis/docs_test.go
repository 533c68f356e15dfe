package diagnosis_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

//go:generate go test -run TestDocs -update .

var update = flag.Bool("update", false, "write what is generated in the documents anew")

const (
	docsPage       = "../../../docs/connection-test.md"
	generatedBegin = "<!-- generated: go generate ./internal/integration/diagnosis -->\n"
	generatedEnd   = "<!-- end -->\n"
)

func TestDocs_list_every_step_and_finding(t *testing.T) {
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), generatedBegin)
	_, after, ends := strings.Cut(rest, generatedEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for what is generated", docsPage)
	}
	for _, s := range diagnosis.StepTitles() {
		if !strings.Contains(before, "| `"+s.ID+"` |") {
			t.Errorf("%s does not say what is looked at in the step %s", docsPage, s.ID)
		}
	}
	fresh := before + generatedBegin + findingTables() + generatedEnd + after
	switch {
	case fresh == string(page):
	case *update:
		if err := os.WriteFile(docsPage, []byte(fresh), 0o644); err != nil {
			t.Error(err)
		}
	default:
		t.Errorf("%s is stale: run go generate ./internal/integration/diagnosis", docsPage)
	}
}

// findingTables has for each step what is found there, by the rows of the zoo.
func findingTables() string {
	at := map[string]string{}
	for _, r := range zoo() {
		if at[r.finding] == "" {
			at[r.finding] = r.step
		}
	}
	var b strings.Builder
	for _, s := range diagnosis.StepTitles() {
		names := slices.DeleteFunc(diagnosis.FindingNames(), func(name string) bool { return at[name] != s.ID && unseen[name].step != s.ID })
		if len(names) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n| finding | cause | what to do |\n|---|---|---|\n", s.Title)
		for _, name := range names {
			f := diagnosis.Template(name)
			label := "`" + name + "`"
			if f.Verdict == diagnosis.Warning {
				label += " (warning)"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", label, cell(f.Cause), cell(f.Fix))
		}
	}
	return b.String() + "\n"
}

// cell is a text of a finding, without the words that are only there when the registry says more.
var cell = strings.NewReplacer("{message}", "", "{until}", "", "{when}", "", "{window}", "", "{for}", "", "{", "_", "}", "_", "|", `\|`).Replace
