package vuln

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStale(t *testing.T) {
	const week, day = DefaultMaxAge, 24 * time.Hour
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, c := range []struct {
		name string
		list []EcosystemStatus
		want []string
	}{
		{"nothing", nil, nil},
		{"fresh", []EcosystemStatus{{Name: "npm", Records: 9000, Newest: ago(day), Imported: ago(week)}}, nil},
		{"old", []EcosystemStatus{{Name: "npm", Records: 9000, Newest: ago(8 * day), Imported: ago(week + time.Second)}}, []string{"The advisories for npm are 7 days old. Vul"}},
		{"old_but_its_source_has_nothing_newer", []EcosystemStatus{{Name: "Hackage", Records: 30, Newest: ago(90 * day), Imported: ago(60 * day), Checked: ago(day)}}, nil},
		{"small_and_quiet", []EcosystemStatus{{Name: "Hackage", Records: 499, Newest: ago(900 * day), Imported: ago(day)}}, nil},
		{"imported_today_from_an_old_archive", []EcosystemStatus{{Name: "Debian:12", Records: 499, Newest: ago(900 * day), Imported: ago(day)}, {Name: "Debian:11", Records: 1, Newest: ago(31 * day), Imported: ago(day)}},
			[]string{"The advisories for Debian have nothing newer than 2026-01-29, though they were imported 2026-02-28. Vul"}},
		{"releases_and_ecosystems_of_one_age_are_told_together", []EcosystemStatus{
			{Name: "npm", Imported: ago(9 * day)}, {Name: "Debian:12", Imported: ago(9 * day)}, {Name: "Debian:11", Imported: ago(9 * day)}, {Name: "Go", Imported: ago(9 * day)}, {Name: "PyPI", Imported: ago(12 * day)},
		}, []string{"The advisories for Debian, Go and npm are 9 days old.", "The advisories for PyPI are 12 days old."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Stale(c.list, now, week)
			if len(got) != len(c.want) {
				t.Fatalf("%+v", got)
			}
			for i, w := range got {
				if !strings.HasPrefix(w.Text, c.want[i]) || w.Fix == "" {
					t.Errorf("%+v, want %s", w, c.want[i])
				}
			}
		})
	}
	t.Run("tables", func(t *testing.T) {
		s := Status{EPSS: &TableStatus{Imported: ago(10 * day)}, KnownExploited: &TableStatus{Imported: ago(10 * day), Checked: ago(day)}}.At(now, week)
		if len(s.Warnings) != 1 || !strings.HasPrefix(s.Warnings[0].Text, "The data about EPSS scores are 10 days old.") {
			t.Errorf("%+v", s.Warnings)
		}
	})
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, writeFiles(t, map[string]string{"1.json": osv("DSA-1", "Debian:12", "a", below("2")), "2.json": osv("GHSA-1", "npm", "a", below("2.0.0"))}))
	checked := now.Add(time.Hour)
	if err := WriteSources(dir, Sources{
		"Debian": {URL: "https://osv.example", Imported: now, Checked: checked}, "npm": {URL: "https://osv.example", Imported: now.Add(-time.Hour), Checked: checked},
	}); err != nil {
		t.Fatal(err)
	}
	x := mustOpen(t, dir)
	for _, e := range x.Status().Ecosystems {
		if debian := e.Name == "Debian:12"; debian != e.Checked.Equal(checked) || debian != (e.Origin == "https://osv.example") {
			t.Errorf("what was imported by hand since is not the source's: %+v", e)
		}
	}
	if v := match(t, x, Package{"Debian:12", "a", "1", ""})[0]; !v.SourceAsOf.Equal(checked) {
		t.Error(v.SourceAsOf)
	}
	if v := match(t, x, Package{"npm", "a", "1.0.0", ""})[0]; !v.SourceAsOf.Equal(now) {
		t.Error(v.SourceAsOf)
	}
	if err := os.WriteFile(filepath.Join(dir, sourcesName), []byte("{cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v := match(t, mustOpen(t, dir), Package{"Debian:12", "a", "1", ""})[0]; !v.SourceAsOf.Equal(now) {
		t.Error("with no readable sources: ", v.SourceAsOf)
	}
}
