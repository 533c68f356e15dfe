package typestest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

const asked image.Digest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"

// ask has the scanner asked about an image. No secret is in the answer, or in a request to a host that is not owned.
func (s *Scanner) ask(t *testing.T, ctx context.Context) (external.Report, error) {
	t.Helper()
	c := s.Open(typeOf(t, s.Type), s.Settings, s.Machine)
	scanner, ok := c.Registry.(external.Scanner)
	if !ok {
		t.Fatalf("%s has no scanner", s.Type)
	}
	ref := integrationtest.Reference(t, s.Image)
	client := s.Client()
	question := external.Asking{Ref: ref, Digest: asked, Get: func(ctx context.Context, path string, as distribution.Credential, header http.Header) (distribution.Answer, error) {
		return client.Ask(ctx, c.Endpoint(ref), path, as, header)
	}}
	heard := &listener{Scanner: scanner}
	report := external.Ask(ctx, heard, question)
	err := heard.err
	s.checkSecrets(t, fmt.Sprintf("%+v %v %s", report, err, fault.FixOf(err)))
	return report, err
}

// A listener keeps the error that becomes part of a report.
type listener struct {
	external.Scanner
	err error
}

func (l *listener) Report(ctx context.Context, a external.Asking) (external.Report, error) {
	report, err := l.Scanner.Report(ctx, a)
	l.err = err
	return report, err
}

func (s *Scanner) checkSecrets(t *testing.T, told string) {
	t.Helper()
	for _, secret := range s.Secrets {
		if strings.Contains(told, secret) {
			t.Errorf("a secret is told: %s", told)
		}
	}
	for _, r := range s.Requests() {
		owned := slices.Contains(s.Owned, strings.TrimSuffix(r.Host, ":80"))
		if !owned && (slices.ContainsFunc(s.Secrets, func(secret string) bool { return strings.Contains(r.Dump, secret) }) || strings.Contains(r.Dump, "Authorization:")) {
			t.Errorf("a secret was sent to %s", r.Host)
		}
		if r.Host == s.Owned[0] && r.Method != http.MethodGet && s.Type != "ecr" {
			t.Errorf("%s %s was sent to the registry", r.Method, r.Path)
		}
	}
}

func typical(s *Scanner) []Finding {
	return []Finding{
		{"CVE-2026-0001", "openssl", "1.1.1k-1", "1.1.1n-0+deb11u1", s.High, "https://security.example/CVE-2026-0001"},
		{"CVE-2026-0002", "zlib", "1:1.2.11.dfsg-2", "", "Low", "javascript:alert(1)"},
	}
}

