package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// gitlabVersion is that of GitLab's schema of container scanning reports.
const gitlabVersion = "15.2.1"

type gitlabReport struct {
	Version         string                `json:"version"`
	Scan            gitlabScan            `json:"scan"`
	Vulnerabilities []gitlabVulnerability `json:"vulnerabilities"`
}

type gitlabScan struct {
	Analyzer  gitlabTool      `json:"analyzer"`
	Scanner   gitlabTool      `json:"scanner"`
	StartTime string          `json:"start_time"`
	EndTime   string          `json:"end_time"`
	Status    string          `json:"status"`
	Type      string          `json:"type"`
	Messages  []gitlabMessage `json:"messages,omitempty"`
}

type gitlabTool struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	URL     string      `json:"url"`
	Version string      `json:"version"`
	Vendor  gitlabNamed `json:"vendor"`
}

type gitlabNamed struct {
	Name string `json:"name"`
}

type gitlabMessage struct {
	Level string `json:"level"`
	Value string `json:"value"`
}

type gitlabVulnerability struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Severity    string             `json:"severity"`
	Solution    string             `json:"solution,omitempty"`
	Identifiers []gitlabIdentifier `json:"identifiers"`
	Vectors     []gitlabVector     `json:"cvss_vectors,omitempty"`
	Links       []gitlabLink       `json:"links,omitempty"`
	Flags       []gitlabFlag       `json:"flags,omitempty"`
	Location    gitlabLocation     `json:"location"`
}

type gitlabIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	URL   string `json:"url,omitempty"`
}

type gitlabVector struct {
	Vendor string `json:"vendor"`
	Vector string `json:"vector"`
}

type gitlabLink struct {
	URL string `json:"url"`
}

type gitlabFlag struct {
	Type        string `json:"type"`
	Origin      string `json:"origin"`
	Description string `json:"description"`
}

type gitlabLocation struct {
	Dependency struct {
		Package gitlabNamed `json:"package"`
		Version string      `json:"version"`
	} `json:"dependency"`
	OperatingSystem string `json:"operating_system"`
	Image           string `json:"image"`
}

