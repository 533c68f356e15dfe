package store_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC)

// assessed is an assessment as large as a real one with that many components.
func assessed(id, reference string, at time.Time, components int) assess.Assessment {
	created := noon.Add(-time.Hour)
	a := assess.Assessment{
		ID: id, Reference: reference, Platform: "linux/amd64", AssessedAt: at,
		Facts:  image.Facts{Reference: reference, Digest: "sha256:" + image.Digest(strings.Repeat("ab", 32)), Created: &created, User: "root", UserDefaulted: true},
		Source: assess.Source{ID: "i", Name: "Docker Hub", Type: "docker"},
		Scan:   assess.Scan{Status: "complete", OS: &scan.OS{ID: "debian", Name: "Debian 12"}, Components: []assess.Component{}},
		Check:  assess.Check{Status: assess.Checked, Checked: components},
		Policy: policy.Result{Stage: policy.Build, Violations: []policy.Violation{{PolicyID: "p", Enforced: true}}},
		Findings: []assess.Finding{{
			Vulnerability: vuln.Vulnerability{ID: "CVE-2026-1", CVE: "CVE-2026-1", Severity: vuln.Critical, FixedVersion: "2", Source: "Debian:12"}, Component: "openssl",
		}},
		Verdict: assess.Fail,
	}
	for i := range components {
		a.Scan.Components = append(a.Scan.Components, assess.Component{Line: i % 20, Component: scan.Component{
			Name: fmt.Sprint("library-", i), Version: fmt.Sprintf("1.%d.%d", i%7, i), Type: "deb", Ecosystem: "Debian:12",
			PURL:     fmt.Sprintf("pkg:deb/debian/library-%d@1.%d.%d?arch=amd64", i, i%7, i),
			Location: "/var/lib/dpkg/status", Layer: a.Facts.Digest, Licenses: []string{"MIT"},
		}})
	}
	return a
}

