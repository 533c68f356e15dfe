package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// memory is a Store for one test.
type memory struct {
	list     []Stored
	revision int
	lists    int // how often they were listed
}

func (m *memory) PutPolicies(_ context.Context, documents []Stored) error {
	m.revision++
	for _, d := range documents {
		m.list = append(slices.DeleteFunc(m.list, func(o Stored) bool { return o.ID == d.ID }), d)
	}
	return nil
}

func (m *memory) ListPolicies(context.Context) ([]Stored, error) {
	m.lists++
	return slices.Clone(m.list), nil
}

func (m *memory) DeletePolicy(_ context.Context, id string) error {
	m.revision++
	m.list = slices.DeleteFunc(m.list, func(o Stored) bool { return o.ID == id })
	return nil
}

func (m *memory) PoliciesRevision(context.Context) (string, error) {
	return fmt.Sprint(m.revision), nil
}

func document(name, spec string) string {
	return "apiVersion: landwaiter.dev/v1\nkind: Policy\nmetadata: {name: " + name + "}\nspec:\n  title: T\n  severity: low\n  stages: [build]\n" + spec
}

func TestLibrary(t *testing.T) {
	store := &memory{}
	l := NewLibrary(store, func() time.Time { return noon })
	apply := func(documents string) []Entry {
		t.Helper()
		entries, err := l.Apply(t.Context(), []byte(documents), "ann")
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	entry := func(id string) Entry {
		t.Helper()
		e, err := l.Entry(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	current := func() *Set {
		t.Helper()
		set, err := l.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return set
	}

	if e := entry("latest-tag"); e.Source != SourceBuiltIn || !e.Changed.IsZero() || !strings.Contains(string(e.Document), "name: latest-tag") {
		t.Errorf("%+v", e)
	}
	if len(current().Policies()) != len(Builtin()) {
		t.Error("not the built-in set")
	}
	_, err := l.Apply(t.Context(), []byte(document("a", "  condition: 'true'\n")+"---\n"+document("b", "  condition: 'tru'\n")), "ann")
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "line 17, column 15") || len(store.list) != 0 {
		t.Errorf("a mistake in one of two: %v", err)
	}

	first, second := "# why\n"+document("a", "  condition: 'true' # always\n"), document("latest-tag", "  condition: 'false'\n")
	entries := apply("# nothing\n---\n" + first + "--- # next\r\n" + second)
	if len(entries) != 2 || entries[0].Source != SourceOwn || entries[1].Source != SourceChanged || entries[0].By != "ann" || !entries[0].Changed.Equal(noon) {
		t.Errorf("%+v", entries)
	}
	if got := string(entry("a").Document); got != first {
		t.Errorf("the document is not what was sent: %q", got)
	}
	if len(current().Policies()) != len(Builtin())+1 || entry("latest-tag").Condition != "false" {
		t.Error("what was applied does not count")
	}

	set, lists := current(), store.lists
	if current() != set || store.lists != lists {
		t.Error("nothing has changed, but everything is read again")
	}
	was := l.shelf.compiled["a"]
	apply(document("c", "  condition: 'true'\n"))
	if current() == set || l.shelf.compiled["a"] != was {
		t.Error("want a new set with what was compiled before")
	}
	apply(document("a", "  condition: 'false'\n"))
	if entry("a").Condition != "false" || l.shelf.compiled["a"] == was {
		t.Error("the old document counts")
	}

	for _, id := range []string{"a", "c", "latest-tag"} {
		if err := l.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if e := entry("latest-tag"); e.Source != SourceBuiltIn || len(current().Policies()) != len(Builtin()) {
		t.Errorf("the built-in policy is not back: %+v", e)
	}
	if err := l.Delete(t.Context(), "latest-tag"); fault.CodeOf(err) != fault.Invalid || !strings.Contains(fault.FixOf(err), "policy disable latest-tag") {
		t.Error(err)
	}
	if _, err := l.Entry(t.Context(), "x"); fault.CodeOf(err) != fault.NotFound || fault.CodeOf(l.Delete(t.Context(), "x")) != fault.NotFound {
		t.Error(err)
	}
}

func TestLibrary_bounds_how_many_are_stored(t *testing.T) {
	l := NewLibrary(&memory{}, func() time.Time { return noon })
	many := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			b.WriteString(document(fmt.Sprint("p", i), "  condition: 'true'\n") + "---\n")
		}
		return b.String()
	}
	if _, err := l.Apply(t.Context(), []byte(many(0, maxPolicies)), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Apply(t.Context(), []byte(many(5, 15)), ""); err != nil {
		t.Error("replacing some:", err)
	}
	_, err := l.Apply(t.Context(), []byte(many(maxPolicies, maxPolicies+1)), "")
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "at most 1000") {
		t.Error(err)
	}
}

// TestLibrary_keeps_what_it_cannot_compile lets a newer release store documents.
func TestLibrary_keeps_what_it_cannot_compile(t *testing.T) {
	for name, c := range map[string]struct{ document, want string }{
		"new function": {document("a", "  enforce: [build]\n  condition: shiny(image)\n"), "undeclared reference to 'shiny'"},
		"new key":      {document("a", "  enforce: [build]\n  condition: 'true'\n  shiny: yes\n"), `unknown key "shiny"`},
		"new stage":    {strings.Replace(document("a", "  enforce: [run, build]\n  condition: 'true'\n"), "[build]", "[run, build]", 1), `"run" is not a stage`},
		"new form":     {document("a", "  enforce: {build: true}\n  condition: 'true'\n"), "spec.enforce: must be a list"},
		"other name":   {document("b", "  enforce: [build]\n  condition: 'true'\n"), `it is stored as a, and is named "b"`},
		"new severity": {strings.Replace(document("a", "  enforce: [build]\n  condition: 'true'\n"), "low", "grave", 1), `not "grave"`},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			l := NewLibrary(&memory{list: []Stored{{ID: "a", Document: []byte(c.document)}}}, func() time.Time { return noon })
			e, err := l.Entry(t.Context(), "a")
			if err != nil || !strings.Contains(e.Broken, c.want) || e.Severity == "" || e.Title != "T" {
				t.Errorf("%+v, %v", e, err)
			}
			set, err := l.Current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := set.Evaluate(t.Context(), Build, cleanInput())
			if len(r.Undecided) != 1 || !r.Undecided[0].Enforced || !strings.HasPrefix(r.Undecided[0].Reason, "this policy cannot be evaluated: ") {
				t.Errorf("%+v", r.Undecided)
			}
			if u := set.EvaluateWorkload(t.Context(), shop()).Undecided; (name == "new form") != (len(u) == 1) && len(u) > 0 {
				t.Errorf("%+v", u)
			}
		})
	}
	t.Run("no_document_at_all", func(t *testing.T) {
		l := NewLibrary(&memory{list: []Stored{{ID: "a", Document: []byte(":")}}}, func() time.Time { return noon })
		set, err := l.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if u := set.EvaluateWorkload(t.Context(), shop()).Undecided; len(u) == 0 || u[0].PolicyID != "a" {
			t.Errorf("%+v", u)
		}
	})
}
