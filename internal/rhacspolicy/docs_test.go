package rhacspolicy

import (
	"os"
	"strings"
	"testing"
)

// TestDocs holds docs/rhacs-policies.md to what the code knows.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/rhacs-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "## Criteria")
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); len(cells) == 2 {
			for field := range strings.SplitSeq(strings.TrimPrefix(cells[0], "| "), ", ") {
				rows[field] = cells[1]
			}
		}
	}
	for field := range strings.SplitSeq(rhacsFields, "|") {
		if _, never := untranslatable[field]; rows[field] == "" || strings.HasPrefix(rows[field], "no: ") != never {
			t.Errorf("the page says of %s: %q", field, rows[field])
		}
	}
}
