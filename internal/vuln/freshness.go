package vuln

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// DefaultMaxAge is how old advisory data may be before every answer says so: the large sources change every day, so after a
// week without an update something has stopped.
const DefaultMaxAge = 7 * 24 * time.Hour

// A source with so many records has a new one every few days. When the newest is older than stoppedAfter, the data are old
// however lately they were imported.
const (
	steadyRecords = 500
	stoppedAfter  = 30 * 24 * time.Hour
)

// A Warning is something that makes an answer less than it seems.
type Warning struct {
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// AsOf is when the data were last known to be what their source has.
func (e EcosystemStatus) AsOf() time.Time { return later(e.Imported, e.Checked) }

// AsOf is when the table was last known to be what its source has.
func (t TableStatus) AsOf() time.Time { return later(t.Imported, t.Checked) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// At is s with the warnings that are due at a time.
func (s Status) At(now time.Time, maxAge time.Duration) Status {
	s.Warnings = Stale(s.Ecosystems, now, maxAge)
	for _, t := range []struct {
		what  string
		table *TableStatus
	}{{"EPSS scores", s.EPSS}, {"known exploited vulnerabilities", s.KnownExploited}} {
		if t.table != nil && now.Sub(t.table.AsOf()) > maxAge {
			s.Warnings = append(s.Warnings, stale("The data about %s are %s old.", t.what, age(now.Sub(t.table.AsOf()))))
		}
	}
	return s
}

// Merged is a list with the releases of each ecosystem as one, as old as the oldest of them, in the order of names.
func Merged(list []EcosystemStatus) []EcosystemStatus {
	var merged []EcosystemStatus
	for _, e := range list {
		e.Name = parseEcosystem(e.Name).base
		i := slices.IndexFunc(merged, func(m EcosystemStatus) bool { return m.Name == e.Name })
		if i < 0 {
			merged = append(merged, e)
			continue
		}
		m := &merged[i]
		m.Records += e.Records
		m.Newest = later(m.Newest, e.Newest)
		if e.AsOf().Before(m.AsOf()) {
			m.Imported, m.Checked = e.Imported, e.Checked
		}
	}
	slices.SortFunc(merged, func(a, b EcosystemStatus) int { return strings.Compare(a.Name, b.Name) })
	return merged
}

// Stale says of which ecosystems the data are old: those not known to be current for longer than maxAge, and those whose
// newest record is old where there should be newer ones.
func Stale(list []EcosystemStatus, now time.Time, maxAge time.Duration) []Warning {
	var order []string
	of := map[string][]string{}
	for _, e := range Merged(list) {
		var why string
		switch {
		case now.Sub(e.AsOf()) > maxAge:
			why = fmt.Sprintf("are %s old", age(now.Sub(e.AsOf())))
		case e.Records >= steadyRecords && now.Sub(e.Newest) > max(stoppedAfter, maxAge):
			why = fmt.Sprintf("have nothing newer than %s, though they were imported %s", e.Newest.Format(time.DateOnly), e.Imported.Format(time.DateOnly))
		default:
			continue
		}
		if of[why] == nil {
			order = append(order, why)
		}
		of[why] = append(of[why], e.Name)
	}
	var warnings []Warning
	for _, why := range order {
		warnings = append(warnings, stale("The advisories for %s %s.", enumeration(of[why]), why))
	}
	return warnings
}

func stale(format string, args ...any) Warning {
	return Warning{
		Text: fmt.Sprintf(format, args...) + " Vulnerabilities that became known since are missing.",
		Fix:  "Run `landwaiter vuln update`, or import current data with `landwaiter vuln import PATH`.",
	}
}

func enumeration(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func age(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days >= 2 {
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", int(d/time.Hour))
}
