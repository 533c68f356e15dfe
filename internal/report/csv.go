package report

import (
	"cmp"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// csvHeader names the columns; further ones are only ever added at the end.
var csvHeader = []string{
	"record", "subject", "platform", "digest", "verdict", "id", "title", "severity", "state",
	"component", "version", "fixed version", "location", "file", "line", "message", "what to do",
}

// writeCSV writes a row for each subject, each reason of a violation, each vulnerability, and each thing that is not known.
func writeCSV(w io.Writer, r *Report) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvHeader); err != nil {
		return err
	}
	for _, s := range r.Subjects {
		row := func(record string, cells map[string]string) {
			cells["record"], cells["subject"], cells["platform"], cells["digest"] = record, s.Title(), s.Platform, s.Digest
			cells["verdict"] = string(s.Verdict)
			if s.Kind == KindImage {
				cells["subject"] = s.Name
			}
			line := make([]string, len(csvHeader))
			for i, name := range csvHeader {
				line[i] = inert(cells[name])
			}
			_ = c.Write(line) // Error reports it
		}
		placed := func(line int, cells map[string]string) map[string]string {
			file, at := s.place(line)
			if at > 0 {
				cells["file"], cells["line"] = file, strconv.Itoa(at)
			} else if line > 0 {
				cells["line"] = strconv.Itoa(line)
			}
			return cells
		}
		row("subject", placed(0, map[string]string{"message": s.Outcome(), "state": string(s.Verdict)}))
		for _, text := range s.Failed {
			row("fail-on", map[string]string{"message": text, "state": "failed"})
		}
		for _, v := range s.Policy.Violations {
			state := "not enforced"
			if v.Enforced {
				state = "enforced"
			}
			messages := messageTexts(v, len(v.Messages))
			for i, text := range messages {
				cells := map[string]string{
					"id": v.PolicyID, "title": v.Policy, "severity": string(v.Severity), "state": state, "message": text,
					"what to do": strings.TrimSpace(v.Remediation),
				}
				line := 0
				if i < len(v.Messages) {
					cells["component"], line = v.Messages[i].Component, v.Messages[i].Line
				}
				row("violation", placed(line, cells))
			}
		}
		for _, u := range s.Policy.Undecided {
			row("undecided policy", map[string]string{
				"id": u.PolicyID, "title": u.Policy, "severity": string(u.Severity), "state": "undecided", "message": u.Reason,
			})
		}
		for _, x := range s.Policy.Excluded {
			row("excluded violation", map[string]string{
				"id": x.PolicyID, "title": x.Policy, "severity": string(x.Severity), "state": "set aside", "message": ExcludedText(x),
			})
		}
		for _, f := range s.found() {
			row("vulnerability", placed(f.Line, map[string]string{
				"id": f.Name(), "title": f.Summary, "severity": string(f.Severity), "state": cmp.Or(f.setAside, "counts"),
				"component": f.Component, "version": f.Version, "fixed version": f.FixedVersion, "location": f.Location, "message": f.why,
			}))
		}
		for _, v := range s.Caveats() {
			row("caveat", map[string]string{"id": v.ID, "title": v.Title, "state": "not known", "message": v.Text, "what to do": v.Fix})
		}
	}
	c.Flush()
	return c.Error()
}

// inert keeps spreadsheets from running a cell's text as a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
