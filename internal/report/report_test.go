package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/vuln"
	"github.com/landwaiter/landwaiter/internal/workload"
)

// hostile would leave every format, if it were written as it is.
const hostile = "=cmd|' /C calc'!A0\n::error::x\r, <b>@team</b> ]]> | `\x00\x1b[31m"

func finding(cve string, severity vuln.Severity, component, fixed string) assess.Finding {
	return assess.Finding{
		Vulnerability: vuln.Vulnerability{
			ID: "ALPINE-" + cve, CVE: cve, Severity: severity, FixedVersion: fixed, Source: "Alpine:v3.18", Summary: "overflow in " + component,
			Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", URL: "https://osv.dev/" + cve, References: []string{"https://a.example", "javascript:alert(1)"},
		},
		Component: component, Version: "1.0", Type: "apk", Location: "lib/apk/db/installed", Line: 2,
	}
}

func checked() *assess.Assessment {
	return &assess.Assessment{
		Reference: "127.0.0.1:5000/team/app:1", Platform: "linux/amd64", Verdict: assess.Fail,
		Facts: image.Facts{Digest: "sha256:aa", Instructions: []image.Instruction{
			{Line: 1, Keyword: "ADD", Value: "rootfs"}, {Line: 2, Keyword: "RUN", Value: "apk add busybox"}, {Line: 3, Keyword: "USER", Value: "0"},
		}},
		Scan:  assess.Scan{Status: string(scan.Complete), OS: &scan.OS{ID: "alpine", VersionID: "3.18"}},
		Check: assess.Check{Status: assess.Checked},
		Findings: []assess.Finding{
			finding("CVE-2026-0001", vuln.Critical, "busybox", "1.1"), finding("CVE-2026-0001", vuln.Critical, "ssl", ""), finding("CVE-2026-0002", vuln.Unknown, hostile, ""),
		},
		Suppressed: []assess.Suppressed{
			{Finding: finding("CVE-2026-0003", vuln.Important, "zlib", ""), By: assess.By{VEX: &vex.Statement{Document: "d", Author: "us", Status: vex.NotAffected}}},
			{Finding: finding("CVE-2026-0004", vuln.Important, "zlib", ""), By: assess.By{VEX: &vex.Statement{Document: "d", Author: "us", Status: vex.Fixed}}},
		},
		Policy: policy.Result{
			Evaluated: 5,
			Violations: []policy.Violation{
				{PolicyID: "root", Policy: "Runs as root", Severity: policy.Critical, Enforced: true, Remediation: "Add USER", Messages: []policy.Message{{Text: "user 0", Line: 3}}},
				{PolicyID: "age", Policy: hostile, Severity: policy.Low, Messages: []policy.Message{{Text: hostile}}},
			},
			Undecided: []policy.Undecided{{PolicyID: "kev", Policy: "Known exploited", Severity: policy.High, Reason: "no data"}},
			Excluded:  []policy.Excluded{{PolicyID: "ssh", Policy: "SSH port", Severity: policy.Low, Exclusion: "bastions", Reason: "meant", Messages: 1}},
		},
	}
}

func unchecked() *assess.Assessment {
	return &assess.Assessment{
		Reference: "127.0.0.1:5000/team/new:1", Platform: "linux/amd64", Verdict: assess.Pass,
		Scan: assess.Scan{Status: string(scan.Complete)}, Check: assess.Check{Status: assess.NotChecked, Reason: "no advisories"}, Policy: policy.Result{Evaluated: 3},
	}
}

// everything is a report with all that there can be.
func everything() *Report {
	unscanned := unchecked()
	unscanned.Scan = assess.Scan{Status: assess.NotScanned, Reason: "a layer is broken"}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return &Report{Version: "1.0", Started: at, Ended: at.Add(time.Second), Subjects: []Subject{
		OfImage("127.0.0.1:5000/team/app:1", checked()),
		OfImage("127.0.0.1:5000/team/new:1", unchecked()),
		OfImage("127.0.0.1:5000/team/broken:1", unscanned),
		OfError("127.0.0.1:5000/team/none:1", fault.New(fault.NotFound, "get image", "there is none").WithFix("Check the spelling.")),
		OfWorkload(assess.WorkloadReport{
			Workload: workload.Object{Kind: "Deployment", Namespace: "team", Name: "web", File: "k8s/web.yaml", Line: 12}, Verdict: assess.Violations,
			Images: []assess.WorkloadImage{{Container: "a", Image: "nginx", Error: "no answer"}, {Container: "b", Image: "app", ScanStatus: assess.NotScanned}},
			Policy: policy.Result{Evaluated: 2, Violations: []policy.Violation{{PolicyID: "privileged", Policy: "Privileged container", Severity: policy.High, Messages: []policy.Message{{Text: "a is privileged", Container: "a"}}}}},
		}),
	}}
}

