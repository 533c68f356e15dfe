package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// renderAssessment prints what a person wants to read first, and no more than the depth asked for.
func renderAssessment(w io.Writer, a *assess.Assessment, depth assess.Depth, removed bool) error {
	r := &renderer{w: w}
	if a.Scan.Source.Kind == assess.FromSBOM {
		r.document(a)
	} else {
		r.facts(a)
	}
	if a.Scan.Source.Kind == assess.FromAttestation {
		r.attested(a.Scan.Source)
	}
	r.attachments(a)
	switch depth {
	case assess.Inspect:
		r.details(a.Facts)
		r.instructions(a.Facts)
	case assess.ScanIt:
		r.scan(a)
		r.components(a)
		r.findings(a)
		r.suppressed(a)
		if removed {
			r.removed(a)
		}
		r.external(a)
		r.differences(a)
	case assess.Judge:
		r.scan(a)
		r.external(a)
		r.violations(a)
		r.verdict(a)
	}
	return r.err
}

type renderer struct {
	w   io.Writer
	err error
}

func (r *renderer) printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.w, format, args...)
	}
}

func (r *renderer) table(rows [][]string) {
	if r.err == nil {
		r.err = writeTable(r.w, rows)
	}
}

func (r *renderer) field(name, value string) {
	if value != "" {
		r.printf("%-12s %s\n", name, printable(value))
	}
}

func (r *renderer) facts(a *assess.Assessment) {
	r.printf("%s\n", a.Reference)
	f := a.Facts
	r.field("digest", string(f.Digest))
	if f.ManifestDigest != f.Digest {
		r.field("manifest", string(f.ManifestDigest))
	}
	r.field("platform", f.Platform.String())
	if f.Created != nil {
		r.field("created", when(*f.Created))
	} else {
		r.field("created", "the image does not say")
	}
	r.field("size", fmt.Sprintf("%s compressed, %s", image.SizeText(f.Size), plural(len(f.Layers), "layer")))
	r.field("served by", cmp.Or(a.Source.Name, "no integration"))
	for _, t := range a.Attempts[:max(0, len(a.Attempts)-1)] {
		r.field("tried", t.Source.Name+": "+t.Error)
	}
}

// document says what a bill of materials is about, in the place of an image's facts.
func (r *renderer) document(a *assess.Assessment) {
	r.printf("%s\n", printable(a.Reference))
	r.field("digest", string(a.Facts.Digest))
	r.field("platform", a.Platform)
	r.field("from", documentText(a.Scan.Source)+"; no layer was read")
	r.field("document", string(a.Scan.Source.Digest))
}

func documentText(from assess.Origin) string {
	text := from.Format
	if from.Tool != "" {
		text += " made by " + from.Tool
	}
	if from.Created != nil {
		text += ", " + when(*from.Created)
	}
	return text
}

// attested says on whose word the layers were not read.
func (r *renderer) attested(from assess.Origin) {
	r.field("from", documentText(from)+"; no layer was read")
	r.field("", fmt.Sprintf("the signer rule %s accepts it: signed with the key %s", from.SignerRule, from.Key))
	r.field("document", string(from.Digest))
}

// attachmentsShown bounds the attachments printed; JSON has them all.
const attachmentsShown = 12

func (r *renderer) attachments(a *assess.Assessment) {
	for i, t := range a.Attachments {
		if i == attachmentsShown {
			r.field("attached", fmt.Sprintf("… and %d more (see -o json)", len(a.Attachments)-i))
			break
		}
		text := strings.TrimSpace(t.Kind+" "+cmp.Or(t.Format, t.PredicateType)) + ", " + t.From
		if t.Place != "" {
			text += " " + t.Place
		}
		if t.Digest != "" && t.From != "layer" {
			text += ", " + string(t.Digest)
		}
		if t.Size > 0 {
			text += ", " + image.SizeText(t.Size)
		}
		r.field("attached", text)
	}
	for _, n := range a.AttachmentNotes {
		r.field("note", n)
	}
}

func (r *renderer) details(f image.Facts) {
	user := f.User
	if f.UserDefaulted {
		user += " (the image names none)"
	}
	r.field("user", user)
	r.field("author", f.Author)
	r.field("entrypoint", quoted(f.Entrypoint))
	r.field("command", quoted(f.Command))
	r.field("directory", f.WorkingDir)
	r.field("ports", strings.Join(f.ExposedPorts, ", "))
	r.field("volumes", strings.Join(f.Volumes, ", "))
	r.field("stop signal", f.StopSignal)
	if f.Healthcheck != nil {
		r.field("healthcheck", quoted(f.Healthcheck.Test))
	}
	for _, e := range f.Environment {
		r.field("environment", e)
	}
	for _, k := range sortedKeys(f.Labels) {
		r.field("label", k+"="+f.Labels[k])
	}
	for _, n := range f.Notes {
		r.field("note", n)
	}
	if len(f.Platforms) > 1 {
		names := make([]string, len(f.Platforms))
		for i, p := range f.Platforms {
			names[i] = p.String()
		}
		r.field("platforms", strings.Join(names, ", "))
	}
}