// writeGitLab writes vulnerabilities, and as such, too, what policies and the lack of answers say, because a merge request
// shows nothing else. What was set aside as mistaken is flagged; the format has no word for other reasons, so that is told in
// messages.
func writeGitLab(w io.Writer, r *Report) error {
	tool := gitlabTool{"landwaiter", "Landwaiter", homepage, cmp.Or(r.Version, "unknown"), gitlabNamed{"Landwaiter"}}
	out := gitlabReport{Version: gitlabVersion, Vulnerabilities: []gitlabVulnerability{}, Scan: gitlabScan{
		Analyzer: tool, Scanner: tool, StartTime: gitlabTime(r.Started), EndTime: gitlabTime(r.Ended), Status: "success", Type: "container_scanning",
	}}
	for _, s := range r.Subjects {
		say := func(level, text string) {
			out.Scan.Messages = append(out.Scan.Messages, gitlabMessage{level, s.Title() + ": " + text})
		}
		say("info", s.Outcome())
		for _, c := range s.Caveats() {
			say([...]string{"info", "warn", "fatal"}[c.Level], withFix(c.Title+": "+c.Text, c.Fix))
			if c.Level == Note {
				continue
			}
			if c.Level == Missing || c.ID == "not-scanned" || c.ID == "not-checked" {
				out.Scan.Status = "failure"
			}
			out.Vulnerabilities = append(out.Vulnerabilities, s.gitlab("landwaiter_answer", c.ID, c.Title, "Unknown", c.Text, c.Fix))
		}
		for _, text := range s.Failed {
			say("warn", text)
		}
		for _, v := range s.Policy.Violations {
			text := strings.Join(messageTexts(v, messagesShown), "\n")
			out.Vulnerabilities = append(out.Vulnerabilities, s.gitlab("landwaiter_policy", v.PolicyID, v.Policy, gitlabSeverity(vuln.SeverityOfWord(string(v.Severity))), text, v.Remediation))
		}
		for _, u := range s.Policy.Undecided {
			out.Vulnerabilities = append(out.Vulnerabilities, s.gitlab("landwaiter_undecided", u.PolicyID, u.Policy+": undecided", "Unknown", u.Reason, ""))
			if u.Stops() {
				out.Scan.Status = "failure"
			}
		}
		for _, x := range s.Policy.Excluded {
			say("info", x.Policy+": "+ExcludedText(x))
		}
		for _, f := range s.found() {
			if f.setAside != "" && !f.mistaken {
				say("info", fmt.Sprintf("%s in %s is %s: %s", f.Name(), f.Component, f.setAside, f.why))
				continue
			}
			out.Vulnerabilities = append(out.Vulnerabilities, s.gitlabFinding(f))
		}
	}
	seen := map[string]bool{}
	distinct := out.Vulnerabilities[:0]
	for _, v := range out.Vulnerabilities {
		if !seen[v.ID] {
			seen[v.ID] = true
			distinct = append(distinct, v)
		}
	}
	out.Vulnerabilities = distinct
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// gitlab is about a subject as a whole.
func (s Subject) gitlab(kind, id, title, severity, text, fix string) gitlabVulnerability {
	v := gitlabVulnerability{
		ID: s.gitlabID(kind, id), Name: clip(title, 255), Description: text, Severity: severity, Solution: clip(strings.TrimSpace(fix), 7000),
		Identifiers: []gitlabIdentifier{{Type: kind, Name: title, Value: id}}, Location: s.gitlabLocation(),
	}
	v.Location.Dependency.Package.Name, v.Location.Dependency.Version = s.Name, s.Digest
	if ref, err := image.ParseReference(s.Name); err == nil && s.Kind == KindImage {
		v.Location.Dependency.Package.Name, v.Location.Dependency.Version = ref.Repository, cmp.Or(ref.Tag, s.Digest)
	}
	return v
}

func (s Subject) gitlabFinding(f found) gitlabVulnerability {
	v := gitlabVulnerability{
		ID: s.gitlabID(f.Name(), f.Type, f.Component, f.Version, f.Location), Name: clip(f.Name()+" in "+f.Component, 255),
		Description: f.Summary, Severity: gitlabSeverity(f.Severity), Location: s.gitlabLocation(),
	}
	if f.Location != "" {
		v.Description = strings.TrimSpace(v.Description + "\n\nFound in " + f.Location)
	}
	if f.FixedVersion != "" {
		v.Solution = fmt.Sprintf("Update %s from %s to %s or later.", f.Component, f.Version, f.FixedVersion)
	}
	seen := map[string]bool{}
	for _, id := range append([]string{f.CVE, f.ID}, f.Aliases...) {
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		kind, _, _ := strings.Cut(strings.ToLower(id), "-")
		i := gitlabIdentifier{Type: kind, Name: id, Value: id}
		if id == f.ID && isLink(f.URL) {
			i.URL = f.URL
		}
		v.Identifiers = append(v.Identifiers, i)
	}
	// The schema has no place for vectors of CVSS 4.
	if strings.HasPrefix(f.Vector, "CVSS:3.") && len(f.Vector) <= 128 {
		v.Vectors = []gitlabVector{{cmp.Or(f.Source, "unknown"), f.Vector}}
	}
	for _, link := range f.References[:min(10, len(f.References))] {
		if isLink(link) {
			v.Links = append(v.Links, gitlabLink{link})
		}
	}
	if f.mistaken {
		v.Flags = []gitlabFlag{{"flagged-as-likely-false-positive", "Landwaiter", cmp.Or(f.why, f.setAside)}}
	}
	v.Location.Dependency.Package.Name, v.Location.Dependency.Version = f.Component, f.Version
	return v
}

func (s Subject) gitlabLocation() gitlabLocation {
	l := gitlabLocation{OperatingSystem: "unknown", Image: s.Name}
	if s.Kind != KindImage {
		l.Image = s.Title()
	}
	if s.Image != nil && s.Image.Scan.OS != nil {
		l.OperatingSystem = cmp.Or(strings.TrimSpace(s.Image.Scan.OS.ID+" "+s.Image.Scan.OS.VersionID), l.OperatingSystem)
	}
	return l
}

// gitlabID is the same each time for the same.
func (s Subject) gitlabID(parts ...string) string {
	all := strings.Join(append([]string{s.Kind, s.Name, s.Platform}, parts...), "\x00")
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(homepage+"\x00"+all)).String()
}

func gitlabSeverity(s vuln.Severity) string {
	switch s {
	case vuln.Critical:
		return "Critical"
	case vuln.Important:
		return "High"
	case vuln.Moderate:
		return "Medium"
	case vuln.Low:
		return "Low"
	case vuln.Negligible:
		return "Info"
	}
	return "Unknown"
}

func gitlabTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }
