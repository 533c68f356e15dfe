package portal_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestImage(t *testing.T) {
	s := newSite(t, hasAdvisories)
	b := s.as(t, auth.Viewer)
	show := func(t *testing.T, a assess.Assessment) document {
		t.Helper()
		return b.page(t, "/images/"+s.store(t, a), http.StatusOK)
	}
	whole := show(t, sample())

	t.Run("tells_the_facts", func(t *testing.T) {
		for term, want := range map[string]string{
			"Digest":                            string(digest("index")),
			"Digest of the platform's manifest": string(digest("manifest")),
			"Platform":                          "linux/amd64 of linux/amd64, linux/arm64 compare",
			"Author":                            "Jo",
			"User":                              "app",
			"System":                            "Debian GNU/Linux 12",
			"Size":                              "4.0 kB compressed in 3 layers",
			"Entrypoint":                        "/bin/app -v",
			"Command":                           "serve",
			"Directory":                         "/srv",
			"Ports":                             "80/tcp",
			"Volumes":                           "/data",
			"Health check":                      "CMD probe every 30s",
			"Stop signal":                       "SIGQUIT",
			"Media type":                        "application/vnd.oci.image.manifest.v1+json",
			"Label":                             "team=blue",
			"Annotation":                        "kept=yes",
			"Environment":                       "API_TOKEN=tok-123",
			"Scan":                              "complete, 3 components",
			"Served by":                         "Team registry host matches, has credentials",
			"Vulnerabilities":                   "1 critical1 low advisories of 2026-11-20 06:00 UTC",
		} {
			if got := whole.fact(term); got != want {
				t.Errorf("%s is %q, want %q", term, got, want)
			}
		}
		contains(t, whole.fact("Created"), "3 months ago, 20")
		contains(t, whole.fact("Assessed"), "5 minutes ago, 20")
		if whole.section("attempts") != "" {
			t.Error("one attempt needs no section")
		}
	})

	t.Run("does_not_repeat_settings_elsewhere", func(t *testing.T) {
		if n := strings.Count(whole.text(), "tok-123"); n != 2 { // the environment and the line that set it
			t.Errorf("the token is shown %d times", n)
		}
	})

	t.Run("says_what_the_image_does_not_say", func(t *testing.T) {
		a := clean()
		a.Reference, a.Scan.Components = sample().Reference, a.Scan.Components[:1]
		a.Facts = image.Facts{
			Reference: a.Reference, Digest: digest("m"), ManifestDigest: digest("m"), User: "root", UserDefaulted: true, Size: -1,
			Layers:       []image.Layer{{Digest: digest("a"), Size: -1}},
			Instructions: []image.Instruction{{Line: 1, Value: "layer without history", Layer: digest("a")}},
		}
		d := show(t, a)
		for term, want := range map[string]string{
			"User": "root the image names none", "Created": "the image does not say", "Size": "unknown compressed in 1 layer", "Health check": "none",
			"Author": "", "Entrypoint": "", "Digest of the platform's manifest": "",
		} {
			if got := d.fact(term); got != want {
				t.Errorf("%s is %q, want %q", term, got, want)
			}
		}
		contains(t, d.section("dockerfile"), "layer without history", "unknown")
		contains(t, b.page(t, "/images", http.StatusOK).row(t, "team/app"), "not said")
	})

	t.Run("ties_lines_to_what_they_brought", func(t *testing.T) {
		for line, want := range map[string]string{
			"ADD rootfs":    "1 ADD rootfs / " + digest("a").Short() + " 3.0 kB 2 2",
			"ENV API_TOKEN": "2 ENV API_TOKEN=tok-123",
			"RUN make":      "3 RUN make with A=1 " + digest("b").Short() + " 10 B 1",
			"apko":          "4 apko " + digest("c").Short() + " 990 B",
		} {
			if got := whole.row(t, line); got != want {
				t.Errorf("line is %q, want %q", got, want)
			}
		}
		var shares []string
		for _, n := range whole.all("svg") {
			shares = append(shares, attr(n, "aria-label"))
		}
		if !slices.Equal(shares, []string{"75 percent", "1 percent", "24 percent"}) {
			t.Error(shares)
		}
	})

	t.Run("lists_vulnerabilities_and_components", func(t *testing.T) {
		contains(t, whole.section("vulnerabilities"), "Vulnerabilities 2 in 3 places",
			"CVE-2026-1 DSA-1, Debian:12, changed 2026-11-20 critical 9.8 bash deb 1.0 1.1 1 About DSA-1", "GHSA-2 Debian:12, changed 2026-11-20 low curl deb 1.0 not fixed 1 About GHSA-2")
		contains(t, whole.section("components"), "Components 3",
			"bash 1.0 deb bash-source /var/lib/dpkg/status 1 1", "curl 1.0 deb curl-source /var/lib/dpkg/status 1 2", "zsh 1.0 deb zsh-source /var/lib/dpkg/status 3 none known")
	})

	t.Run("lists_what_VEX_documents_set_aside", func(t *testing.T) {
		lacks(t, whole.text(), "VEX", "set aside")
		said := &vex.Statement{Document: "doc-1", Author: "Vendor", Status: vex.NotAffected, Justification: "code_not_reachable", Timestamp: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
		doubt := *said
		doubt.Status = vex.UnderInvestigation
		a := sample()
		a.Suppressed = []assess.Suppressed{{Finding: a.Findings[2], By: assess.By{VEX: said}}}
		a.Findings = a.Findings[:2]
		a.Findings[0].VEX = &doubt
		d := show(t, a)
		contains(t, d.section("vulnerabilities"), "CVE-2026-1 VEX: under investigation DSA-1", "1 more finding not counted",
			"GHSA-2 low curl deb 1.0 not affected code not reachable Vendor 2026-02-01 00:00 UTC, doc-1")
		contains(t, d.fact("Vulnerabilities"), "1 set aside")
		a.Findings = []assess.Finding{}
		contains(t, show(t, a).section("vulnerabilities"), "None that counts in the 3 components")
	})

	t.Run("lists_what_exceptions_set_aside", func(t *testing.T) {
		until := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
		a := sample()
		a.Suppressed = []assess.Suppressed{{Finding: a.Findings[2], By: assess.By{
			Exception: &exception.Exception{ID: "curl-in-base", Kind: exception.Accepted, Author: "alice", Reason: "Never run.", Until: &until, Ticket: "https://tickets.example/1"},
			VEX:       &vex.Statement{Author: "Vendor", Status: vex.Affected, Timestamp: until},
		}}}
		a.Findings = a.Findings[:2]
		contains(t, show(t, a).section("vulnerabilities"), "1 more finding not counted",
			"GHSA-2 low curl deb 1.0 accepted Never run. ticket Vendor says of it: affected alice until 2027-01-31, exception curl-in-base")
	})

	t.Run("lists_what_changed", func(t *testing.T) {
		lacks(t, whole.text(), "What changed")
		a := sample()
		a.ID = "changed"
		imported := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
		change := &assess.Change{
			At: imported, Because: []string{assess.BecauseAdvisories}, DataFrom: &imported, Before: assess.Pass, After: assess.Fail,
			Differences: []assess.Difference{
				{What: assess.Came, ID: "DSA-1", CVE: "CVE-2026-1", Severity: vuln.Critical, FixedVersion: "1.1", Component: "bash", Version: "1.0", Type: "deb"},
				{What: assess.Changed, ID: "GHSA-2", Severity: vuln.Low, WasSeverity: vuln.Moderate, FixedVersion: "2", Component: "curl", Version: "1.0", Type: "deb"},
			},
			More: 7,
		}
		if err := s.services.Assessments.PutAssessment(t.Context(), a, upToDate(), change); err != nil {
			t.Fatal(err)
		}
		contains(t, b.page(t, "/images/changed", http.StatusOK).section("changes"), "What changed 1 time", "2026-11-21 06:00 UTC: new advisories",
			"Passes → Fails 1 came, 1 changed", "came CVE-2026-1 critical bash deb 1.0 1.1", "changed GHSA-2 moderate → low curl deb 1.0 not fixed → 2", "and 7 more")
	})

	t.Run("lists_what_later_layers_removed", func(t *testing.T) {
		lacks(t, whole.text(), "removed by later layers")
		a := sample()
		a.Scan.Removed = []assess.Removed{{Removed: scan.Removed{Component: scan.Component{Name: "wget", Version: "1.21", Type: "deb", Location: "/var/lib/dpkg/status"}}, Line: 1, RemovedLine: 3}}
		contains(t, show(t, a).section("components"), "Components 3", "1 component removed by later layers", "wget 1.21 deb /var/lib/dpkg/status 1 3")
	})

	t.Run("shortens_long_tables_and_says_so", func(t *testing.T) {
		d := show(t, large(450))
		contains(t, d.section("vulnerabilities"), "Vulnerabilities 450 ", "These are the 300 most severe. Show all 450")
		contains(t, d.section("components"), "Components 450 ", "These are the first 300. Show all 450")
		lacks(t, d.text(), "component-449")
		contains(t, d.row(t, "RUN make"), "150 150")
		for _, n := range d.all("a") {
			if text(n) == "Show all 450" {
				all := b.page(t, attr(n, "href"), http.StatusOK)
				contains(t, all.section("vulnerabilities"), "CVE-2026-10449")
				contains(t, all.section("components"), "component-449")
				lacks(t, all.text(), "Show all")
			}
		}
	})

	t.Run("opens_enforced_policies", func(t *testing.T) {
		contains(t, whole.section("policies"), "12 evaluated at build", "Critical and fixable critical enforced 1 and 7 more",
			"bash 1.0 has CVE-2026-1 line 1", "Because.", "What to do: Upgrade.", "No owner low 1")
		for _, n := range whole.all("details") {
			title := text(n)
			if strings.HasPrefix(title, "Critical") && !has(n, "open") || strings.HasPrefix(title, "No owner") && has(n, "open") {
				t.Errorf("%q is open: %t", title, has(n, "open"))
			}
		}
	})

	t.Run("tells_undecided_policies_and_reservations", func(t *testing.T) {
		a := clean()
		a.Verdict = assess.Undecided
		a.Policy.Undecided = []policy.Undecided{{Policy: "No shell", Severity: "high", Reason: "the image was not scanned", Enforced: true}}
		a.Policy.Notes = []policy.Note{{Text: "2 of the image's components could not be checked", Policies: []string{"fixable", "old"}}}
		d := show(t, a)
		contains(t, d.section("policies"), "No shell high enforced could not be decided: the image was not scanned",
			"2 of the image's components could not be checked this bears on fixable, old")
		lacks(t, d.section("policies"), "No violation")
		contains(t, d.text(), a.Reference+"Undecided")
	})

	t.Run("no_violation", func(t *testing.T) {
		contains(t, show(t, clean()).section("policies"), "No violation.")
		a := clean()
		a.Policy = policy.Result{}
		contains(t, show(t, a).section("policies"), "No policy was evaluated.")
	})

	t.Run("keeps_every_failed_attempt", func(t *testing.T) {
		a := sample()
		a.Attempts = append([]assess.Attempt{failedAttempt("First")}, a.Attempts...)
		contains(t, show(t, a).section("attempts"), "First (host matches): denied by First What to do: Ask First.",
			"Team registry (host matches, has credentials) served the image")
	})

	t.Run("tells_what_was_odd", func(t *testing.T) {
		a := sample()
		a.Facts.Notes = []string{"The history does not fit the layers."}
		a.Scan.Status, a.Scan.Notes = "partly read", []scan.Note{{Path: "/a.jar", Message: "is too large", Lossy: true}}
		contains(t, show(t, a).section("Facts"), "The history does not fit the layers.", "/a.jar is too large components may be missing", "partly read, 3 components")
	})

	t.Run("survives_hostile_text", func(t *testing.T) {
		const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)><!--{{.}}`
		a := sample()
		a.Reference, a.Platform, a.Source.Name = "registry.example/"+evil, evil, evil
		a.Facts.Author, a.Facts.User, a.Facts.WorkingDir, a.Facts.StopSignal, a.Facts.MediaType = evil, evil, evil, evil, evil
		a.Facts.Digest = image.Digest(evil)
		for _, list := range []*[]string{
			&a.Facts.Entrypoint, &a.Facts.Command, &a.Facts.Environment, &a.Facts.ExposedPorts, &a.Facts.Volumes, &a.Facts.Notes, &a.Facts.OnBuild, &a.Facts.Shell,
		} {
			*list = []string{evil}
		}
		a.Facts.Healthcheck.Test = []string{evil}
		a.Facts.Labels, a.Facts.Annotations = map[string]string{evil: evil}, map[string]string{evil: evil}
		a.Facts.Instructions[0].Keyword, a.Facts.Instructions[0].Value, a.Facts.Instructions[0].Arguments = evil, evil, []string{evil}
		a.Facts.Layers[0].Size, a.Facts.Layers[1].Size, a.Facts.Layers[2].Size = 1<<63-1, 1<<63-1, 1<<63-1
		a.Scan.OS.Name, a.Scan.Notes = evil, []scan.Note{{Path: evil, Message: evil}}
		c := &a.Scan.Components[0]
		c.Name, c.Version, c.Type, c.SourceName, c.Location, c.Unchecked = evil, evil, evil, evil, evil, evil
		f := &a.Findings[0]
		f.CVE, f.Summary, f.URL, f.Component, f.Version, f.FixedVersion, f.Type = evil, evil, "javascript:alert(1)", evil, evil, evil, evil
		v := &a.Policy.Violations[0]
		v.Policy, v.Rationale, v.Remediation, v.Messages[0].Text = evil, evil, evil, evil
		a.Attempts = []assess.Attempt{failedAttempt(evil), failedAttempt(evil)}
		d := show(t, a) // which looks for scripts and the like
		if n := strings.Count(d.text(), `<script>alert(1)</script>`); n < 40 {
			t.Errorf("the text is shown %d times", n)
		}
		for _, n := range d.all("a") {
			if strings.HasPrefix(attr(n, "href"), "javascript") {
				t.Error(n.Attr)
			}
		}
		b.page(t, "/images", http.StatusOK)
	})
}

func BenchmarkImage(b *testing.B) {
	s := newSite(b, hasAdvisories)
	path := "/images/" + s.store(b, large(2000))
	visitor := s.as(b, auth.Viewer)
	for b.Loop() {
		w := visitor.get(path)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		b.ReportMetric(float64(w.Body.Len()), "bytes/page")
	}
}

func BenchmarkImages(b *testing.B) {
	s := newSite(b, hasAdvisories)
	for range 50 {
		a := sample()
		a.Reference += b.Name()
		s.store(b, a)
	}
	visitor := s.as(b, auth.Viewer)
	for b.Loop() {
		if w := visitor.get("/images"); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

func TestImagePage_offers_bills_of_materials(t *testing.T) {
	s := newSite(t, nil)
	a := sample()
	id := s.store(t, a)
	b := s.as(t, auth.Viewer)
	page := b.get("/images/" + id).Body.String()
	for format, want := range map[string][3]string{
		"cyclonedx": {"application/vnd.cyclonedx+json; version=1.6", ".cdx.json", `"specVersion": "1.6"`},
		"spdx":      {"application/spdx+json", ".spdx.json", `"SPDX-2.3"`},
		"spdx3":     {"application/ld+json", ".spdx3.json", `"3.0.1"`},
	} {
		link := "/images/" + id + "/sbom/" + format
		if !strings.Contains(page, `href="`+link+`"`) {
			t.Errorf("the page has no link to %s", link)
		}
		w := b.get(link)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want[0] || !strings.Contains(w.Header().Get("Content-Disposition"), want[1]) ||
			!strings.Contains(w.Body.String(), want[2]) {
			t.Errorf("%s: %d %v %.200s", format, w.Code, w.Header(), w.Body)
		}
	}
	if w := b.get("/images/" + id + "/sbom/xml"); w.Code != http.StatusBadRequest {
		t.Errorf("%d", w.Code)
	}
	a.Scan.Status, a.Platform = assess.NotScanned, "linux/arm64"
	unread := s.store(t, a)
	if strings.Contains(b.get("/images/"+unread).Body.String(), "/sbom/") || b.get("/images/"+unread+"/sbom/spdx").Code != http.StatusConflict {
		t.Error("an image that was not scanned has a bill of materials")
	}
}

func TestImage_shows_the_scanners_of_registries(t *testing.T) {
	s := newSite(t, hasAdvisories)
	b := s.as(t, auth.Viewer)
	at := time.Now().Add(-80 * time.Hour)
	a := sample()
	a.External = []assess.External{
		{
			Integration: assess.Source{ID: "1", Name: "Team registry", Type: "harbor"},
			Report: external.Report{
				Scanner: external.Tool{Name: "Trivy", Version: "v0.56.1"}, Status: external.Scanned, ScannedAt: &at,
				Vulnerabilities: []external.Vulnerability{{ID: "CVE-2026-1", Package: "bash"}},
			},
			Age: "3 days", Stale: true, StaleReason: "the image was pushed after it", Agreement: &assess.Agreement{Both: 1, SeverityDiffers: 1},
		},
		{
			Integration: assess.Source{ID: "2", Name: "Quay", Type: "quay"},
			Report:      external.Failed(fault.New(fault.Forbidden, "", "Quay does not tell the robot").WithFix("Give it the permission Read.")),
		},
	}
	a.Compared = []assess.Compared{
		{ID: "CVE-2026-9", Package: "zsh", Differences: []string{"only theirs"}, Why: "no such package was found here", Said: []assess.Said{
			{By: "Team registry", Severity: vuln.Low, SaidSeverity: "Low", Link: "https://security.example/9"},
		}},
		{ID: "CVE-2026-1", Package: "bash", Differences: []string{"severity"}, Said: []assess.Said{
			{By: assess.Ourselves, Ours: true, Severity: vuln.Critical, Versions: []string{"1.0"}, FixedVersion: "1.1"},
			{By: "Team registry", Severity: vuln.Important, SaidSeverity: "High", Versions: []string{"1.0"}, FixedVersion: "1.1"},
		}},
	}
	d := b.page(t, "/images/"+s.store(t, a), http.StatusOK)
	section := d.section("external")
	for _, want := range []string{
		"counts for no policy", "Trivy v0.56.1 (Team registry): 1 vulnerability, scanned 3 days earlier (STALE: the image was pushed after it); 1 both, 0 only theirs, 0 only ours; severity differs in 1",
		"Scanner (Quay): UNAVAILABLE: Quay does not tell the robot", "What to do: Give it the permission Read.",
		"CVE-2026-9", "only theirs no such package was found here", "important High",
	} {
		contains(t, section, want)
	}
	if strings.Index(section, "CVE-2026-9") > strings.Index(section, "CVE-2026-1") {
		t.Error("the order of the comparison is another one")
	}
	if got := b.page(t, "/images/"+s.store(t, sample()), http.StatusOK).section("external"); got != "" {
		t.Errorf("without scanners there is a section: %s", got)
	}
}