func TestAssessments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		put := func(t *testing.T, s *store.Store, list ...assess.Assessment) {
			t.Helper()
			for _, a := range list {
				if err := s.PutAssessment(t.Context(), a, assess.Matching{}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}

		t.Run("come_back_as_they_were", func(t *testing.T) {
			s := open(t)
			want := assessed("1", "docker.io/library/nginx:latest", noon, 30)
			put(t, s, want)
			byID, err := s.Assessment(t.Context(), "1")
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(byID, want) {
				t.Errorf("got  %s\nwant %s", asJSON(t, byID), asJSON(t, want))
			}
			latest, err := s.LatestSummary(t.Context(), want.Reference)
			if err != nil || !reflect.DeepEqual(latest, assess.Summarize(&want)) {
				t.Errorf("by reference: %s, %v", asJSON(t, latest), err)
			}
			list, next, err := s.Assessments(t.Context(), "", 10, "")
			if err != nil || next != "" || len(list) != 1 || !reflect.DeepEqual(list[0], assess.Summarize(&want)) {
				t.Errorf("listed: %s, %q, %v", asJSON(t, list), next, err)
			}
		})

		t.Run("keep_the_latest_of_a_reference_and_platform", func(t *testing.T) {
			s := open(t)
			arm := assessed("3", "r", noon, 0)
			arm.Platform = "linux/arm64"
			put(t, s, assessed("1", "r", noon, 0), assessed("2", "r", noon.Add(time.Second), 0), arm, assessed("4", "r", noon.Add(-time.Second), 0))
			for id, there := range map[string]bool{"1": false, "2": true, "3": true, "4": false} {
				_, err := s.Assessment(t.Context(), id)
				if there && err != nil {
					t.Error(id, err)
				} else if !there {
					wantFault(t, err, fault.NotFound)
				}
			}
			if a, err := s.LatestSummary(t.Context(), "r"); err != nil || a.ID != "2" {
				t.Error(a.ID, err)
			}
			if list, err := s.SummariesOf(t.Context(), "r"); err != nil || len(list) != 2 || list[0].ID != "2" || list[1].ID != "3" {
				t.Error(list, err)
			}
		})

		t.Run("that_do_not_exist_are_not_found", func(t *testing.T) {
			s := open(t)
			_, err := s.Assessment(t.Context(), "x")
			wantFault(t, err, fault.NotFound)
			_, err = s.LatestSummary(t.Context(), "x")
			wantFault(t, err, fault.NotFound)
			wantFault(t, s.DeleteAssessment(t.Context(), "x"), fault.NotFound)
		})

		t.Run("deleted_are_gone", func(t *testing.T) {
			s := open(t)
			put(t, s, assessed("1", "r", noon, 0))
			if err := s.DeleteAssessment(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			_, err := s.Assessment(t.Context(), "1")
			wantFault(t, err, fault.NotFound)
		})

		t.Run("are_paged_newest_first_and_each_once", func(t *testing.T) {
			s := open(t)
			var want []string
			for i := range 23 {
				// Three share each time, so the ID decides between them.
				id := fmt.Sprintf("%02d", i)
				put(t, s, assessed(id, "r"+id, noon.Add(time.Duration(i/3)*time.Second), 0))
				want = append([]string{id}, want...)
			}
			var got []string
			after := ""
			for page := 0; ; page++ {
				list, next, err := s.Assessments(t.Context(), "", 5, after)
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range list {
					got = append(got, a.ID)
				}
				if page == 1 {
					// Changes between two pages: something new, one of a coming page again, and one of a coming page gone.
					put(t, s, assessed("new", "new", noon.Add(time.Hour), 0), assessed("again", "r05", noon.Add(time.Hour), 0))
					if err := s.DeleteAssessment(t.Context(), "04"); err != nil {
						t.Fatal(err)
					}
				}
				if after = next; next == "" {
					break
				}
			}
			left := strings.NewReplacer(" 05", "", " 04", "").Replace(fmt.Sprint(want))
			if fmt.Sprint(got) != left {
				t.Errorf("got  %v\nwant %v", got, left)
			}
		})

		t.Run("a_page_that_ends_with_the_list_is_the_last", func(t *testing.T) {
			s := open(t)
			put(t, s, assessed("1", "a", noon, 0), assessed("2", "b", noon, 0))
			if list, next, err := s.Assessments(t.Context(), "", 2, ""); err != nil || len(list) != 2 || next != "" {
				t.Error(list, next, err)
			}
		})

		t.Run("are_found_by_a_part_of_the_reference", func(t *testing.T) {
			s := open(t)
			put(t, s, assessed("1", "quay.io/org/a_b:1.0", noon, 0), assessed("2", "quay.io/org/axb:1.0", noon, 0), assessed("3", "quay.io/org/c:V1!", noon, 0))
			for query, want := range map[string]string{
				"": "3 2 1", "ORG/A": "2 1", "a_b": "1", "_": "1", "%": "", "v1!": "3", "!": "3", `\`: "", "'": "", "quay.io/org/c:V1!": "3", "\x00": "", "\xff": "",
			} {
				list, _, err := s.Assessments(t.Context(), query, 10, "")
				if err != nil {
					t.Errorf("%q: %v", query, err)
				}
				var ids []string
				for _, a := range list {
					ids = append(ids, a.ID)
				}
				if got := strings.Join(ids, " "); got != want {
					t.Errorf("%q finds %q, want %q", query, got, want)
				}
			}
		})

		t.Run("a_page_marker_of_somebody_elses_making_is_refused", func(t *testing.T) {
			s := open(t)
			for _, after := range []string{"x", "!!", "MTIz", "YSBi", strings.Repeat("A", 1000), "MSAA"} {
				_, _, err := s.Assessments(t.Context(), "", 10, after)
				wantFault(t, err, fault.Invalid, "first page")
			}
		})
	})
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
