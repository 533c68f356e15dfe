package portal_test

import (
	"net/http"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestHealth(t *testing.T) {
	s := newSite(t, nil)
	ids := map[string]string{}
	for name, password := range map[string]string{
		"Works": apitest.Marked,
		// A token of a user who is not known, that ends in 2020.
		"Refused": "e30.eyJleHAiOjE1ODAwMDAwMDAsImlhdCI6MTU3MDAwMDAwMH0.c2ln",
	} {
		w := s.Do("POST", "/v1/imageintegrations", s.Docker(name, password), auth.Administrator)
		if w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		list, err := s.Integrations.List(t.Context(), name, "")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		ids[name] = list[0].ID
		if _, err := s.services.Health.CheckNow(t.Context(), list[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	b := s.as(t, auth.Viewer)

	t.Run("is_in_the_list_with_the_cause_of_what_fails", func(t *testing.T) {
		d := b.page(t, "/integrations", http.StatusOK)
		contains(t, d.row(t, "Works"), "healthy since just now")
		contains(t, d.row(t, "Refused"), "unhealthy since just now", "“robot”")
		contains(t, d.text(), "Ending soon", "Refused: credential expired on 26 January 2020")
	})
	t.Run("shows_every_side_and_the_history_of_one", func(t *testing.T) {
		w := b.get("/integrations/" + ids["Refused"])
		lacks(t, w.Body.String(), apitest.Marked)
		contains(t, b.read(t, w, http.StatusOK).text(), "Health unhealthy", "What to do:", "authentication failed", "uninitialized to unhealthy:")
	})
}