func written(t *testing.T, r *Report, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormats_say_what_is_not_known(t *testing.T) {
	r := everything()
	r.FailOn(FailOn{{text: "critical", kind: vulnerability, severity: vuln.Critical}})
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			text := string(written(t, r, format))
			text = strings.NewReplacer(`\_`, "_", `\-`, "-").Replace(text)
			for _, want := range []string{
				"no advisories", "a layer is broken", "there is none", "Check the spelling.", "container b", "no data",
				"--fail-on critical: 1 vulnerability", "--fail-on critical: the image was not scanned", "--fail-on critical: the image was not checked for vulnerabilities",
			} {
				if format == "junit" && want == "--fail-on critical: 1 vulnerability" {
					want = "--fail-on critical\""
				}
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
		})
	}
}

func TestJSON_formats_follow_their_schemas(t *testing.T) {
	for format, name := range map[string]string{"sarif": "sarif-2.1.0", "gitlab": "gitlab-container-scanning-15.2.1"} {
		t.Run(format, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/schemas/" + name + ".schema.json")
			if err != nil {
				t.Fatal(err)
			}
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			c := jsonschema.NewCompiler()
			c.AssertFormat()
			if err := c.AddResource("schema.json", document); err != nil {
				t.Fatal(err)
			}
			schema, err := c.Compile("schema.json")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []*Report{everything(), {Version: "1"}} {
				text := written(t, r, format)
				got, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(got); err != nil {
					t.Errorf("%v\n%s", err, text)
				}
			}
			broken, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"version":1}`))
			if schema.Validate(broken) == nil {
				t.Error("the schema accepts anything")
			}
		})
	}
}

func readSARIF(t *testing.T, r *Report) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(written(t, r, "sarif"), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

func TestSARIF(t *testing.T) {
	r := everything()
	d, err := ReadDockerfile("build/Dockerfile", strings.NewReader("FROM alpine AS base\nRUN a \\\n  b\nFROM base\nUSER 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.Locate(d)
	run := readSARIF(t, r)
	find := func(rule string) []sarifResult {
		var list []sarifResult
		for _, result := range run.Results {
			if result.RuleID == rule {
				list = append(list, result)
			}
		}
		return list
	}
	at := func(r sarifResult) string {
		p := r.Locations[0].Physical
		return fmt.Sprintf("%s:%d", p.Artifact.URI, p.Region.StartLine)
	}
	if got := find("policy/root"); len(got) != 1 || got[0].Level != "error" || at(got[0]) != "build/Dockerfile:5" {
		t.Errorf("%+v", got)
	}
	if got := find("CVE-2026-0001"); len(got) != 2 || at(got[0]) != "build/Dockerfile:2" || got[0].Fingerprints["primaryLocationLineHash"] == got[1].Fingerprints["primaryLocationLineHash"] {
		t.Errorf("%+v", got)
	}
	if got := find("policy/privileged"); len(got) != 1 || at(got[0]) != "k8s/web.yaml:12" {
		t.Errorf("%+v", got)
	}
	for _, rule := range []string{"CVE-2026-0003", "CVE-2026-0004", "policy/ssh"} {
		if got := find(rule); len(got) != 1 || len(got[0].Suppressions) != 1 || got[0].Suppressions[0].Justification == "" {
			t.Errorf("%s: %+v", rule, got)
		}
	}
	if run.Invocations[0].Successful {
		t.Error("an image that could not be had counts as success")
	}
	for _, rule := range run.Tool.Driver.Rules {
		if want := map[string]string{"CVE-2026-0001": "9.5", "CVE-2026-0002": "", "CVE-2026-0003": "8.0"}; strings.HasPrefix(rule.ID, "CVE") && rule.ID != "CVE-2026-0004" && rule.Properties.SecuritySeverity != want[rule.ID] {
			t.Errorf("%s is %s", rule.ID, rule.Properties.SecuritySeverity)
		}
	}

	t.Run("an alert stays the same for another version of the image", func(t *testing.T) {
		next := checked()
		next.Facts.Digest, next.Findings[0].Version = "sha256:bb", "1.0.1"
		again := readSARIF(t, &Report{Subjects: []Subject{OfImage("127.0.0.1:5000/team/app:2", next)}})
		for _, result := range again.Results {
			if !slices.ContainsFunc(run.Results, func(r sarifResult) bool {
				return r.RuleID == result.RuleID && r.Fingerprints["primaryLocationLineHash"] == result.Fingerprints["primaryLocationLineHash"]
			}) {
				t.Errorf("%s is another alert", result.RuleID)
			}
			if uri := result.Locations[0].Physical.Artifact.URI; uri != "127.0.0.1%3A5000/team/app" {
				t.Errorf("the place is %s", uri)
			}
		}
	})
}

func TestGitLab(t *testing.T) {
	var got gitlabReport
	if err := json.Unmarshal(written(t, everything(), "gitlab"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Scan.Status != "failure" {
		t.Error("images that could not be had count as success")
	}
	byName := map[string]gitlabVulnerability{}
	for _, v := range got.Vulnerabilities {
		byName[v.Name] = v
	}
	if v := byName["CVE-2026-0003 in zlib"]; len(v.Flags) != 1 {
		t.Errorf("not flagged: %+v", v)
	}
	if _, shown := byName["CVE-2026-0004 in zlib"]; shown {
		t.Error("what is fixed is shown as a vulnerability")
	}
	if v := byName["Image was not scanned"]; v.Severity != "Unknown" {
		t.Errorf("%+v", v)
	}
	clean := &Report{Subjects: []Subject{OfImage("a", unchecked())}}
	if err := json.Unmarshal(written(t, clean, "gitlab"), &got); err != nil || got.Scan.Status != "failure" {
		t.Error("an image that was not checked for vulnerabilities looks clean", err)
	}
}

func TestJUnit_counts_what_it_holds(t *testing.T) {
	var got junitSuites
	if err := xml.Unmarshal(written(t, everything(), "junit"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 14 || got.Failures != 1 || got.Errors != 2 || got.Skipped != 7 {
		t.Errorf("tests %d, failures %d, errors %d, skipped %d", got.Tests, got.Failures, got.Errors, got.Skipped)
	}
}

func TestCSV_cells_are_no_formulas(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(written(t, everything(), "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("%q", cell)
			}
		}
	}
	if len(rows) < 15 || len(rows[0]) != len(csvHeader) {
		t.Errorf("%d rows", len(rows))
	}
}

func TestGitHub(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(written(t, everything(), "github"))), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") && !strings.HasPrefix(line, "::notice ") || strings.Contains(line, "\r") {
			t.Errorf("no command: %q", line)
		}
	}
	if !slices.Contains(lines, "::error title=Runs as root::127.0.0.1:5000/team/app:1 (linux/amd64): user 0%0AWhat to do: Add USER") {
		t.Error(lines)
	}
	if !slices.Contains(lines, "::warning file=k8s/web.yaml,line=12,title=Privileged container::Deployment team/web: a is privileged") {
		t.Error(lines)
	}

	t.Run("no more than GitHub shows", func(t *testing.T) {
		r := &Report{}
		for i := range 30 {
			r.Subjects = append(r.Subjects, OfError(fmt.Sprint("image", i), errors.New("gone")))
		}
		text := string(written(t, r, "github"))
		if strings.Count(text, "\n") != githubShown || !strings.Contains(text, "and 21 more") {
			t.Error(text)
		}
	})
}

func TestMarkdown_is_bounded(t *testing.T) {
	r := everything()
	for range 3000 {
		r.Subjects = append(r.Subjects, OfImage("team/app", checked()))
	}
	for _, limit := range []int{2000, commentLimit, SummaryLimit} {
		text := r.Markdown(limit)
		if len(text) > limit {
			t.Errorf("%d bytes, more than %d", len(text), limit)
		}
		if !strings.Contains(text, "FAIL") || !strings.Contains(text, "`-o json` has everything") {
			t.Errorf("limit %d: it does not say what it leaves out", limit)
		}
	}
	if strings.Contains(r.Markdown(commentLimit), "@team") {
		t.Error("it mentions people")
	}
}

func TestFailOn(t *testing.T) {
	for text, want := range map[string]assess.Verdict{
		"critical": assess.Fail, "fixable": assess.Fail, "fixable-critical": assess.Fail, "vulnerability": assess.Fail, "violation": assess.Fail,
		"violation-critical": assess.Fail, "exploited": assess.Undecided, "exploited,low": assess.Fail,
	} {
		f, err := ParseFailOn(text)
		if err != nil {
			t.Fatal(err)
		}
		a := checked()
		a.Verdict = assess.Violations
		r := &Report{Subjects: []Subject{OfImage("a", a)}}
		if r.FailOn(f); r.Verdict() != want {
			t.Errorf("%s: %s, %v", text, r.Verdict(), r.Subjects[0].Failed)
		}
	}
	for _, text := range []string{"urgent", "critical-fixable", "fixable-", "critical,,low", "unknown"} {
		if _, err := ParseFailOn(text); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
	a := checked()
	a.Verdict, a.Findings = assess.Pass, a.Findings[2:]
	r := &Report{Subjects: []Subject{OfImage("a", a)}}
	f, _ := ParseFailOn("low")
	if r.FailOn(f); r.Verdict() != assess.Pass {
		t.Error("an unknown severity counts as a known one")
	}
}

func FuzzReadDockerfile(f *testing.F) {
	f.Add("FROM a AS b\nRUN x \\\n y\nFROM b\nCOPY <<EOF /f\ntext\nEOF\nUSER 1")
	f.Add("# escape=`\nARG V\nFROM a:$V\nONBUILD RUN x")
	facts := checked().Facts
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ReadDockerfile("Dockerfile", strings.NewReader(text))
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
				t.Error(err)
			}
			return
		}
		for own, line := range d.linesOf(facts) {
			if own < 1 || own > len(facts.Instructions) || line < 1 || line > strings.Count(text, "\n")+1 {
				t.Errorf("line %d is said to be line %d", own, line)
			}
		}
	})
}
