package policy

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestDocs holds docs/policies.md to what the code knows.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	rows := map[string]string{} // a table's rows, by the code in their first cell
	for _, line := range strings.Split(page, "\n") {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			name, cells, _ := strings.Cut(rest, "` |")
			rows[name] = cells
		}
	}
	row := func(name string) string {
		cells, ok := rows[name]
		if !ok || strings.Trim(cells, " |") == "" {
			t.Errorf("docs/policies.md has no row that says something of `%s`", name)
		}
		return cells
	}

	for _, p := range Builtin() {
		state := "on"
		switch {
		case p.Disabled:
			state = "off"
		case len(p.Enforce) > 0:
			state = "enforced"
		}
		if got, want := strings.TrimSpace(row(p.ID)), fmt.Sprintf("%s | %s | %s |", p.Severity, p.Title, state); got != want {
			t.Errorf("row of %s: %q, want %q", p.ID, got, want)
		}
	}

	for name, sample := range map[string]any{
		"image": Image{}, "layer": Layer{}, "component": Component{}, "vulnerability": Vulnerability{}, "setting": Setting{},
		"integration": Integration{}, "scan": Scan{}, "cluster": Cluster{}, "workload": Workload{}, "container": Container{},
		"volume": Volume{}, "mount": Mount{}, "variable": Variable{}, "port": Port{},
	} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(sample)) {
			row(name + "." + f.Tag.Get("cel"))
		}
	}
	for name := range variables {
		row(name)
	}
	for _, c := range collections {
		row(c.name)
	}
	for field, reason := range unknown {
		name := strings.ToLower(strings.TrimPrefix(field[0], "policy.")) + "." + field[1]
		if !strings.Contains(row(name), "may be unknown") {
			t.Errorf("the row of %s does not say that it may be unknown (%s)", name, reason)
		}
	}
	for _, f := range []string{"severityAtLeast(severity, least)", "glob(pattern, text)", "looksSecret(name, value)", "days(n)"} {
		row(f)
	}

	_, err = Parse([]byte("metadata: {name: a}\nspec: {x: y}\n"))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	i := slices.IndexFunc(problems, func(p Problem) bool { return p.Field == "spec" })
	_, known, _ := strings.Cut(problems[i].Message, "known are ")
	for key := range strings.SplitSeq(known, ", ") {
		row(key)
	}
}

// TestDocs_examples compiles every policy that the page shows.
func TestDocs_examples(t *testing.T) {
	b, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for i, block := range strings.Split(string(b), "```") {
		if yaml, ok := strings.CutPrefix(block, "yaml\n"); ok && i%2 == 1 {
			count++
			if _, err := Parse([]byte(yaml)); err != nil {
				t.Errorf("%v\nin:\n%s", err, yaml)
			}
		}
	}
	if count == 0 {
		t.Error("the page shows no policy")
	}
}
