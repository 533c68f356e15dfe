package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestImages(t *testing.T) {
	t.Run("none_yet", func(t *testing.T) {
		s := newSite(t, hasAdvisories)
		contains(t, s.as(t, auth.Administrator).page(t, "/images", http.StatusOK).text(), "No image has been assessed yet. Check one above, or with")
		d := s.as(t, auth.Viewer).page(t, "/images", http.StatusOK)
		contains(t, d.text(), "No image has been assessed yet. Check one with")
		lacks(t, d.text(), "no advisory data")
	})

	t.Run("say_that_there_is_no_advisory_data", func(t *testing.T) {
		contains(t, newSite(t, nil).as(t, auth.Viewer).page(t, "/images", http.StatusOK).text(), "There is no advisory data: images are not checked")
	})

	t.Run("show_verdict_counts_and_origin", func(t *testing.T) {
		s := newSite(t, hasAdvisories)
		id := s.store(t, sample())
		d := s.as(t, auth.Viewer).page(t, "/images", http.StatusOK)
		contains(t, d.row(t, "team/app"),
			"registry.example/team/app:1.0 linux/amd64, served by Team registry Fails 2 violated, 1 enforced 1 critical1 low 1 fixable 3 Debian GNU/Linux 12 3 months ago 5 minutes ago")
		linked := false
		for _, n := range d.all("a") {
			linked = linked || attr(n, "href") == "/images/"+id
		}
		if !linked {
			t.Error("the image's page is not linked")
		}
	})

	t.Run("doubts_are_shown_instead_of_none_known", func(t *testing.T) {
		for name, c := range map[string]struct {
			change func(*assess.Assessment)
			shown  []string
		}{
			"not_scanned": {func(a *assess.Assessment) {
				a.Scan = assess.Scan{Status: assess.NotScanned, Reason: "the layers cannot be had"}
				a.Check = assess.Check{Status: assess.NotChecked, Reason: "the image was not scanned"}
			}, []string{"not scanned"}},
			"not_checked": {func(a *assess.Assessment) {
				a.Check = assess.Check{Status: assess.NotChecked, Reason: "there is no advisory data", Unchecked: 3}
			}, []string{"not checked"}},
			"partly_checked": {func(a *assess.Assessment) {
				a.Check.Status, a.Check.Reason, a.Check.Checked, a.Check.Unchecked = assess.PartlyChecked, "1 of 3 components were not checked", 2, 1
				a.Scan.Components[0].Unchecked = "no advisory data for npm"
			}, []string{"partly checked"}},
			"partly_read": {func(a *assess.Assessment) { a.Scan.Status = "partly read" }, []string{"partly read"}},
			"partly_read_and_not_checked": {func(a *assess.Assessment) {
				a.Scan.Status, a.Check = "partly read", assess.Check{Status: assess.NotChecked, Reason: "there is no advisory data"}
			}, []string{"partly read", "not checked"}},
		} {
			t.Run(name, func(t *testing.T) {
				s := newSite(t, hasAdvisories)
				a := clean()
				c.change(&a)
				id := s.store(t, a)
				b := s.as(t, auth.Viewer)
				row := b.page(t, "/images", http.StatusOK).row(t, "team/clean")
				contains(t, row, c.shown...)
				d := b.page(t, "/images/"+id, http.StatusOK)
				contains(t, d.fact("Vulnerabilities")+d.fact("Scan"), c.shown...)
				lacks(t, row+d.fact("Vulnerabilities"), "none known", "None known", "none found", "nothing to check")
				contains(t, strings.ToLower(d.section("vulnerabilities")), c.shown[len(c.shown)-1])
				lacks(t, d.section("vulnerabilities"), "None known", "no component")
				if name != "partly_checked" && name != "partly_read" {
					lacks(t, d.section("components"), "none known", "None found")
				}
				contains(t, d.section("Facts"), a.Check.Reason)
			})
		}
		t.Run("no_doubt", func(t *testing.T) {
			s := newSite(t, hasAdvisories)
			id := s.store(t, clean())
			empty := clean()
			empty.Reference, empty.Scan.Components, empty.Scan.OS, empty.Check.Checked = "registry.example/empty:1", nil, nil, 0
			emptyID := s.store(t, empty)
			b := s.as(t, auth.Viewer)
			list := b.page(t, "/images", http.StatusOK)
			contains(t, list.row(t, "team/clean"), "Passes none known 3")
			contains(t, list.row(t, "/empty"), "Passes nothing to check 0 none found")
			contains(t, b.page(t, "/images/"+id, http.StatusOK).section("vulnerabilities"), "None known in the 3 components.")
			contains(t, b.page(t, "/images/"+emptyID, http.StatusOK).section("vulnerabilities"), "There is no component to check.")
		})
	})

	t.Run("are_searched_and_paged", func(t *testing.T) {
		s := newSite(t, hasAdvisories)
		for i := range 53 {
			a := clean()
			a.Reference, a.AssessedAt = fmt.Sprintf("registry.example/team/n%02d:1", i), time.Now().Add(-time.Duration(i)*time.Hour)
			s.store(t, a)
		}
		b := s.as(t, auth.Viewer)
		rows := func(d document) int { return len(d.all("tr")) - 1 }
		link := func(d document, label string) string {
			for _, n := range d.all("a") {
				if text(n) == label {
					return attr(n, "href")
				}
			}
			return ""
		}
		first := b.page(t, "/images?query=+TEAM/n+", http.StatusOK)
		if rows(first) != 50 || link(first, "Newest") != "" {
			t.Error(rows(first), first.text())
		}
		second := b.page(t, link(first, "Older"), http.StatusOK)
		if rows(second) != 3 || link(second, "Older") != "" || link(second, "Newest") != "/images?query=TEAM%2Fn" {
			t.Error(rows(second), second.text())
		}
		contains(t, second.row(t, "n50"), "2 days ago")
		if d := b.page(t, "/images?query=n07", http.StatusOK); rows(d) != 1 || link(d, "Older") != "" {
			t.Error(d.text())
		}
		contains(t, b.page(t, "/images?query=%3Cb%3E", http.StatusOK).text(), "No image matches <b>. Show all")
		u, _ := url.Parse(link(first, "Older"))
		q := u.Query()
		q.Set("query", "n07")
		contains(t, b.page(t, "/images?"+q.Encode(), http.StatusOK).text(), "There are no older images. Show the newest")
		contains(t, b.page(t, "/images?after=x", http.StatusBadRequest).text(), "the page marker is not one that this server gave out")
	})
}