func (r *renderer) instructions(f image.Facts) {
	rows := [][]string{{"LINE", "LAYER", "SIZE", "INSTRUCTION"}}
	for _, i := range f.Instructions {
		layer, bytes := "", ""
		if i.LayerIndex >= 0 && i.LayerIndex < len(f.Layers) && !i.Empty {
			layer, bytes = i.Layer.Short(), image.SizeText(f.Layers[i.LayerIndex].Size)
		}
		rows = append(rows, []string{fmt.Sprint(i.Line), layer, bytes, clip(strings.TrimSpace(i.Keyword+" "+i.Value), 100)})
	}
	r.printf("\n")
	r.table(rows)
}

func (r *renderer) scan(a *assess.Assessment) {
	if a.Scan.OS != nil {
		r.field("system", cmp.Or(a.Scan.OS.Name, a.Scan.OS.ID))
	}
	if a.Scan.Status == assess.NotScanned {
		r.field("scan", "NOT SCANNED: "+a.Scan.Reason)
		if a.Scan.Fix != "" {
			r.field("", "what to do: "+a.Scan.Fix)
		}
		return
	}
	status := a.Scan.Status
	if status != "complete" {
		status = strings.ToUpper(status)
	}
	read := "listed in the document"
	if a.Scan.Source.Format == "" {
		read = "in " + plural(int(a.Scan.Files), "file")
	}
	r.field("scan", fmt.Sprintf("%s, %s %s", status, plural(len(a.Scan.Components), "component"), read))
	if n := len(a.Scan.Removed); n > 0 {
		r.field("removed", fmt.Sprintf("%s by later layers, still in the layers below (image scan --removed lists them)", plural(n, "component")))
	}
	for _, n := range a.Scan.Notes {
		r.field("", strings.TrimSpace(n.Path+" "+n.Message))
	}
	s := assess.Summarize(a)
	switch a.Check.Status {
	case assess.NotChecked:
		r.field("advisories", "NOT CHECKED FOR VULNERABILITIES: "+a.Check.Reason)
		return
	case assess.PartlyChecked:
		r.field("advisories", "PARTLY CHECKED: "+a.Check.Reason)
	}
	var counts []string
	for _, level := range vuln.Severities() {
		if n := s.Vulnerabilities[level]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, level))
		}
	}
	switch {
	case a.Check.Checked == 0:
		r.field("vulnerable", "nothing to check: no components were found")
	case len(counts) == 0:
		none := "none known"
		if s.Suppressed > 0 {
			none = "none that counts"
		}
		r.field("vulnerable", fmt.Sprintf("%s in the %s checked", none, plural(a.Check.Checked, "component")))
	default:
		text := fmt.Sprintf("%s; %d fixable", strings.Join(counts, ", "), s.Fixable)
		if s.Exploited > 0 {
			text += fmt.Sprintf("; %d KNOWN TO BE EXPLOITED", s.Exploited)
		}
		r.field("vulnerable", text)
	}
	if s.Suppressed > 0 {
		r.field("set aside", fmt.Sprintf("%s, not affected or fixed according to VEX", plural(s.Suppressed, "vulnerability")))
	}
	if a.Check.Data != nil {
		label := "data"
		for _, e := range vuln.Merged(a.Check.Data.Ecosystems) {
			text := e.Name + " as of " + when(e.AsOf())
			if !e.Newest.IsZero() {
				text += ", newest record of " + when(e.Newest)
			}
			r.field(label, text)
			label = ""
		}
	}
	r.warnings(a.Warnings)
}

func (r *renderer) warnings(list []vuln.Warning) {
	for _, w := range list {
		r.field("WARNING", w.Text)
		if w.Fix != "" {
			r.field("", "what to do: "+w.Fix)
		}
	}
}

func (r *renderer) components(a *assess.Assessment) {
	if len(a.Scan.Components) == 0 {
		return
	}
	rows := [][]string{{"COMPONENT", "VERSION", "TYPE", "LINE", "LOCATION"}}
	for _, c := range a.Scan.Components {
		rows = append(rows, []string{c.Name, c.Version, c.Type, line(c.Line), c.Location})
	}
	r.printf("\n")
	r.table(rows)
}

func (r *renderer) removed(a *assess.Assessment) {
	if len(a.Scan.Removed) == 0 {
		return
	}
	rows := [][]string{{"REMOVED", "VERSION", "TYPE", "LINE", "REMOVED BY LINE", "LOCATION"}}
	for _, c := range a.Scan.Removed {
		rows = append(rows, []string{c.Name, c.Version, c.Type, line(c.Line), line(c.RemovedLine), c.Location})
	}
	r.printf("\n")
	r.table(rows)
}

