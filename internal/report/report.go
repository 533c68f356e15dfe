// Package report writes answers about images and workloads in the formats that CI systems and people read. Whatever makes an
// answer less than it seems is in every format, and never looks like passing.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A Report is the answers to what one command asked for, in the order that it was asked in.
type Report struct {
	Version  string // of this program
	Started  time.Time
	Ended    time.Time
	Subjects []Subject
}

// KindImage is the Kind of a Subject that is an image.
const KindImage = "Image"

// A Subject is one image of one platform, or one workload.
type Subject struct {
	Kind     string // KindImage, or the kind of a workload, e.g. "Deployment"
	Name     string // the image's reference as it was asked for, or the workload's namespace/name
	Platform string
	Digest   string
	// File and Line are where the workload's object is. For an image they are set by Locate.
	File  string
	Line  int
	lines map[int]int // of File, by the image's own Dockerfile lines

	Image    *assess.Assessment     // nil for workloads, and for an image that could not be had
	Workload *assess.WorkloadReport // nil for images
	Policy   policy.Result
	Verdict  assess.Verdict
	Problems []Problem // images that could not be had
	// Failed is what of a FailOn holds, in sentences; Unknown is what of it could not be told.
	Failed, Unknown []string
}

// A Problem is an image that could not be had.
type Problem struct {
	Image string // as it was asked for
	Text  string
	Fix   string
}

// OfImage makes the subject of an assessed image, asked for by a name.
func OfImage(name string, a *assess.Assessment) Subject {
	return Subject{
		Kind: KindImage, Name: cmp.Or(name, a.Reference), Platform: a.Platform, Digest: string(a.Facts.Digest),
		Image: a, Policy: a.Policy, Verdict: a.Verdict,
	}
}

// OfPlatforms makes a subject of each platform of an image.
func OfPlatforms(name string, p *assess.Platforms) []Subject {
	var list []Subject
	for _, answer := range p.Platforms {
		if answer.Assessment != nil {
			list = append(list, OfImage(name, answer.Assessment))
			continue
		}
		list = append(list, Subject{
			Kind: KindImage, Name: name, Platform: answer.Platform, Verdict: assess.Undecided,
			Problems: []Problem{{name, answer.Error, answer.Fix}},
		})
	}
	return list
}

// OfError makes the subject of an image that could not be had.
func OfError(name string, err error) Subject {
	return Subject{Kind: KindImage, Name: name, Verdict: assess.Undecided, Problems: []Problem{{name, err.Error(), fault.FixOf(err)}}}
}

// OfWorkload makes the subject of a workload.
func OfWorkload(w assess.WorkloadReport) Subject {
	s := Subject{
		Kind: w.Workload.Kind, Name: strings.TrimPrefix(w.Workload.Namespace+"/"+w.Workload.Name, "/"),
		File: w.Workload.File, Line: w.Workload.Line, Workload: &w, Policy: w.Policy, Verdict: w.Verdict,
	}
	for _, i := range w.Images {
		if i.Error != "" {
			s.Problems = append(s.Problems, Problem{i.Image, "container " + i.Container + ": " + i.Error, i.Fix})
		}
	}
	return s
}

// Verdict is the worst of all subjects. A violation stays one whatever else could not be decided, so failing is worse.
func (r *Report) Verdict() assess.Verdict {
	var worst assess.Verdict
	for _, s := range r.Subjects {
		worst = assess.WorseVerdict(worst, s.Verdict)
	}
	return worst
}

// Title is the subject's name with what tells it from others of the same name.
func (s Subject) Title() string {
	switch {
	case s.Kind != KindImage:
		return s.Kind + " " + s.Name
	case s.Platform != "":
		return s.Name + " (" + s.Platform + ")"
	}
	return s.Name
}

