package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/portal"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// withData is sample with the data that it was checked with.
func withData(imported time.Time) assess.Assessment {
	a := sample()
	a.Check.Data = &vuln.Status{Ecosystems: []vuln.EcosystemStatus{{Name: "Debian:12", Records: 5, Imported: imported}}}
	return a
}

func TestOldAdvisoryData(t *testing.T) {
	const warning = "The advisories for Debian are 9 days old."
	old := time.Now().Add(-9*24*time.Hour - time.Minute)
	s := newSite(t, func(o *portal.Options) {
		o.Advisories = func() vuln.Status {
			return vuln.Status{Records: 5, Ecosystems: withData(old).Check.Data.Ecosystems}.At(time.Now(), vuln.DefaultMaxAge)
		}
	})
	b := s.as(t, auth.Viewer)
	id := s.store(t, withData(old))
	contains(t, b.page(t, "/images/"+id, http.StatusOK).text(), warning, "landwaiter vuln update", "Advisories: Debian as of "+old.UTC().Format("2006-01-02 15:04"))
	images := b.page(t, "/images", http.StatusOK)
	contains(t, images.text(), warning)
	contains(t, images.row(t, "team/app"), "checked with advisories of 9 days ago")

	s = newSite(t, hasAdvisories)
	b = s.as(t, auth.Viewer)
	id = s.store(t, withData(time.Now()))
	for _, path := range []string{"/images", "/images/" + id} {
		lacks(t, b.page(t, path, http.StatusOK).text(), "days old", "checked with advisories")
	}
}

func TestExploitationOnTheImagePage(t *testing.T) {
	s := newSite(t, hasAdvisories)
	b := s.as(t, auth.Viewer)
	if d := b.page(t, "/images/"+s.store(t, sample()), http.StatusOK); strings.Contains(d.text(), "EPSS") || strings.Contains(d.text(), "exploited") {
		t.Error("something is shown without data")
	}
	a := withData(time.Now())
	a.Check.Data.EPSS, a.Check.Data.KnownExploited = &vuln.TableStatus{Records: 1, Imported: time.Now()}, &vuln.TableStatus{Records: 1, Imported: time.Now()}
	added := time.Date(2021, 12, 10, 0, 0, 0, 0, time.UTC)
	a.Findings[0].EPSS = &vuln.EPSS{CVE: "CVE-2026-1", Score: 0.97213, Percentile: 0.9998, Date: added}
	a.Findings[0].KnownExploited = &vuln.KnownExploited{CVE: "CVE-2026-1", Added: added, Ransomware: true}
	d := b.page(t, "/images/"+s.store(t, a), http.StatusOK)
	contains(t, d.row(t, "CVE-2026-1"), "CVE-2026-1 exploited DSA-1, Debian:12, changed 2026-11-20 critical 9.8 0.97 bash")
	contains(t, d.fact("Vulnerabilities"), "1 known to be exploited")
	contains(t, b.page(t, "/images", http.StatusOK).row(t, "team/app"), "1 exploited")
}
