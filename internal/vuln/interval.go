package vuln

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-faster/jx"
)

// An event says that something happens at a version.
type event struct {
	kind    string // introduced, fixed, last_affected, limit
	version string
}

// eventOf reads an entry of an OSV range. Records of the first schema versions put several events into one object.
func eventOf(d *jx.Decoder) (all []event, err error) {
	err = fields(d, func(d *jx.Decoder, key []byte) error {
		switch kind := string(key); kind {
		case "introduced", "fixed", "last_affected", "limit":
			if d.Next() == jx.Null {
				return d.Null()
			}
			version, err := d.Str()
			all = append(all, event{kind, version})
			return err
		}
		return d.Skip()
	})
	return all, err
}

type bound byte

const (
	unbounded bound = iota
	fixed           // end is the first version that is not affected
	lastAffected
	limit    // end is excluded, but nobody says that it is fixed there
	unplaced // no end, and only of versions that stand for a commit: see goranges.go
)

// An interval is a run of affected versions. start and end are keys of versions; an empty start is before every version.
type interval struct {
	start, end []byte
	bound      bound
	fix        []byte // the version at end as the record writes it, where it is fixed
}

func (i interval) contains(key []byte) bool {
	if bytes.Compare(key, i.start) < 0 {
		return false
	}
	if i.bound == unbounded {
		return true
	}
	if i.bound == unplaced {
		return false
	}
	c := bytes.Compare(key, i.end)
	return c < 0 || c == 0 && i.bound == lastAffected
}

// A mark is an event with its version's key.
type mark struct {
	kind string
	text string
	key  []byte // empty: before every version
}

func byKey(a, b mark) int { return bytes.Compare(a.key, b.key) }

// intervals turns a range's events, in whatever order they are written, into the versions they affect: events count in
// version order, and limits cut off everything from the highest of them on.
func intervals(r rules, events []event) ([]interval, error) {
	var marks, limits []mark
	unlimited, introduced := false, false
	for _, e := range events {
		if e.kind == "limit" && e.version == "*" {
			unlimited = true
			continue
		}
		m := mark{kind: e.kind, text: e.version}
		if e.kind != "introduced" || e.version != "0" {
			var err error
			if m.key, err = r.key(e.version); err != nil {
				return nil, fmt.Errorf("%s: version %.80q: %w", e.kind, e.version, err)
			}
		}
		introduced = introduced || e.kind == "introduced"
		if e.kind == "limit" {
			limits = append(limits, m)
		} else {
			marks = append(marks, m)
		}
	}
	if !introduced {
		return nil, errors.New(`a range has no "introduced" event`)
	}
	slices.SortStableFunc(marks, byKey)
	found := walk(marks)
	if unlimited || len(limits) == 0 {
		return found, nil
	}
	return cutOff(found, slices.MaxFunc(limits, byKey).key), nil
}

// walk goes through sorted marks one version at a time. What begins and is fixed at the same version affects nothing; what
// is fixed and begins again at the same version goes on.
func walk(marks []mark) []interval {
	var found []interval
	var start []byte
	open := false
	for len(marks) > 0 {
		n := slices.IndexFunc(marks, func(m mark) bool { return byKey(m, marks[0]) != 0 })
		if n < 0 {
			n = len(marks)
		}
		has := func(kind string) *mark {
			if k := slices.IndexFunc(marks[:n], func(m mark) bool { return m.kind == kind }); k >= 0 {
				return &marks[k]
			}
			return nil
		}
		wasOpen, f := open, has("fixed")
		if f != nil && open {
			found, open = append(found, interval{start: start, end: f.key, bound: fixed, fix: []byte(f.text)}), false
		}
		if m := has("introduced"); m != nil && !open && (f == nil || wasOpen) {
			start, open = m.key, true
		}
		if m := has("last_affected"); m != nil && open {
			found, open = append(found, interval{start: start, end: m.key, bound: lastAffected}), false
		}
		marks = marks[n:]
	}
	if open {
		found = append(found, interval{start: start})
	}
	return found
}

// cutOff leaves of intervals what is below a key.
func cutOff(all []interval, at []byte) []interval {
	kept := all[:0]
	for _, i := range all {
		switch c := bytes.Compare(at, i.end); {
		case bytes.Compare(at, i.start) <= 0:
			continue
		case i.bound == unbounded, c < 0, c == 0 && i.bound == lastAffected:
			i = interval{start: i.start, end: at, bound: limit}
		}
		kept = append(kept, i)
	}
	return kept
}

// maxCandidates bounds the work on a record whose fixes are affected themselves, one after the other.
const maxCandidates = 100

// fixAbove is the lowest version above key that is called fixed and is not itself affected, or "".
func fixAbove(key []byte, all []interval) string {
	for range maxCandidates {
		var best *interval
		for n, i := range all {
			if i.bound == fixed && bytes.Compare(i.end, key) > 0 && (best == nil || bytes.Compare(i.end, best.end) < 0) {
				best = &all[n]
			}
		}
		if best == nil {
			return ""
		}
		if len(all) == 1 || !slices.ContainsFunc(all, func(o interval) bool { return o.contains(best.end) }) {
			return string(best.fix)
		}
		key = best.end
	}
	return ""
}
