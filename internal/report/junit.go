package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/landwaiter/landwaiter/internal/policy"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Line    int          `xml:"line,attr,omitempty"`
	Time    string       `xml:"time,attr"`
	Failure *junitDetail `xml:"failure"`
	Error   *junitDetail `xml:"error"`
	Skipped *junitDetail `xml:"skipped"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a suite for each subject. Enforced violations fail; what is violated but not enforced, or not known, is
// skipped, as CI systems show neither as passed.
func writeJUnit(w io.Writer, r *Report) error {
	took := fmt.Sprintf("%.3f", r.Ended.Sub(r.Started).Seconds())
	all := junitSuites{Name: "landwaiter", Time: took}
	for _, s := range r.Subjects {
		suite := junitSuite{
			Name: s.Title(), Time: "0", Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"), Cases: junitCases(s),
			Properties: []junitProperty{{"verdict", string(s.Verdict)}, {"outcome", s.Outcome()}},
		}
		if s.Digest != "" {
			suite.Properties = append(suite.Properties, junitProperty{"digest", s.Digest})
		}
		if s.Kind == KindImage {
			suite.Properties = append(suite.Properties, junitProperty{"vulnerabilities", s.Vulnerabilities()})
		}
		for _, c := range suite.Cases {
			suite.Tests++
			switch {
			case c.Failure != nil:
				suite.Failures++
			case c.Error != nil:
				suite.Errors++
			case c.Skipped != nil:
				suite.Skipped++
			}
		}
		all.Tests, all.Failures = all.Tests+suite.Tests, all.Failures+suite.Failures
		all.Errors, all.Skipped = all.Errors+suite.Errors, all.Skipped+suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitCases(s Subject) []junitCase {
	var cases []junitCase
	add := func(name string) *junitCase {
		cases = append(cases, junitCase{Name: name, Class: s.Title(), Time: "0"})
		return &cases[len(cases)-1]
	}
	for _, c := range s.Caveats() {
		switch detail := (&junitDetail{Message: c.Text, Type: c.ID, Text: withFix(c.Text, c.Fix)}); c.Level {
		case Missing:
			add(c.Title).Error = detail
		case Warning:
			add(c.Title).Skipped = detail
		}
	}
	for _, text := range s.Failed {
		name, why, _ := strings.Cut(text, ": ")
		add(name).Failure = &junitDetail{Message: why, Type: "fail-on", Text: text}
	}
	for _, v := range s.Policy.Violations {
		c := add(v.Policy)
		c.File, c.Line = s.place(firstLine(v))
		reasons := withFix(strings.Join(messageTexts(v, messagesShown), "\n"), strings.TrimSpace(v.Remediation))
		detail := &junitDetail{Message: headline(v), Type: string(v.Severity), Text: reasons}
		if v.Enforced {
			c.Failure = detail
		} else {
			detail.Message = "violated, not enforced: " + detail.Message
			c.Skipped = detail
		}
	}
	for _, u := range s.Policy.Undecided {
		c, detail := add(u.Policy), &junitDetail{Message: "could not be decided: " + u.Reason, Type: string(u.Severity)}
		if u.Stops() {
			c.Error = detail
		} else {
			c.Skipped = detail
		}
	}
	for _, x := range s.Policy.Excluded {
		add(x.Policy).Skipped = &junitDetail{Message: ExcludedText(x), Type: string(x.Severity)}
	}
	if held := s.Policy.Evaluated - len(s.Policy.Violations); held > 0 {
		add(count(held, "policy") + " without a violation")
	}
	return cases
}

// messagesShown bounds the reasons of one violation in formats for reading.
const messagesShown = 50

// headline is a violation's first reason, and how many more there are.
func headline(v policy.Violation) string { return strings.Join(messageTexts(v, 1), " ") }

func withFix(text, fix string) string {
	if fix == "" {
		return text
	}
	return strings.TrimSpace(text + "\nWhat to do: " + fix)
}
