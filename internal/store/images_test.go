package store_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// imageOf is an assessment of a digest with vulnerabilities of those names.
func imageOf(id, reference, digest string, at time.Time, names ...string) assess.Assessment {
	a := assessed(id, reference, at, 1)
	a.Facts.Digest, a.Findings = image.Digest(digest), nil
	for _, name := range names {
		a.Findings = append(a.Findings, assess.Finding{Vulnerability: vuln.Vulnerability{ID: name}, Component: "one"}, assess.Finding{Vulnerability: vuln.Vulnerability{ID: name}, Component: "two"})
	}
	return a
}

func TestImages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		put := func(t *testing.T, s *store.Store, list ...assess.Assessment) {
			t.Helper()
			for _, a := range list {
				if err := s.PutAssessment(t.Context(), a, assess.Matching{}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		filled := func(t *testing.T) *store.Store {
			s := open(t)
			put(t, s,
				imageOf("old", "quay.io/org/app:1", "sha256:b", noon, "CVE-2021-44228", "GHSA-aaaa-bbbb-cccc"),
				imageOf("new", "quay.io/org/app:Latest", "sha256:b", noon.Add(time.Hour), "CVE-2021-44228"),
				imageOf("other", "quay.io/org/other:1", "sha256:a", noon, "CVE-2021-4422"),
				imageOf("clean", "docker.io/library/nginx:1", "sha256:c", noon))
			return s
		}
		word := func(text string) []assess.Words { return []assess.Words{{{Text: text}}} }
		exactly := func(text string) []assess.Words { return []assess.Words{{{Text: text, Exact: true}}} }
		for name, test := range map[string]struct {
			query assess.ImageQuery
			want  string // IDs
		}{
			"all_by_digest_the_newest_of_each":        {assess.ImageQuery{}, "other new clean"},
			"beginning_of_a_reference":                {assess.ImageQuery{Reference: word("quay.io/org/")}, "other new"},
			"in_any_case":                             {assess.ImageQuery{Reference: word("QUAY.io/org/app:l")}, "new"},
			"the_assessment_of_the_name":              {assess.ImageQuery{Reference: word("quay.io/org/app:1")}, "old"},
			"not_in_the_middle":                       {assess.ImageQuery{Reference: word("nginx")}, ""},
			"exact_reference":                         {assess.ImageQuery{Reference: exactly("quay.io/org/app")}, ""},
			"expression":                              {assess.ImageQuery{Reference: []assess.Words{{{Regexp: regexp.MustCompile("nginx:.$")}}}}, "clean"},
			"all_but_those":                           {assess.ImageQuery{Reference: []assess.Words{{{Text: "quay.io", Not: true}}}}, "clean"},
			"either":                                  {assess.ImageQuery{Reference: []assess.Words{{{Text: "docker.io"}, {Text: "quay.io/org/other"}}}}, "other clean"},
			"both":                                    {assess.ImageQuery{Reference: append(word("quay.io"), word("docker.io")...)}, ""},
			"digest":                                  {assess.ImageQuery{Digest: exactly("sha256:c")}, "clean"},
			"vulnerability":                           {assess.ImageQuery{Vulnerability: exactly("CVE-2021-44228")}, "new"},
			"vulnerability_in_lower_case":             {assess.ImageQuery{Vulnerability: exactly("cve-2021-44228")}, "new"},
			"beginning_of_a_vulnerability":            {assess.ImageQuery{Vulnerability: word("CVE-2021-4422")}, "other new"},
			"vulnerability_of_mixed_case":             {assess.ImageQuery{Vulnerability: exactly("GHSA-aaaa-bbbb-cccc")}, "old"},
			"vulnerability_of_some":                   {assess.ImageQuery{Vulnerability: word("CVE"), Reference: word("quay.io/org/other")}, "other"},
			"without_a_vulnerability":                 {assess.ImageQuery{Vulnerability: []assess.Words{{{Text: "CVE-2021-44228", Exact: true, Not: true}}}}, "other clean"},
			"one_vulnerability_or_another":            {assess.ImageQuery{Vulnerability: []assess.Words{{{Text: "GHSA", Exact: false}, {Text: "CVE-2021-4422", Exact: true}}}}, "other old"},
			"text_that_means_something_to_a_database": {assess.ImageQuery{Vulnerability: word("%' OR 1=1 --"), Reference: word("_")}, ""},
		} {
			t.Run(name, func(t *testing.T) {
				s := filled(t)
				list, err := s.Images(t.Context(), test.query, 100, 0)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, i := range list {
					ids = append(ids, i.ID)
				}
				if got := strings.Join(ids, " "); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
				if n, err := s.CountImages(t.Context(), test.query); err != nil || n != len(list) {
					t.Error(n, err)
				}
			})
		}

		t.Run("pages", func(t *testing.T) {
			s := filled(t)
			for offset, want := range []string{"sha256:a", "sha256:b", "sha256:c", ""} {
				list, err := s.Images(t.Context(), assess.ImageQuery{}, 1, offset)
				if err != nil || len(list) != min(1, len(want)) || want != "" && string(list[0].Digest) != want {
					t.Error(offset, list, err)
				}
			}
		})

		t.Run("follow_what_is_found", func(t *testing.T) {
			s := filled(t)
			vulnerable := func(name string) int {
				n, err := s.CountImages(t.Context(), assess.ImageQuery{Vulnerability: exactly(name)})
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			put(t, s, imageOf("again", "quay.io/org/other:1", "sha256:d", noon.Add(time.Hour), "CVE-1", "CVE-2"))
			if vulnerable("CVE-2021-4422") != 0 || vulnerable("CVE-1") != 1 {
				t.Error("after another assessment")
			}
			put(t, s, imageOf("late", "quay.io/org/other:1", "sha256:e", noon, "CVE-3"))
			if vulnerable("CVE-3") != 0 || vulnerable("CVE-1") != 1 {
				t.Error("after one that came too late")
			}
			m, err := s.Matching(t.Context(), "again")
			if err != nil {
				t.Fatal(err)
			}
			if done, err := s.PutRematched(t.Context(), imageOf("again", "quay.io/org/other:1", "sha256:d", noon.Add(time.Hour), "CVE-2", "CVE-4"), m, m.Basis, nil); err != nil || !done {
				t.Fatal(done, err)
			}
			if vulnerable("CVE-1") != 0 || vulnerable("CVE-2") != 1 || vulnerable("CVE-4") != 1 {
				t.Error("after it was matched again")
			}
			if err := s.DeleteAssessment(t.Context(), "again"); err != nil {
				t.Fatal(err)
			}
			if vulnerable("CVE-2") != 0 {
				t.Error("after it was deleted")
			}
		})

		t.Run("are_deleted", func(t *testing.T) {
			s := filled(t)
			n, err := s.DeleteImages(t.Context(), assess.ImageQuery{Reference: word("quay.io")})
			if err != nil || n != 2 {
				t.Error(n, err)
			}
			if n, err := s.CountImages(t.Context(), assess.ImageQuery{}); err != nil || n != 1 {
				t.Error(n, err)
			}
			if _, err := s.Assessment(t.Context(), "old"); fault.CodeOf(err) != fault.NotFound {
				t.Error(err)
			}
		})
	})
}

// BenchmarkImages asks for one of 100,000 images, each with 20 vulnerabilities of 5,000.
func BenchmarkImages(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "PostgreSQL": storetest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			const n = 100_000
			url := fresh(b)
			s := storetest.Open(b, storetest.Options(url))
			template := imageOf("template", "template", "sha256:t", noon, "CVE-0")
			if err := s.PutAssessment(b.Context(), template, assess.Matching{}, nil); err != nil {
				b.Fatal(err)
			}
			numbers := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) `
			db := storetest.Raw(b, url)
			for _, statement := range []string{
				fmt.Sprintf(numbers, n) + `INSERT INTO assessments (id, reference, platform, assessed_at, summary, body, digest)
					SELECT 'id' || i, 'quay.io/org/app-' || i || ':1', platform, assessed_at + i, REPLACE(summary, 'sha256:t', 'sha256:' || i), body, 'sha256:' || i FROM n, assessments WHERE id = 'template'`,
				`INSERT INTO matches SELECT assessments.id, data_as_of, vex, checked, packages, found FROM assessments, matches WHERE assessment_id = 'template' AND id <> 'template'`,
				fmt.Sprintf(numbers, 20) + `INSERT INTO assessment_findings (name, assessment_id) SELECT 'CVE-2026-' || ((assessed_at % 1000003 * 37 + i * 211) % 5000), id FROM n, assessments WHERE id <> 'template' ON CONFLICT DO NOTHING`,
				`ANALYZE`,
			} {
				if _, err := db.Exec(statement); err != nil {
					b.Fatal(err)
				}
			}
			for what, query := range map[string]assess.ImageQuery{
				"all":           {},
				"one":           {Reference: []assess.Words{{{Text: "quay.io/org/app-77777:1"}}}},
				"digest":        {Digest: []assess.Words{{{Text: "sha256:77777", Exact: true}}}},
				"expression":    {Reference: []assess.Words{{{Regexp: regexp.MustCompile("(?i)app-777.*:1")}}}},
				"vulnerability": {Vulnerability: []assess.Words{{{Text: "CVE-2026-777", Exact: true}}}},
				"without":       {Vulnerability: []assess.Words{{{Text: "CVE-2026-777", Exact: true, Not: true}}}},
			} {
				b.Run(what, func(b *testing.B) {
					for b.Loop() {
						if list, err := s.Images(b.Context(), query, 1000, 0); err != nil || len(list) == 0 {
							b.Fatal(len(list), err)
						}
					}
				})
			}
			b.Run("count", func(b *testing.B) {
				for b.Loop() {
					if n, err := s.CountImages(b.Context(), assess.ImageQuery{}); err != nil || n <= 100_000 {
						b.Fatal(n, err)
					}
				}
			})
		})
	}
}