func TestCheck(t *testing.T) {
	s := newSite(t, nil)
	if w := s.Do("POST", "/v1/imageintegrations", s.Docker("Team registry", apitest.Marked), auth.Administrator); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	b := s.as(t, auth.ContinuousIntegration)

	t.Run("leads_to_the_images_page", func(t *testing.T) {
		w := b.post("/images", "image", "  "+s.Image+" \n")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/images/") {
			t.Fatal(w.Code, w.Body)
		}
		d := b.page(t, w.Header().Get("Location"), http.StatusOK)
		if got := text(d.all("h1")[0]); got != s.Image {
			t.Error(got)
		}
		if got := d.fact("Served by"); got != "Team registry host matches, has credentials, made by a person" {
			t.Error(got)
		}
	})

	t.Run("tells_what_is_wrong_with_a_reference", func(t *testing.T) {
		for asked, want := range map[string]string{"": "Name an image to check.", "UPPER/<b>:x": "UPPER/<b>:x could not be checked."} {
			d := b.read(t, b.post("/images", "image", asked), http.StatusBadRequest)
			contains(t, d.text(), want, "Check an image")
			for _, n := range d.all("input") {
				if attr(n, "name") == "image" && attr(n, "value") != asked {
					t.Error(attr(n, "value"))
				}
			}
		}
		if w := b.post("/images", "image", strings.Repeat("x", 1<<20)); w.Code != http.StatusBadRequest || w.Body.Len() > 100<<10 {
			t.Error(w.Code, w.Body.Len())
		}
	})

	t.Run("shows_each_attempt_that_failed", func(t *testing.T) {
		if w := s.Do("POST", "/v1/imageintegrations", s.Docker("Wrong <password>", "wrong"), auth.Administrator); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		w := b.post("/images", "image", s.Registry+"/team/none:1")
		if w.Code < 400 || w.Code >= 500 {
			t.Error(w.Code)
		}
		d := b.read(t, w, w.Code)
		contains(t, d.text(), s.Registry+"/team/none:1 could not be checked. No integration could serve",
			"Team registry (host matches, has credentials, made by a person):", "Wrong <password> (host matches", "What to do:")
		if n := len(d.all("li")); n != 2 {
			t.Errorf("%d attempts", n)
		}
		lacks(t, w.Body.String(), apitest.Marked)
	})

	t.Run("takes_another_integration_when_one_is_refused", func(t *testing.T) {
		// "A" is asked before "Team registry".
		if w := s.Do("POST", "/v1/imageintegrations", s.Docker("A wrong one", "wrong"), auth.Administrator); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		d := b.page(t, b.post("/images", "image", s.Image).Header().Get("Location"), http.StatusOK)
		contains(t, d.section("attempts"), "A wrong one", "Team registry (host matches, has credentials, made by a person) served the image")
	})

	lacks(t, s.Log.String(), apitest.Marked)
}

func TestSeverities(t *testing.T) {
	s := newSite(t, hasAdvisories)
	a := clean()
	for _, severity := range vuln.Severities() {
		f := sample().Findings[0]
		f.CVE, f.Severity = "CVE-"+string(severity), severity
		a.Findings = append(a.Findings, f)
	}
	s.store(t, a)
	d := s.as(t, auth.Viewer).page(t, "/images", http.StatusOK)
	contains(t, d.row(t, "team/clean"), "1 critical1 important1 moderate1 low1 negligible1 unknown")
	var letters []string
	for _, n := range d.all("span") {
		if attr(n, "aria-hidden") == "true" {
			letters = append(letters, n.FirstChild.Data)
		}
	}
	if got := strings.Join(letters, ""); got != "CIMLNU" {
		t.Errorf("severities are told apart by %s", got)
	}
}
