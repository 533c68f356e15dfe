package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

const (
	homepage    = "https://github.com/landwaiter/landwaiter"
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// sarifResults is how many results GitHub takes; it refuses a document with more.
	sarifResults = 25_000
	// sarifText is how much GitHub takes of a text.
	sarifText = 1000
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
}

type sarifDriver struct {
	Name           string       `json:"name"`
	Version        string       `json:"version,omitempty"`
	InformationURI string       `json:"informationUri"`
	Rules          []*sarifRule `json:"rules"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID               string        `json:"id"`
	Name             string        `json:"name,omitempty"`
	ShortDescription sarifMessage  `json:"shortDescription"`
	FullDescription  *sarifMessage `json:"fullDescription,omitempty"`
	Help             sarifMessage  `json:"help"`
	HelpURI          string        `json:"helpUri,omitempty"`
	Default          struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties struct {
		SecuritySeverity string   `json:"security-severity,omitempty"`
		Tags             []string `json:"tags"`
	} `json:"properties"`
	score float64
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Start         time.Time           `json:"startTimeUtc"`
	End           time.Time           `json:"endTimeUtc"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string       `json:"level"`
	Message sarifMessage `json:"message"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	Level        string             `json:"level"`
	Message      sarifMessage       `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int `json:"startLine"`
		} `json:"region"`
	} `json:"physicalLocation"`
	Logical []sarifLogical `json:"logicalLocations"`
	Message *sarifMessage  `json:"message,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

// sarif collects the one run of a log: GitHub refuses several of one tool.
type sarif struct {
	sarifRun
	rules   map[string]*sarifRule
	dropped int
}

// writeSARIF writes what is wrong and what is not known as results, since a log without any shows as clean. What was set aside
// is a result with a suppression.
func writeSARIF(w io.Writer, r *Report) error {
	log := &sarif{rules: map[string]*sarifRule{}}
	log.Results = []sarifResult{}
	log.Tool.Driver = sarifDriver{Name: "Landwaiter", Version: r.Version, InformationURI: homepage, Rules: []*sarifRule{}}
	run := sarifInvocation{Successful: true, Start: r.Started.UTC().Truncate(time.Millisecond), End: r.Ended.UTC().Truncate(time.Millisecond)}
	for _, s := range r.Subjects {
		for _, c := range s.Caveats() {
			level := [...]string{"note", "warning", "error"}[c.Level]
			run.Notifications = append(run.Notifications, sarifNotification{level, sarifMessage{Text: s.Title() + ": " + withFix(c.Text, c.Fix)}})
			run.Successful = run.Successful && c.Level != Missing
		}
		log.verdict(s)
	}
	// GitHub keeps the first results when there are many.
	for _, counts := range []bool{true, false} {
		for _, severity := range vuln.Severities() {
			for _, s := range r.Subjects {
				for _, f := range s.found() {
					if f.Severity == severity && (f.setAside == "") == counts {
						log.vulnerability(s, f)
					}
				}
			}
		}
	}
	if log.dropped > 0 {
		run.Notifications = append(run.Notifications, sarifNotification{"warning", sarifMessage{
			Text: fmt.Sprintf("%s more are left out: GitHub takes no more than %d.", count(log.dropped, "result"), sarifResults),
		}})
	}
	log.Invocations = []sarifInvocation{run}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(sarifLog{sarifSchema, "2.1.0", []sarifRun{log.sarifRun}})
}

// verdict adds what is known of a subject but its vulnerabilities.
func (l *sarif) verdict(s Subject) {
	for _, v := range s.Policy.Violations {
		rule := l.rule("policy/"+v.PolicyID, v.Policy, v.Description, ruleHelp(v), vuln.SeverityOfWord(string(v.Severity)), 0)
		rule.Properties.Tags = append([]string{"security", "policy"}, v.Categories...)
		state := "not enforced"
		if v.Enforced {
			state = "ENFORCED"
		}
		text := fmt.Sprintf("%s (%s): %s", v.Policy, state, strings.Join(messageTexts(v, 10), "\n"))
		l.add(s, rule.ID, text, firstLine(v), "").Level = rule.Default.Level
	}
	for _, x := range s.Policy.Excluded {
		rule := l.rule("policy/"+x.PolicyID, x.Policy, "", x.Policy, vuln.SeverityOfWord(string(x.Severity)), 0)
		result := l.add(s, rule.ID, x.Policy+": "+ExcludedText(x), 0, x.Exclusion)
		result.Suppressions = []sarifSuppression{{"external", "accepted", cmp.Or(x.Reason, "excluded by "+x.Exclusion)}}
	}
	for _, u := range s.Policy.Undecided {
		rule := l.rule("undecided/"+u.PolicyID, u.Policy+": undecided", "", "The policy could not be evaluated, which is no pass.", "", 0)
		result := l.add(s, rule.ID, u.Policy+" could not be decided: "+u.Reason, 0, "")
		if u.Stops() {
			result.Level = "error"
		}
	}
	for i, text := range s.Failed {
		rule := l.rule("fail-on", "Condition of --fail-on holds", "", "The command was asked to fail on this.", vuln.Important, 0)
		l.add(s, rule.ID, text, 0, fmt.Sprint(i)).Level = "error"
	}
	for i, c := range s.Caveats() {
		if c.Level == Note {
			continue // a notification says it
		}
		rule := l.rule("answer/"+c.ID, c.Title, "", "What was not looked at cannot be said to be good.", "", 0)
		result := l.add(s, rule.ID, c.Title+": "+withFix(c.Text, c.Fix), 0, fmt.Sprint(i))
		if c.Level == Missing {
			result.Level = "error"
		}
	}
}

func (l *sarif) vulnerability(s Subject, f found) {
	help := fmt.Sprintf("%s\n\nSeverity: %s. Advisory: %s of %s.", f.Summary, f.Severity, f.ID, f.Source)
	if f.FixedVersion != "" {
		help += fmt.Sprintf("\n\nUpdate %s to %s or later.", f.Component, f.FixedVersion)
	}
	rule := l.rule(f.Name(), f.Name()+": "+cmp.Or(f.Summary, f.Component), f.Summary, help, f.Severity, f.Score)
	if isLink(f.URL) {
		rule.HelpURI = f.URL
	}
	fix := "no fixed version is known"
	if f.FixedVersion != "" {
		fix = "fixed in " + f.FixedVersion
	}
	text := fmt.Sprintf("%s %s has %s (%s), %s", f.Component, f.Version, f.Name(), f.Severity, fix)
	if f.Location != "" {
		text += "; found in " + f.Location
	}
	result := l.add(s, rule.ID, text, f.Line, f.Type+"/"+f.Component+"/"+f.Location)
	result.Level = levelOf(f.Severity)
	if f.setAside != "" {
		result.Suppressions = []sarifSuppression{{"external", "accepted", cmp.Or(f.why, f.setAside)}}
	}
}

// rule is that of an ID, made when it is first needed; it is as severe as in the worst of its results.
func (l *sarif) rule(id, title, description, help string, severity vuln.Severity, score float64) *sarifRule {
	r := l.rules[id]
	if r == nil {
		r = &sarifRule{ID: clip(id, 255), ShortDescription: sarifMessage{Text: clip(title, sarifText)}, Help: sarifMessage{strings.TrimSpace(help)}}
		if description != "" {
			r.FullDescription = &sarifMessage{Text: clip(description, sarifText)}
		}
		r.Default.Level = levelOf(severity)
		r.Properties.Tags = []string{"security"}
		l.rules[id] = r
		l.Tool.Driver.Rules = append(l.Tool.Driver.Rules, r)
	}
	if score = cmp.Or(score, typicalScores[severity]); score > r.score {
		r.score, r.Default.Level = score, levelOf(severity)
		r.Properties.SecuritySeverity = fmt.Sprintf("%.1f", score)
	}
	return r
}

// typicalScores are in the middle of what CVSS calls so.
var typicalScores = map[vuln.Severity]float64{vuln.Critical: 9.5, vuln.Important: 8, vuln.Moderate: 5.5, vuln.Low: 2, vuln.Negligible: 0.1}

func levelOf(s vuln.Severity) string {
	switch s {
	case vuln.Critical, vuln.Important:
		return "error"
	case vuln.Low, vuln.Negligible:
		return "note"
	}
	return "warning"
}

// add makes a result, of which nothing but the image's version may change without it being taken for another one.
func (l *sarif) add(s Subject, rule, text string, line int, detail string) *sarifResult {
	if len(l.Results) == sarifResults {
		l.dropped++
		return &sarifResult{}
	}
	name, uri := s.Name, url.URL{Path: s.Kind + "/" + s.Name}
	if s.Kind == KindImage {
		if ref, err := image.ParseReference(s.Name); err == nil {
			name = ref.Name()
		}
		uri.Path = name
	}
	file, at := s.place(line)
	if file != "" {
		uri.Path = file
	}
	hash := sha256.Sum256([]byte(strings.Join([]string{rule, s.Kind, name, s.Platform, detail}, "\x00")))
	var place sarifLocation
	// A colon in the first segment would make that a scheme, and GitHub takes only paths of the repository.
	place.Physical.Artifact.URI = strings.ReplaceAll(strings.TrimPrefix(uri.EscapedPath(), "./"), ":", "%3A")
	place.Physical.Region.StartLine = max(at, 1)
	place.Logical = []sarifLogical{{Name: cmp.Or(s.Title(), name), Kind: strings.ToLower(s.Kind)}}
	if s.Image != nil {
		if own := s.Image.Facts.LineText(line); own != "" {
			place.Message = &sarifMessage{Text: clip(own, sarifText)}
		}
	}
	l.Results = append(l.Results, sarifResult{
		RuleID: rule, Level: "warning", Message: sarifMessage{Text: clip(text, sarifText)}, Locations: []sarifLocation{place},
		Fingerprints: map[string]string{"primaryLocationLineHash": hex.EncodeToString(hash[:16]) + ":1"},
	})
	return &l.Results[len(l.Results)-1]
}

func ruleHelp(v policy.Violation) string {
	parts := slices.DeleteFunc([]string{v.Description, v.Rationale, withFix("", strings.TrimSpace(v.Remediation))}, func(s string) bool { return s == "" })
	return cmp.Or(strings.Join(parts, "\n\n"), v.Policy)
}

func isLink(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}