func TestScanners(t *testing.T) {
	for name, start := range Scanners() {
		t.Run(name, func(t *testing.T) {
			status := func(want external.Status) func(t *testing.T) {
				return func(t *testing.T) {
					s := start(t)
					bring := map[external.Status]func(string){external.Queued: s.Queue, external.Unsupported: s.Refuse}[want]
					bring(string(asked))
					report, err := s.ask(t, t.Context())
					if err != nil || report.Status != want || report.Reason == "" || len(report.Vulnerabilities) != 0 {
						t.Errorf("%+v, error %v", report, err)
					}
				}
			}
			t.Run("queued", status(external.Queued))
			t.Run("not_supported", status(external.Unsupported))

			t.Run("scanned", func(t *testing.T) {
				s := start(t)
				s.Scan(string(asked), typical(s)...)
				report, err := s.ask(t, t.Context())
				if err != nil || report.Status != external.Scanned || report.Scanner.Name == "" || report.Omitted != 0 {
					t.Fatalf("%+v, error %v", report, err)
				}
				if at := report.ScannedAt; s.SaysWhen != (at != nil) || at != nil && !at.Equal(ScannedAt) {
					t.Errorf("scanned at %v", at)
				}
				want := []external.Vulnerability{
					{ID: "CVE-2026-0001", Package: "openssl", Version: "1.1.1k-1", FixedVersion: "1.1.1n-0+deb11u1", Severity: vuln.Important, SaidSeverity: s.High, Link: "https://security.example/CVE-2026-0001"},
					{ID: "CVE-2026-0002", Package: "zlib", Version: "1:1.2.11.dfsg-2", Severity: vuln.Low, SaidSeverity: "Low"},
				}
				if s.NoFixed {
					want[0].FixedVersion = ""
				}
				if fmt.Sprintf("%+v", report.Vulnerabilities) != fmt.Sprintf("%+v", want) {
					t.Errorf("got  %+v\nwant %+v", report.Vulnerabilities, want)
				}
			})

			t.Run("scanned_and_nothing_found", func(t *testing.T) {
				s := start(t)
				s.Scan(string(asked))
				report, err := s.ask(t, t.Context())
				if err != nil || report.Status != external.Scanned || report.Vulnerabilities == nil || len(report.Vulnerabilities) != 0 {
					t.Errorf("%+v, error %v", report, err)
				}
			})

			t.Run("not_scanned_or_failed_is_unavailable_and_says_what_to_do", func(t *testing.T) {
				s := start(t)
				for _, bring := range []func(string){s.Unscanned, s.Fail} {
					if bring == nil {
						continue
					}
					bring(string(asked))
					if report, err := s.ask(t, t.Context()); err != nil || report.Status != external.Unavailable || report.Reason == "" || report.Fix == "" {
						t.Errorf("%+v, error %v", report, err)
					}
				}
			})

			t.Run("an_image_that_is_not_there", func(t *testing.T) {
				s := start(t)
				report, err := s.ask(t, t.Context())
				if s.Type == "google" || s.Type == "artifactregistry" { // which knows analyses only
					if err != nil || report.Status != external.Unavailable {
						t.Errorf("%+v, error %v", report, err)
					}
				} else if fault.CodeOf(err) != fault.NotFound || fault.NameOf(err) != "" || report.Status != external.Unavailable {
					t.Errorf("%+v, error %v", report, err)
				}
			})

			t.Run("a_name_that_no_image_there_has", func(t *testing.T) {
				s := start(t)
				host, _, _ := strings.Cut(s.Image, "/")
				s.Image = host + "/app:1"
				if report, _ := s.ask(t, t.Context()); report.Status != external.Unavailable || report.Reason == "" {
					t.Errorf("%+v", report)
				}
			})

			t.Run("no_permission_and_not_enabled_have_names_and_advice", func(t *testing.T) {
				for _, what := range []string{"withheld", "disabled"} {
					s := start(t)
					bring := map[string]func(){"withheld": s.Withhold, "disabled": s.Disable}[what]
					if bring == nil {
						continue
					}
					s.Scan(string(asked), typical(s)...)
					if what == "disabled" && s.Type == "harbor" {
						s.Unscanned(string(asked))
					}
					bring()
					report, err := s.ask(t, t.Context())
					t.Logf("%s: %v\n%s", what, err, fault.FixOf(err))
					if err == nil || fault.NameOf(err) == "" || report.Status != external.Unavailable || report.Reason == "" || report.Fix == "" {
						t.Errorf("%s: %+v, error %v", what, report, err)
					}
					if code := fault.CodeOf(err); what == "withheld" && code != fault.Forbidden {
						t.Errorf("withheld: code %s", code)
					}
				}
			})

			t.Run("an_answer_about_another_image_counts_for_nothing", func(t *testing.T) {
				s := start(t)
				s.Other(string(asked))
				if report, err := s.ask(t, t.Context()); err == nil || !strings.Contains(err.Error(), "another image") || len(report.Vulnerabilities) != 0 {
					t.Errorf("%+v, error %v", report, err)
				}
			})

			t.Run("answers_that_lie_are_no_findings", func(t *testing.T) {
				s := start(t)
				for _, raw := range []string{
					`{}`, `null`, `[]`, `"scanned"`, `{"status":"scanned"}`, `{"status":"scanned","data":{"Layer":[]}}`, `{"status":7}`, `<html>`, `{"x":`,
					`{"` + "application/json" + `":{"vulnerabilities":{}}}`, `{"occurrences":{}}`, `{"occurrences":[{"discovery":{"analysisStatus":"FINISHED_SUCCESS"}}]}`,
					`{"imageScanStatus":{"status":"COMPLETE"}}`, strings.Repeat(`{"a":`, 100_000),
				} {
					s.Answer(string(asked), raw)
					report, err := s.ask(t, t.Context())
					if report.Status == external.Scanned || report.Reason == "" {
						t.Errorf("%.60s: %+v, error %v", raw, report, err)
					}
				}
			})

			t.Run("a_huge_report_is_bounded", func(t *testing.T) {
				s := start(t)
				found := make([]Finding, 6100)
				for i := range found {
					found[i] = Finding{fmt.Sprintf("CVE-2026-%05d", i), "p", "1", "", "Low", ""}
				}
				s.Scan(string(asked), found...)
				report, err := s.ask(t, t.Context())
				if err != nil || report.Status != external.Scanned || len(report.Vulnerabilities) != 5000 || report.Omitted == 0 {
					t.Errorf("%d vulnerabilities, %d omitted, error %v", len(report.Vulnerabilities), report.Omitted, err)
				}
			})

			t.Run("an_answer_of_any_length_is_not_read_to_its_end", func(t *testing.T) {
				s := start(t)
				s.Answer(string(asked), `{"status":"`+strings.Repeat("x", 17<<20)+`"}`)
				if report, err := s.ask(t, t.Context()); err == nil || report.Status != external.Unavailable {
					t.Errorf("%v, error %v", report.Status, err)
				}
			})

			t.Run("endless_pages_end", func(t *testing.T) {
				s := start(t)
				if s.Endless == nil {
					t.Skip("the protocol has no pages")
				}
				s.Endless(string(asked), typical(s)...)
				report, err := s.ask(t, t.Context())
				if err != nil || report.Status != external.Scanned || !strings.Contains(report.Reason, "more than") {
					t.Errorf("%s %q, error %v", report.Status, report.Reason, err)
				}
			})

			t.Run("a_scanner_that_hangs_is_left", func(t *testing.T) {
				s := start(t)
				s.Hang(string(asked))
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				began := time.Now()
				if report, err := s.ask(t, ctx); err == nil || report.Status != external.Unavailable {
					t.Errorf("%+v, error %v", report, err)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("left after %s", took)
				}
			})

			t.Run("no_redirect_is_followed", func(t *testing.T) {
				s := start(t)
				s.Scan(string(asked), typical(s)...)
				s.Add("stranger.example", http.NotFoundHandler())
				for _, host := range s.Owned {
					s.Add(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						http.Redirect(w, r, "https://stranger.example"+r.URL.Path, http.StatusTemporaryRedirect)
					}))
				}
				if report, err := s.ask(t, t.Context()); err == nil || report.Status != external.Unavailable {
					t.Errorf("%+v, error %v", report, err)
				}
			})

			t.Run("whatever_a_server_repeats_no_secret_is_told", func(t *testing.T) {
				s := start(t)
				for _, status := range []int{200, 400, 401, 403, 404, 500, 520} {
					for _, host := range s.Owned {
						s.Add(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							_, password, _ := r.BasicAuth()
							said := r.Header.Get("Authorization") + " " + password
							integrationtest.Answer(w, status, map[string]any{
								"detail": said, "message": said, "__type": said, "status": said, "error": map[string]any{"status": said, "message": said},
								"errors": []any{map[string]string{"code": said, "message": said}}, "access_token": "ya29.other", "expires_in": 3600,
							})
						}))
					}
					if report, err := s.ask(t, t.Context()); report.Status != external.Unavailable {
						t.Errorf("%d: %+v, error %v", status, report, err)
					}
				}
			})
		})
	}
}