// Outcome says the verdict in a sentence.
func (s Subject) Outcome() string {
	enforced := 0
	for _, v := range s.Policy.Violations {
		if v.Enforced {
			enforced++
		}
	}
	all := len(s.Policy.Violations)
	var text string
	switch {
	case len(s.Problems) > 0 && s.Image == nil && s.Workload == nil:
		return "UNDECIDED: the image could not be had"
	case enforced > 0:
		text = strings.Join(append([]string{fmt.Sprintf("FAIL: %s, %d enforced", count(all, "violation"), enforced)}, s.Failed...), "; ")
	case len(s.Failed) > 0:
		text = "FAIL: " + strings.Join(s.Failed, "; ")
	case len(s.Unknown) > 0:
		text = "UNDECIDED: " + strings.Join(s.Unknown, "; ")
	case s.Verdict == assess.Undecided && !slices.ContainsFunc(s.Policy.Undecided, policy.Undecided.Stops):
		text = "UNDECIDED: not everything could be looked at"
	case s.Verdict == assess.Undecided:
		text = "UNDECIDED: an enforced policy could not be evaluated"
	case all > 0:
		text = fmt.Sprintf("PASS: %s, none of them enforced", count(all, "violation"))
	default:
		text = "PASS: no violation of " + count(s.Policy.Evaluated, "policy")
	}
	if n := len(s.Problems); s.Workload != nil && n > 0 {
		text += fmt.Sprintf("; %s COULD NOT BE HAD", strings.ToUpper(count(n, "image")))
	}
	if s.Workload != nil && slices.ContainsFunc(s.Workload.Images, func(i assess.WorkloadImage) bool { return i.Error == "" && i.CheckStatus == assess.NotChecked }) {
		text += "; NOT CHECKED FOR VULNERABILITIES"
	}
	if s.Image != nil {
		switch {
		case s.Image.Scan.Status == assess.NotScanned:
			text += "; NOT SCANNED"
		case s.Image.Check.Status == assess.NotChecked:
			text += "; NOT CHECKED FOR VULNERABILITIES"
		}
	}
	return text
}

// findings are the image's vulnerabilities that count.
func (s Subject) findings() []assess.Finding {
	if s.Image == nil {
		return nil
	}
	return s.Image.Findings
}

// Vulnerabilities counts the image's, or says why they are not known.
func (s Subject) Vulnerabilities() string {
	switch {
	case s.Kind != KindImage:
		return ""
	case s.Image == nil:
		return "NOT ASSESSED"
	case s.Image.Scan.Status == assess.NotScanned:
		return "NOT SCANNED"
	case s.Image.Check.Status == assess.NotChecked:
		return "NOT CHECKED"
	}
	counts := assess.Summarize(s.Image).Vulnerabilities
	var parts []string
	for _, severity := range vuln.Severities() {
		if n := counts[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	text := cmp.Or(strings.Join(parts, ", "), "none known")
	if s.Image.Check.Status == assess.PartlyChecked {
		text += " (PARTLY CHECKED)"
	}
	return text
}

// formats are what Write knows, by name.
var formats = []struct {
	name  string
	write func(io.Writer, *Report) error
}{
	{"junit", writeJUnit},
	{"sarif", writeSARIF},
	{"gitlab", writeGitLab},
	{"github", writeGitHub},
	{"csv", writeCSV},
	{"markdown", func(w io.Writer, r *Report) error {
		_, err := io.WriteString(w, r.Markdown(commentLimit))
		return err
	}},
}

// Formats names what Write knows.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Write writes the report in one of the Formats.
func (r *Report) Write(w io.Writer, format string) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, r)
		}
	}
	return fault.New(fault.Invalid, "write report", "%q is none of %s", format, strings.Join(Formats(), ", "))
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, ok := strings.CutSuffix(one, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// messageTexts are a violation's reasons, the first so many of them.
func messageTexts(v policy.Violation, most int) []string {
	var texts []string
	for _, m := range v.Messages[:min(most, len(v.Messages))] {
		texts = append(texts, m.Text)
	}
	if more := len(v.Messages) - len(texts) + v.More; more > 0 {
		texts = append(texts, fmt.Sprintf("… and %d more", more))
	}
	return texts
}

// firstLine is the first of a violation's Dockerfile lines that is known.
func firstLine(v policy.Violation) int {
	if i := slices.IndexFunc(v.Messages, func(m policy.Message) bool { return m.Line > 0 }); i >= 0 {
		return v.Messages[i].Line
	}
	return 0
}
