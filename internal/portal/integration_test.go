package portal_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/portal"
)

// diagnoses has a portal whose tests have two steps, the second one only after goOn.
func diagnoses(goOn <-chan struct{}) func(*portal.Options) {
	return func(o *portal.Options) {
		o.Diagnose = func(_ context.Context, c integration.Candidate, ref image.Reference, emit func(diagnosis.Step)) *diagnosis.Diagnosis {
			emit(diagnosis.Step{ID: "settings", Title: "Settings", Verdict: diagnosis.Passed, Summary: "for " + ref.Repository, Seen: []diagnosis.Fact{{Name: "user", Value: "robot"}}})
			<-goOn
			emit(diagnosis.Step{ID: "tls", Title: "TLS", Verdict: diagnosis.Failed, Findings: []diagnosis.Finding{
				{Name: "self-signed", Verdict: diagnosis.Failed, Cause: "It signs for itself.", Fix: "Have it <signed>."},
			}})
			return &diagnosis.Diagnosis{Verdict: diagnosis.Failed, Summary: "TLS: It signs for itself."}
		}
	}
}

func storedTeam(t *testing.T, s *site) string {
	t.Helper()
	w := s.Do("POST", "/v1/imageintegrations", s.Docker("Team", apitest.Marked), auth.Administrator)
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	list, err := s.Integrations.List(t.Context(), "Team", "")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].ID
}

func TestIntegration(t *testing.T) {
	t.Run("says_which_file_describes_it", func(t *testing.T) {
		s := newSite(t, nil)
		id := s.OwnedByFile(t, "Team", "teams.yaml")
		b := s.as(t, auth.Viewer)
		contains(t, b.page(t, "/integrations/"+id, http.StatusOK).text(), "the file teams.yaml: changed there only")
		if got := b.page(t, "/integrations", http.StatusOK).row(t, "Team"); !strings.HasPrefix(got, "Team from the file teams.yaml not looked at yet Generic") {
			t.Errorf("row is %q", got)
		}
	})
	t.Run("shows_its_settings_and_no_secret", func(t *testing.T) {
		s := newSite(t, nil)
		id := storedTeam(t, s)
		w := s.as(t, auth.Viewer).get("/integrations/" + id)
		d := s.as(t, auth.Viewer).read(t, w, http.StatusOK)
		contains(t, d.text(), "Generic Docker Registry", "http://"+s.Registry, "robot", "Password stored", "Whoever may change integrations")
		lacks(t, w.Body.String(), apitest.Marked, "<form class=\"check\"")
	})

	t.Run("shows_where_a_secret_is_read_from", func(t *testing.T) {
		s := newSite(t, nil)
		if w := s.Do("POST", "/v1/imageintegrations", s.Docker("Team", "env:REGISTRY_PASSWORD"), auth.Administrator); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		list, err := s.Integrations.List(t.Context(), "Team", "")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		contains(t, s.as(t, auth.Viewer).page(t, "/integrations/"+list[0].ID, http.StatusOK).text(), "Password env:REGISTRY_PASSWORD")
	})

	t.Run("is_tested_step_by_step", func(t *testing.T) {
		goOn := make(chan struct{})
		close(goOn)
		s := newSite(t, diagnoses(goOn))
		id := storedTeam(t, s)
		b := s.as(t, auth.Administrator)
		d := b.read(t, b.post("/integrations/"+id+"/test", "image", s.Registry+"/team/app:1"), http.StatusOK)
		contains(t, d.text(), "for team/app", "user: robot", "It signs for itself.", "What to do: Have it <signed>.", "The test failed. TLS: It signs for itself.")
	})

	t.Run("each_step_is_sent_as_soon_as_it_is_judged", func(t *testing.T) {
		goOn := make(chan struct{})
		s := newSite(t, diagnoses(goOn))
		id := storedTeam(t, s)
		server := httptest.NewServer(s)
		defer server.Close()
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/integrations/"+id+"/test", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(s.as(t, auth.Administrator).cookie)
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		first := false
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if strings.Contains(lines.Text(), "<strong>Settings</strong>") {
				first = true
			}
			if first && strings.Contains(lines.Text(), "</li>") && goOn != nil {
				close(goOn) // which the second step waits for
				goOn = nil
			}
		}
		if goOn != nil {
			t.Error("the first step was not sent")
		}
	})

	t.Run("is_not_tested_with_an_image_of_another_registry", func(t *testing.T) {
		s := newSite(t, diagnoses(nil))
		id := storedTeam(t, s)
		b := s.as(t, auth.Administrator)
		d := b.read(t, b.post("/integrations/"+id+"/test", "image", "quay.io/org/app:1"), http.StatusBadRequest)
		contains(t, d.text(), "it is not for quay.io/org/app:1", "What to do:")
	})

	t.Run("is_tested_only_by_those_who_may_change_it", func(t *testing.T) {
		s := newSite(t, diagnoses(nil))
		id := storedTeam(t, s)
		b := s.as(t, auth.Viewer)
		b.read(t, b.post("/integrations/"+id+"/test"), http.StatusForbidden)
	})
}
