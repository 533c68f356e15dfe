package integration_test

import (
	"slices"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// suggesting has the harness's type that detects hosts, changed.
func suggesting(t *testing.T, change func(*integration.Type)) *integration.Types {
	t.Helper()
	typ := fancy()
	typ.Retired = ""
	change(&typ)
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func names(p integration.Proposal) (required, optional []string) {
	for _, blank := range p.Missing {
		if blank.Required {
			required = append(required, blank.Name)
		} else {
			optional = append(optional, blank.Name)
		}
	}
	return required, optional
}

func TestSuggest_of_a_type(t *testing.T) {
	const host = "acme.north.fancy.example"
	old := fancy()
	old.ID, old.Label, old.Retired = "old", "Old", "Use fancy."
	current := fancy()
	current.Retired = ""

	t.Run("without_methods_shows_what_may_be_entered", func(t *testing.T) {
		s, err := suggesting(t, func(*integration.Type) {}).Suggest(host)
		if err != nil || s.Guess || s.Host != host {
			t.Fatalf("%+v, %v", s, err)
		}
		required, optional := names(s.Proposal)
		if len(required) != 0 || !slices.Equal(optional, []string{"robotAccount.name"}) {
			t.Errorf("required %q, optional %q", required, optional)
		}
	})
	t.Run("methods_set_and_ask_for_what_they_need", func(t *testing.T) {
		var seen image.Reference
		s, err := suggesting(t, func(typ *integration.Type) {
			typ.Grants = func(c integration.Config, ref image.Reference) []integration.Grant {
				seen = ref
				return []integration.Grant{
					{Method: "Identity", Summary: c.Text("accountId")},
					{Method: "Key", Settings: map[string]any{"useIdentity": false}, Fill: []string{"serviceKey"}},
				}
			}
		}).Suggest("https://" + host + "/team/app:1")
		if err != nil || len(s.Alternatives) != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		if seen.String() != host+"/team/app:1" || s.Reference != seen.String() {
			t.Errorf("the image is %s for the type, %s in the answer", seen, s.Reference)
		}
		if required, optional := names(s.Proposal); len(required)+len(optional) != 0 || s.Grant.Summary != "acme" {
			t.Errorf("the first asks for %q and %q, and says %q", required, optional, s.Grant.Summary)
		}
		if required, _ := names(s.Alternatives[0]); !slices.Equal(required, []string{"serviceKey", "robotAccount.token"}) {
			t.Errorf("the second asks for %q", required)
		}
	})
	t.Run("one_to_be_used_no_more_comes_last", func(t *testing.T) {
		types, err := integration.NewTypes(old, current)
		if err != nil {
			t.Fatal(err)
		}
		s, err := types.Suggest(host)
		if err != nil || s.Type != "fancy" || len(s.Alternatives) != 1 || s.Alternatives[0].Type != "old" {
			t.Fatalf("%+v, %v", s, err)
		}
		if !slices.Contains(s.Alternatives[0].Reasons, "Use fancy.") {
			t.Errorf("%q", s.Alternatives[0].Reasons)
		}
	})
	t.Run("without_a_type_for_any_registry", func(t *testing.T) {
		_, err := suggesting(t, func(*integration.Type) {}).Suggest("other.example")
		if fault.CodeOf(err) != fault.Invalid {
			t.Error(err)
		}
	})
}
