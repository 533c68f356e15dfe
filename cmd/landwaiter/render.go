package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

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
		r.violations(a.Policy, func(m policy.Message) string { return at(m, a.Facts) })
		r.undecided(a.Policy.Undecided, " on configuration and build", func(u policy.Undecided) bool { return u.LacksConfiguration })
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
	r.setAside(a, s)
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