func (r *renderer) findings(a *assess.Assessment) {
	if len(a.Findings) == 0 {
		return
	}
	// Without data about exploitation there is no column for it: an empty one would look like an answer.
	data := cmp.Or(a.Check.Data, &vuln.Status{})
	rows := [][]string{{"VULNERABILITY", "SEVERITY", "SCORE"}}
	if data.EPSS != nil {
		rows[0] = append(rows[0], "EPSS")
	}
	if data.KnownExploited != nil {
		rows[0] = append(rows[0], "EXPLOITED")
	}
	rows[0] = append(rows[0], "COMPONENT", "VERSION", "FIXED IN", "LINE", "ADVISORY", "SOURCE", "CHANGED", "SUMMARY")
	for _, f := range a.Findings {
		score := ""
		if f.Score > 0 {
			score = fmt.Sprintf("%.1f", f.Score)
		}
		row := []string{cmp.Or(f.CVE, f.ID), string(f.Severity), score}
		if data.EPSS != nil {
			row = append(row, epss(f.EPSS))
		}
		if data.KnownExploited != nil {
			row = append(row, exploited(f.KnownExploited))
		}
		changed, summary := "-", f.Summary
		if f.Modified != nil {
			changed = f.Modified.Format(time.DateOnly)
		}
		if f.VEX != nil {
			summary = fmt.Sprintf("[VEX: %s] %s", f.VEX.Status.Words(), summary)
		}
		rows = append(rows, append(row, f.Component, f.Version, cmp.Or(f.FixedVersion, "-"), line(f.Line), f.ID, f.Source, changed, clip(summary, 60)))
	}
	r.printf("\n")
	r.table(rows)
}

func epss(e *vuln.EPSS) string {
	if e == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", e.Score)
}

func exploited(k *vuln.KnownExploited) string {
	switch {
	case k == nil:
		return "-"
	case k.Ransomware:
		return "KEV, ransomware"
	}
	return "KEV"
}

// messagesShown bounds the reasons printed per policy; JSON has them all.
const messagesShown = 5

func (r *renderer) violations(a *assess.Assessment) {
	if len(a.Policy.Violations) > 0 {
		r.printf("\n")
	}
	for _, v := range a.Policy.Violations {
		mark := "      "
		if v.Enforced {
			mark = "FAIL  "
		}
		r.printf("%s%s [%s]\n", mark, v.Policy, v.Severity)
		for i, m := range v.Messages {
			if i == messagesShown {
				r.printf("        … and %d more (see -o json)\n", len(v.Messages)-i+v.More)
				break
			}
			r.printf("        %s%s\n", printable(m.Text), at(m, a.Facts))
		}
		if v.Remediation != "" {
			r.printf("        what to do: %s\n", printable(strings.TrimSpace(v.Remediation)))
		}
	}
	unconfigured, why := 0, ""
	for _, u := range a.Policy.Undecided {
		if u.LacksConfiguration {
			unconfigured, why = unconfigured+1, u.Reason
			continue
		}
		r.printf("?     %s: could not be decided: %s\n", u.Policy, printable(u.Reason))
	}
	if unconfigured > 0 {
		r.printf("?     %d policies on configuration and build: could not be decided: %s\n", unconfigured, printable(why))
	}
}

// at says which Dockerfile line brought the component of a message. Other messages say themselves what they are about; the
// line may hold the very value that they do not repeat.
func at(m policy.Message, f image.Facts) string {
	text := f.LineText(m.Line)
	switch {
	case m.Line == 0:
		return ""
	case m.Component == "" || text == "":
		return fmt.Sprintf(" (line %d)", m.Line)
	}
	return fmt.Sprintf(" (line %d: %s)", m.Line, clip(printable(text), 60))
}

func (r *renderer) verdict(a *assess.Assessment) {
	s := assess.Summarize(a)
	var text string
	switch a.Verdict {
	case assess.Pass:
		text = "PASS: no violation of " + plural(a.Policy.Evaluated, "policy")
	case assess.Violations:
		text = fmt.Sprintf("PASS: %s, none of them enforced", plural(s.Violations, "violation"))
	case assess.Fail:
		text = fmt.Sprintf("FAIL: %s, %d enforced", plural(s.Violations, "violation"), s.Enforced)
	case assess.Undecided:
		text = "UNDECIDED: an enforced policy could not be evaluated"
	}
	if a.Check.Status == assess.NotChecked {
		text += "; NOT CHECKED FOR VULNERABILITIES"
	}
	r.printf("\n%s\n", text)
}

func line(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func quoted(list []string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(parts, " ")
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
