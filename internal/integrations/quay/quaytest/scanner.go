package quaytest

import (
	"net/http"
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// A Scan is what Quay's security API answers about an image.
type Scan struct {
	Status   string // as Quay writes it
	Digest   string // if it is not the one that was asked for
	Features []Feature
	NoData   bool // as no Quay does: a scanned image without findings, not even none
	Down     bool // Clair does not answer Quay
	Hang     bool // no answer comes
	Raw      string
}

// A Feature is a package in Clair's report.
type Feature struct {
	Name, Version   string
	Vulnerabilities []Vulnerability
}

// A Vulnerability is one in Clair's report.
type Vulnerability struct {
	Name, Severity, Link, FixedBy, NamespaceName, Description string
}

// security answers as endpoints/api/secscan.py of github.com/quay/quay does.
func (q *Quay) security(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, kind, detail string) {
		integrationtest.Answer(w, status, map[string]any{
			"detail": detail, "error_message": detail, "error_type": kind, "title": kind, "status": status,
			"type": "https://" + Host + "/api/v1/error/" + kind,
		})
	}
	repository, rest, isManifest := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/repository/"), "/manifest/")
	digest, isSecurity := strings.CutSuffix(rest, "/security")
	scan, found := q.Scans[digest]
	switch {
	case q.NoScanner || !isManifest || !isSecurity || strings.Count(repository, "/") != 1:
		integrationtest.Answer(w, http.StatusNotFound, map[string]any{"message": "Not Found", "status": 404})
	case q.Private && !q.knows(r):
		refuse(http.StatusUnauthorized, "invalid_token", "Requires authentication")
	case q.Private && q.Withheld:
		refuse(http.StatusForbidden, "insufficient_scope", "Unauthorized")
	case !found:
		refuse(http.StatusNotFound, "not_found", "Not Found")
	case scan.Hang:
		<-r.Context().Done()
	case scan.Down:
		refuse(520, "downstream_issue", "An error occurred in a downstream service.")
	case scan.Raw != "":
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(scan.Raw))
	default:
		answer := map[string]any{"status": scan.Status, "data": nil}
		if scan.Status == "scanned" && !scan.NoData {
			if scan.Digest != "" {
				digest = scan.Digest
			}
			features := scan.Features
			if r.URL.Query().Get("vulnerabilities") != "true" || features == nil {
				features = []Feature{}
			}
			answer["data"] = map[string]any{"Layer": map[string]any{
				"Name": digest, "ParentName": "", "NamespaceName": "", "IndexedByVersion": 4, "Features": features,
			}}
		}
		integrationtest.Answer(w, http.StatusOK, answer)
	}
}
