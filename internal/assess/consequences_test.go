package assess_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func TestConsequences(t *testing.T) {
	stored := func(f *flow, n int, reference string, source assess.Source) {
		t.Helper()
		must(t, f.store.PutAssessment(t.Context(), assess.Assessment{
			ID: fmt.Sprint(n), Reference: reference, Platform: "linux/amd64", AssessedAt: now.Add(time.Duration(n) * time.Second), Source: source,
		}, assess.Matching{}, nil))
	}

	t.Run("images_served_by_it_with_the_candidates_that_remain", func(t *testing.T) {
		f := start(t, nil, nil)
		in := f.connect("team", "https://registry.example/team", "robot", "right")
		spare := f.connect("whole host", "https://registry.example", "robot", "right")
		lone := f.connect("lone", "https://lone.example", "robot", "right")
		by := func(id string) assess.Source { return assess.Source{ID: id, Name: "as it was called then"} }
		stored(f, 1, "registry.example/team/app:1", by(in.ID))
		stored(f, 2, "registry.example/team/db:1", by(in.ID))
		stored(f, 3, "registry.example/other/app:1", by(spare.ID))
		stored(f, 4, "lone.example/app:1", by(lone.ID))
		stored(f, 5, "lone.example/public:1", assess.Source{Name: "no integration"})

		c, err := f.Consequences(t.Context(), in.ID)
		must(t, err)
		if !c.Complete || len(c.Images) != 2 || c.Images[0].Reference != "registry.example/team/db:1" || c.Images[1].ID != "1" {
			t.Fatalf("%+v", c)
		}
		for _, i := range c.Images {
			if len(i.Remaining) != 1 || i.Remaining[0].Source.ID != spare.ID || i.Remaining[0].Endpoint != "https://registry.example" || len(i.Remaining[0].Reasons) == 0 {
				t.Errorf("%+v", i)
			}
		}
		c, err = f.Consequences(t.Context(), lone.ID)
		must(t, err)
		if !c.Complete || len(c.Images) != 1 || c.Images[0].Remaining == nil || len(c.Images[0].Remaining) != 0 {
			t.Errorf("%+v", c)
		}
		c, err = f.Consequences(t.Context(), "unused")
		must(t, err)
		if !c.Complete || c.Images == nil || len(c.Images) != 0 {
			t.Errorf("%+v", c)
		}
	})

	t.Run("of_a_change_are_the_images_that_would_be_asked_for_elsewhere", func(t *testing.T) {
		f := start(t, nil, nil)
		in := f.connect("team", "https://registry.example", "robot", "right")
		spare := f.connect("spare", "https://registry.example", "", "")
		stored(f, 1, "registry.example/team/app:1", assess.Source{ID: in.ID})
		stored(f, 2, "registry.example/other/app:1", assess.Source{ID: in.ID})
		stored(f, 3, "registry.example/other/app:2", assess.Source{ID: spare.ID})
		stored(f, 4, "gone.example/app:1", assess.Source{ID: in.ID}) // served before an earlier change

		for name, c := range map[string]struct {
			endpoint string
			category integration.Category
			want     string
		}{
			"same place":    {"https://registry.example/", integration.CategoryRegistry, "gone.example/app:1 []"},
			"another host":  {"https://moved.example", integration.CategoryRegistry, "gone.example/app:1 [], registry.example/other/app:1 [spare], registry.example/team/app:1 [spare]"},
			"another path":  {"https://registry.example/team", integration.CategoryRegistry, "gone.example/app:1 [], registry.example/other/app:1 [spare team at https://registry.example/team]"},
			"scanner only":  {"https://registry.example", integration.CategoryScanner, "gone.example/app:1 [], registry.example/other/app:1 [spare], registry.example/team/app:1 [spare]"},
			"what was gone": {"https://gone.example", integration.CategoryRegistry, "registry.example/other/app:1 [spare], registry.example/team/app:1 [spare]"},
		} {
			changed := in
			changed.Config = in.Config.With("endpoint", c.endpoint)
			opened, err := f.integrations.Opened(t.Context(), integration.Draft{Integration: changed}, true)
			must(t, err)
			opened.Integration.Categories = []integration.Category{c.category}
			lost, err := f.ChangeConsequences(t.Context(), opened)
			must(t, err)
			var got []string
			for _, i := range lost.Images {
				var names []string
				for _, r := range i.Remaining {
					shown := r.Source.Name
					if r.Endpoint != "https://registry.example" {
						shown += " at " + r.Endpoint
					}
					names = append(names, shown)
				}
				got = append(got, fmt.Sprint(i.Reference, " ", names))
			}
			if strings.Join(got, ", ") != c.want || !lost.Complete {
				t.Errorf("%s: got %s\nwant %s", name, strings.Join(got, ", "), c.want)
			}
		}
	})

	t.Run("a_long_list_is_cut_and_says_so", func(t *testing.T) {
		f := start(t, nil, nil)
		in := f.connect("team", "https://registry.example", "", "")
		for n := range 201 {
			stored(f, n, fmt.Sprintf("registry.example/app:%d", n), assess.Source{ID: in.ID})
		}
		c, err := f.Consequences(t.Context(), in.ID)
		must(t, err)
		if c.Complete || len(c.Images) != 200 {
			t.Errorf("complete %t, %d images", c.Complete, len(c.Images))
		}
		must(t, f.store.DeleteAssessment(t.Context(), "7"))
		c, err = f.Consequences(t.Context(), in.ID)
		must(t, err)
		if !c.Complete || len(c.Images) != 200 {
			t.Errorf("complete %t, %d images", c.Complete, len(c.Images))
		}
	})

	t.Run("old_assessments_are_found_past_the_first_page", func(t *testing.T) {
		f := start(t, nil, nil)
		in := f.connect("team", "https://registry.example", "", "")
		stored(f, 0, "registry.example/old:1", assess.Source{ID: in.ID})
		for n := range 1001 {
			stored(f, n+1, fmt.Sprintf("other.example/app:%d", n), assess.Source{ID: "other"})
		}
		c, err := f.Consequences(t.Context(), in.ID)
		must(t, err)
		if !c.Complete || len(c.Images) != 1 {
			t.Errorf("complete %t, images %+v", c.Complete, c.Images)
		}
	})
}
