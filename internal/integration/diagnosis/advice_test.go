package diagnosis_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

var blank = regexp.MustCompile(`\{[^}]*\}`)

func TestAdvice_of_types_is_for_findings_that_there_are(t *testing.T) {
	total := 0
	for _, typ := range types.All() {
		for name, advice := range typ.Advice {
			total++
			if !slices.Contains(diagnosis.FindingNames(), name) {
				t.Errorf("%s: nothing is found under the name %s", typ.ID, name)
			}
			if strings.TrimSpace(advice) != advice || advice == "" || strings.Contains(advice, "\n") {
				t.Errorf("%s: the advice for %s is %q", typ.ID, name, advice)
			}
			for _, b := range blank.FindAllString(advice, -1) {
				if !slices.Contains([]string{"{host}", "{endpoint}", "{user}", "{image}"}, b) {
					t.Errorf("%s: nothing fills %s in the advice for %s", typ.ID, b, name)
				}
			}
		}
	}
	if total < 50 {
		t.Errorf("types have only %d pieces of advice", total)
	}
}
