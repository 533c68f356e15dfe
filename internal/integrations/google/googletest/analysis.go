package googletest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// An Analysis is what the Container Analysis API knows of an image.
type Analysis struct {
	Status     string // of the analysis, as Google writes it; "" if there is none
	ScannedAt  string
	Continuous string
	Error      string
	Found      []Found
	Of         string // another image, which an answer is about
	Hang       bool   // no answer comes
	Endless    bool   // every page has a next one
	Raw        string // instead of an answer
}

// Found is a vulnerability in one package.
type Found struct{ ID, Package, Version, Fixed, Severity, URL string }

var occurrences = regexp.MustCompile(`^/v1/projects/([^/]+)/occurrences$`)

var filter = regexp.MustCompile(`^kind="([A-Z]+)" AND resourceUrl="([^"]+)"$`)

// analysis is projects.occurrences.list.
func (c *Cloud) analysis(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, status, reason, message string) {
		integrationtest.Answer(w, code, map[string]any{"error": map[string]any{
			"code": code, "message": message, "status": status,
			"details": []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}},
		}})
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	c.mu.Lock()
	whose, scope := c.tokens[token], c.scopes[token]
	c.mu.Unlock()
	project, asked := occurrences.FindStringSubmatch(r.URL.Path), filter.FindStringSubmatch(r.FormValue("filter"))
	switch {
	case whose == "":
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.")
		return
	case !slices.Contains(strings.Fields(scope), wholeScope):
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "Request had insufficient authentication scopes.")
		return
	case project == nil:
		http.NotFound(w, r)
		return
	case c.AnalysisDisabled:
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "SERVICE_DISABLED", "Container Analysis API has not been used in project "+project[1]+" before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/containeranalysis.googleapis.com/overview?project="+project[1]+" then retry.")
		return
	case c.AnalysisDenied:
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "permission \"containeranalysis.occurrences.list\" denied for project \""+project[1]+"\", entity ID \"\"")
		return
	case asked == nil:
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "", "invalid filter")
		return
	}
	of := c.Analyses[asked[2]]
	switch {
	case of.Hang:
		<-r.Context().Done()
		return
	case of.Raw != "":
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(of.Raw))
		return
	case of.Of != "":
		asked[2] = of.Of
	}
	all := of.occurrences(asked[1], asked[2], project[1])
	size, _ := strconv.Atoi(r.FormValue("pageSize"))
	from, _ := strconv.Atoi(r.FormValue("pageToken"))
	if size <= 0 {
		size = 20
	}
	if of.Endless {
		from = 0
	}
	page := map[string]any{"occurrences": all[min(from, len(all)):min(from+size, len(all))]}
	if from+size < len(all) || of.Endless && asked[1] == "VULNERABILITY" {
		page["nextPageToken"] = strconv.Itoa(from + size)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(page)
}

func (a Analysis) occurrences(kind, resource, project string) []map[string]any {
	all := []map[string]any{}
	add := func(note, member string, about map[string]any) {
		all = append(all, map[string]any{
			"name": "projects/" + project + "/occurrences/" + strconv.Itoa(len(all)), "resourceUri": resource, "noteName": note, "kind": kind,
			"createTime": "2026-11-01T00:00:00.123456Z", "updateTime": "2026-11-02T00:00:00.123456Z", member: about,
		})
	}
	switch {
	case kind == "DISCOVERY" && a.Status != "":
		add("projects/goog-analysis/notes/SBOM", "discovery", map[string]any{"sbomStatus": map[string]string{"sbomState": "COMPLETE"}})
		discovery := map[string]any{"analysisStatus": a.Status, "continuousAnalysis": a.Continuous}
		if a.ScannedAt != "" {
			discovery["lastScanTime"] = a.ScannedAt
		}
		if a.Error != "" {
			discovery["analysisStatusError"] = map[string]any{"code": 13, "message": a.Error}
		}
		add("projects/goog-analysis/notes/PACKAGE_VULNERABILITY", "discovery", discovery)
	case kind == "VULNERABILITY":
		for _, f := range a.Found {
			fixed := map[string]any{"kind": "MAXIMUM"}
			if f.Fixed != "" {
				fixed = map[string]any{"kind": "NORMAL", "fullName": f.Fixed}
			}
			add("projects/goog-vulnz/notes/"+f.ID, "vulnerability", map[string]any{
				"type": "OS", "severity": "HIGH", "effectiveSeverity": f.Severity, "shortDescription": f.ID,
				"relatedUrls": []any{map[string]string{"url": f.URL, "label": "More Info"}},
				"packageIssue": []any{map[string]any{
					"affectedCpeUri": "cpe:/o:debian:debian_linux:11", "affectedPackage": f.Package, "packageType": "OS",
					"affectedVersion": map[string]any{"kind": "NORMAL", "fullName": f.Version}, "fixedVersion": fixed, "effectiveSeverity": f.Severity,
				}},
			})
		}
	}
	return all
}
