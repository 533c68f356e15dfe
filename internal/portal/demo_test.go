package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/demo"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestDemo(t *testing.T) {
	s := newSite(t, guests)
	if _, err := s.services.Advisories.Import(t.Context(), "../demo/advisories"); err != nil {
		t.Fatal(err)
	}
	_, assessed, err := demo.Start(t.Context(), demo.Options{
		Integrations: s.Integrations, Assess: s.Assess, Assessments: s.services.Assessments, AdvisoriesDir: t.TempDir(),
		Password: secret.New("marked-demo-password"), Now: time.Now, Log: s.services.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-assessed:
	case <-time.After(time.Minute):
		t.Fatal("the demo does not get ready")
	}
	for _, b := range []*browser{{site: s}, s.as(t, auth.Administrator)} {
		paths := map[string]bool{"/integrations": true}
		for _, n := range b.page(t, "/images", http.StatusOK).all("a") {
			paths[attr(n, "href")] = true
		}
		images := 0
		for path := range paths {
			if !strings.HasPrefix(path, "/images/") && path != "/integrations" {
				continue
			}
			images++
			w := b.get(path)
			d := b.read(t, w, http.StatusOK)
			if w.Body.Len() > 200_000 {
				t.Errorf("%s has %d bytes", path, w.Body.Len())
			}
			contains(t, d.text(), "Demo registry")
			lacks(t, w.Body.String(), "marked-demo-password")
		}
		if images < 5 {
			t.Errorf("only %d images", images)
		}
	}
}
