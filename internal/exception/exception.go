// Package exception keeps the decisions of people that vulnerabilities do not count for some images for some time, as documents
// or in a store, and finds the one that is about a finding.
package exception

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// Kind says what somebody decided.
type Kind string

const (
	Deferred      Kind = "deferred"       // it is to be dealt with later
	FalsePositive Kind = "false-positive" // the image is not affected
	Accepted      Kind = "accepted"       // the risk is taken for a time
)

// kinds are ordered by what is told when several are about one finding.
var kinds = []Kind{FalsePositive, Accepted, Deferred}

// Words are the kind as one would say it.
func (k Kind) Words() string { return strings.ReplaceAll(string(k), "-", " ") }

// An Exception is one decision.
type Exception struct {
	ID   string `json:"id" required:"false"`
	Kind Kind   `json:"kind" enum:"deferred,false-positive,accepted"`
	// CVEs are names of vulnerabilities, of CVEs or of advisories; any alias will do. "*" is all of the components.
	CVEs       []string `json:"cves,omitempty"`
	Components []string `json:"components,omitempty"` // globs: NAME or NAME@VERSION; none: all
	Images     []string `json:"images,omitempty"`     // globs; "**" for all
	// It is in force from From on and before Until, and, with UntilFixable, only for findings that no version fixes.
	From          *time.Time `json:"from,omitempty"`
	Until         *time.Time `json:"until,omitempty"`
	UntilFixable  bool       `json:"untilFixable,omitempty"`
	Reason        string     `json:"reason"`
	Justification string     `json:"justification,omitempty" doc:"one of OpenVEX's, of a false positive"`
	Ticket        string     `json:"ticket,omitempty" doc:"a URL"`
	Author        string     `json:"author" required:"false" doc:"who decided last; on a server whoever called"`
	Created       time.Time  `json:"created,omitzero"`
	Updated       *time.Time `json:"updated,omitempty"`
	Revoked       *time.Time `json:"revoked,omitempty"`
	RevokedBy     string     `json:"revokedBy,omitempty"`
}

// State is whether an exception counts.
type State string

const (
	InForce State = "in force"
	NotYet  State = "not yet in force"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State at a time.
func (e *Exception) State(now time.Time) State {
	switch {
	case e.Revoked != nil:
		return Revoked
	case e.Until != nil && !now.Before(*e.Until):
		return Expired
	case e.From != nil && now.Before(*e.From):
		return NotYet
	}
	return InForce
}

// End says in words until when it is in force.
func (e *Exception) End() string {
	var ends []string
	if e.Until != nil {
		ends = append(ends, yamldoc.FormatUntil(*e.Until))
	}
	if e.UntilFixable {
		ends = append(ends, "there is a fix")
	}
	if ends == nil {
		return "-"
	}
	return strings.Join(ends, " or ")
}

// UntilText is the end behind other words; "" where there is none.
func (e *Exception) UntilText() string {
	if end := e.End(); end != "-" {
		return " until " + end
	}
	return ""
}

// brief leaves out what it is about, which findings show themselves.
func (e *Exception) brief() *Exception {
	b := *e
	b.CVEs, b.Components, b.Images = nil, nil, nil
	return &b
}

// Bounds of one exception.
const (
	maxEntries = 1000 // of each list
	maxText    = 2000 // bytes
	maxName    = 200  // bytes
)

var (
	idForm            = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?$`)
	vulnerabilityForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$`)
)

// justifications are OpenVEX's.
var justifications = []string{
	"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
	"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
}

// check tells every mistake, by the field's path in a document.
func (e *Exception) check(problem func(path, format string, args ...any)) {
	if !idForm.MatchString(e.ID) {
		problem("metadata.name", "must be lower-case letters, digits, dots and hyphens, at most 100")
	}
	if !slices.Contains(kinds, e.Kind) {
		problem("spec.kind", "must be deferred, false-positive or accepted")
	}
	e.checkScope(problem)
	switch {
	case e.From != nil && e.Until != nil && !e.From.Before(*e.Until):
		problem("spec.until", "must be later than from")
	case e.Kind == Accepted && e.Until == nil:
		problem("spec.until", "is needed: a risk is accepted for a time, after which somebody looks again")
	case e.Kind == Deferred && e.Until == nil && !e.UntilFixable:
		problem("spec.until", "is needed, or untilFixable: true: what is deferred must end")
	}
	for _, f := range []struct {
		path, text string
		max        int
		needed     bool
	}{
		{"spec.author", e.Author, maxName, true}, {"spec.reason", e.Reason, maxText, true}, {"spec.ticket", e.Ticket, maxText, false}, {"spec.revokedBy", e.RevokedBy, maxName, false},
	} {
		switch {
		case len(f.text) > f.max:
			problem(f.path, "is longer than %d bytes", f.max)
		case f.needed && strings.TrimSpace(f.text) == "":
			problem(f.path, "is needed: an exception says who decided and why")
		}
	}
	if e.Ticket != "" && !strings.HasPrefix(e.Ticket, "https://") && !strings.HasPrefix(e.Ticket, "http://") {
		problem("spec.ticket", "must be a URL that begins with https:// or http://")
	}
	switch {
	case e.Justification == "":
	case e.Kind != FalsePositive:
		problem("spec.justification", "is for false positives only")
	case !slices.Contains(justifications, e.Justification):
		problem("spec.justification", "must be one of OpenVEX's: %s", strings.Join(justifications, ", "))
	}
}

func (e *Exception) checkScope(problem func(path, format string, args ...any)) {
	for _, list := range []struct {
		path  string
		texts []string
	}{{"spec.cves", e.CVEs}, {"spec.components", e.Components}, {"spec.images", e.Images}} {
		if len(list.texts) > maxEntries {
			problem(list.path, "has more than %d entries", maxEntries)
		}
	}
	if len(e.CVEs) == 0 {
		problem("spec.cves", `is needed: the CVEs or advisories it is about, or "*" for all of some components`)
	}
	for i, name := range e.CVEs {
		switch {
		case name == "*" && (len(e.Components) == 0 || slices.ContainsFunc(e.Components, matchesAll)):
			problem(at("spec.cves", i), `"*" needs components that name some, so that not everything disappears`)
		case name != "*" && !vulnerabilityForm.MatchString(name):
			problem(at("spec.cves", i), "must be the name of a CVE or an advisory, without wildcards")
		}
	}
	for i, pattern := range e.Components {
		if err := checkPattern(pattern); err != "" {
			problem(at("spec.components", i), "%s", err)
		}
	}
	if len(e.Images) == 0 {
		problem("spec.images", `is needed: globs of images; write "**" for all images`)
	}
	for i, pattern := range e.Images {
		if err := checkImage(pattern); err != "" {
			problem(at("spec.images", i), "%s", err)
		}
	}
}

// checkImage refuses patterns that match no image.
func checkImage(pattern string) string {
	if err := checkPattern(pattern); err != "" {
		return err
	}
	if strings.HasPrefix(pattern, "**") || strings.HasPrefix(pattern, "sha256:") {
		return ""
	}
	host, _, ok := strings.Cut(pattern, "/")
	if ok && strings.ContainsAny(host, ".:*?") || host == "localhost" {
		return ""
	}
	example := "docker.io/library/" + pattern
	if ref, err := image.ParseReference(pattern); err == nil {
		if example = ref.Name(); ref.Tag != "latest" || strings.HasSuffix(pattern, ":latest") {
			example = ref.String()
		}
	}
	return `matches no image, since names begin with the registry: write ` + clip(example) + `, or "**" for all images`
}