// TestScanners_in_the_connection_test holds of all types that an integration that is for its registry's scanner has it asked.
func TestScanners_in_the_connection_test(t *testing.T) {
	steps := func(t *testing.T, s *Scanner, image string, categories ...integration.Category) diagnosistest.Steps {
		t.Helper()
		typ := typeOf(t, s.Type)
		c := s.Open(typ, s.Settings, s.Machine)
		c.Integration.Categories = categories
		ref := integrationtest.Reference(t, s.Image)
		if image == "" {
			ref.Repository = ""
		}
		list := diagnosistest.Diagnose(t, typ, c, ref, s.Transport(), s.Secrets...)
		return slices.DeleteFunc(list, func(step diagnosis.Step) bool { return step.ID != s.Type+"-scanner" })
	}
	both := []integration.Category{integration.CategoryRegistry, integration.CategoryScanner}
	for name, start := range Scanners() {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if got := steps(t, s, s.Image, integration.CategoryRegistry); len(got) != 0 {
				t.Errorf("a registry's scanner was asked: %s", got)
			}
			if got := steps(t, s, s.Image, both...); len(got) != 1 || got[0].Verdict == diagnosis.Failed {
				t.Errorf("with the right to ask: %s", got)
			}
			if got := steps(t, s, "", both...); len(got) != 1 || got[0].Verdict == diagnosis.Failed {
				t.Errorf("without an image: %s", got)
			}
			s.Withhold()
			got := steps(t, s, s.Image, integration.CategoryScanner)
			if len(got) != 1 || got[0].Verdict != diagnosis.Failed || !strings.Contains(got.String(), "denied") {
				t.Errorf("without the right to ask: %s", got)
			}
		})
	}
}
