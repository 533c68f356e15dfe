package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestDirectory(t *testing.T) {
	one := Stored{ID: "one", Document: []byte("# mine\n")}
	t.Run("keeps_documents_as_they_are", func(t *testing.T) {
		d := Directory(filepath.Join(t.TempDir(), "new", "policies"))
		if list, err := d.ListPolicies(t.Context()); err != nil || len(list) != 0 {
			t.Fatal(list, err)
		}
		if err := d.PutPolicies(t.Context(), []Stored{one, {ID: "two", Document: []byte("b")}}); err != nil {
			t.Fatal(err)
		}
		list, err := d.ListPolicies(t.Context())
		if err != nil || len(list) != 2 || list[0].ID != "one" || string(list[0].Document) != "# mine\n" || list[0].Changed.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
		if err := d.DeletePolicy(t.Context(), "one"); err != nil {
			t.Error(err)
		}
		if err := d.DeletePolicy(t.Context(), "one"); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
	})
	t.Run("keeps_all_or_none_and_names_no_other_files", func(t *testing.T) {
		d := Directory(t.TempDir())
		if err := d.PutPolicies(t.Context(), []Stored{one, {ID: "../two"}}); err == nil {
			t.Error("a path was taken for a name")
		}
		if err := d.DeletePolicy(t.Context(), "../two"); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
		if left, err := os.ReadDir(string(d)); err != nil || len(left) != 0 {
			t.Error(left, err)
		}
	})
	t.Run("has_another_revision_after_every_change", func(t *testing.T) {
		d := Directory(t.TempDir())
		seen := map[string]bool{}
		look := func() {
			t.Helper()
			r, err := d.PoliciesRevision(t.Context())
			if err != nil || seen[r] {
				t.Error("the same as before", err)
			}
			seen[r] = true
		}
		look()
		if err := d.PutPolicies(t.Context(), []Stored{one}); err != nil {
			t.Fatal(err)
		}
		look()
		if err := os.Chtimes(filepath.Join(string(d), "one.yaml"), time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		look()
	})
	t.Run("what_people_leave_there_is_judged_by_the_library", func(t *testing.T) {
		d := Directory(t.TempDir())
		for name, text := range map[string]string{"notes.txt": "x", ".hidden.yaml": "x", "broken.yaml": "a: [", "UPPER.yaml": "x"} {
			if err := os.WriteFile(filepath.Join(string(d), name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := NewLibrary(d, time.Now).Entry(t.Context(), "broken")
		if err != nil || !strings.Contains(e.Broken, "not YAML") {
			t.Errorf("%+v %v", e, err)
		}
	})
}

func TestEntry_JSON(t *testing.T) {
	text := "apiVersion: landwaiter.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  title: P\n  severity: low\n  stages: [build]\n  disabled: true\n" +
		"  data: {a: 1.10, b: 2026-01-31, c: 'true'}\n  exclusions: [{name: e, workloads: [w], until: 2026-01-31}]\n  condition: '\"x\" in data'\n"
	policies, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	written, err := Entry{Document: []byte(text)}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(written)
	if err != nil {
		t.Fatalf("%v\n%s", err, written)
	}
	if a, b := string(Format(policies[0])), string(Format(again[0])); a != b {
		t.Errorf("%s\nis not\n%s", b, a)
	}
}

func TestJoin(t *testing.T) {
	var entries []Entry
	for _, p := range Builtin() {
		entries = append(entries, Entry{Policy: p, Document: Format(p)})
	}
	again, err := Parse(Join(entries))
	if err != nil || len(again) != len(entries) {
		t.Errorf("%d of %d policies, %v", len(again), len(entries), err)
	}
}
