package integrationtest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
	"unicode"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Scanned is the digest of the image that FuzzReport asks about.
const Scanned = "sha256:3333333333333333333333333333333333333333333333333333333333333333"

// FuzzReport has a type's scanner read documents, which are the answer to whatever it asks. Each seed is one.
func FuzzReport(f *testing.F, typ integration.Type, settings map[string]any, repository string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		network := answering(document)
		c := Open(t, typ, settings, integration.Deps{Now: time.Now, HTTP: network})
		report := external.Ask(t.Context(), c.Registry.(external.Scanner), external.Asking{
			Ref: Reference(t, repository), Digest: image.Digest(Scanned),
			Get: func(context.Context, string, distribution.Credential, http.Header) (distribution.Answer, error) {
				return distribution.Answer{Status: http.StatusOK, Body: document}, nil
			},
		})
		if statuses := []external.Status{external.Scanned, external.Queued, external.Unsupported, external.Unavailable}; !slices.Contains(statuses, report.Status) {
			t.Errorf("status %q", report.Status)
		}
		if report.Status != external.Scanned && (report.Reason == "" || len(report.Vulnerabilities) > 0) {
			t.Errorf("%s without a reason, or with findings: %+v", report.Status, report)
		}
		for _, v := range report.Vulnerabilities {
			if v.ID == "" || !slices.Contains(vuln.Severities(), v.Severity) || slices.ContainsFunc([]rune(v.ID+v.Package+v.Version+v.FixedVersion), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("vulnerability %+v", v)
			}
		}
	})
}

// answering is a network in which every host has the same to say.
type answering []byte

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, Body: io.NopCloser(bytes.NewReader(a)),
		Header: http.Header{"Content-Type": {"application/json"}, "Metadata-Flavor": {"Google"}}, ContentLength: int64(len(a)),
	}, nil
}
