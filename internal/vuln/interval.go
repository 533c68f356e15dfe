package vuln

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/osv-scalibr/semantic"
)

// An event is one entry of an OSV range. Records of the first schema versions put several keys into one object.
type event struct {
	Introduced   *string `json:"introduced"`
	Fixed        *string `json:"fixed"`
	LastAffected *string `json:"last_affected"`
	Limit        *string `json:"limit"`
}

type bound byte

const (
	unbounded bound = iota
	fixed           // end is the first version that is not affected
	lastAffected
	limit // end is excluded, but nobody says that it is fixed there
)

// An interval is a run of affected versions. An empty start is before every version.
type interval struct {
	start, end string
	bound      bound
}

func (i interval) contains(vs *versions, v semantic.Version) (bool, error) {
	if i.start != "" {
		if c, err := vs.compare(v, i.start); err != nil || c < 0 {
			return false, err
		}
	}
	if i.bound == unbounded {
		return true, nil
	}
	c, err := vs.compare(v, i.end)
	return c < 0 || c == 0 && i.bound == lastAffected, err
}

// A mark is an event with its version parsed.
type mark struct {
	kind    string
	text    string
	version semantic.Version // nil: before every version
}

// intervals turns a range's events, in whatever order they are written, into the versions they affect: events count in
// version order, and limits cut off everything from the highest of them on.
func intervals(vs *versions, events []event) ([]interval, error) {
	var marks, limits []mark
	unlimited, introduced := false, false
	for _, e := range events {
		for _, f := range []struct {
			kind string
			text *string
		}{{"introduced", e.Introduced}, {"fixed", e.Fixed}, {"last_affected", e.LastAffected}, {"limit", e.Limit}} {
			switch {
			case f.text == nil:
				continue
			case f.kind == "limit" && *f.text == "*":
				unlimited = true
				continue
			}
			m := mark{kind: f.kind, text: *f.text}
			if f.kind != "introduced" || m.text != "0" {
				v, err := vs.ofRecord(m.text)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", f.kind, err)
				}
				m.version = v
			} else {
				m.text = ""
			}
			introduced = introduced || f.kind == "introduced"
			if f.kind == "limit" {
				limits = append(limits, m)
			} else {
				marks = append(marks, m)
			}
		}
	}
	if !introduced {
		return nil, errors.New(`a range has no "introduced" event`)
	}
	if err := sortMarks(vs, marks); err != nil {
		return nil, err
	}
	found, err := walk(vs, marks)
	if err != nil || unlimited || len(limits) == 0 {
		return found, err
	}
	if err := sortMarks(vs, limits); err != nil {
		return nil, err
	}
	return cutOff(vs, found, limits[len(limits)-1])
}

// ofRecord parses a version that a record names.
func (vs *versions) ofRecord(text string) (semantic.Version, error) {
	if len(text) > maxVersion || text == "" {
		return nil, fmt.Errorf("a version of %d characters", len(text))
	}
	v, err := vs.checked(text)
	if err != nil {
		return nil, fmt.Errorf("version %q: %w", text, err)
	}
	return v, nil
}

func (m mark) compare(vs *versions, other mark) (int, error) {
	switch {
	case m.version == nil && other.version == nil:
		return 0, nil
	case m.version == nil:
		return -1, nil
	case other.version == nil:
		return 1, nil
	}
	return vs.compare(m.version, other.text)
}

func sortMarks(vs *versions, marks []mark) error {
	var failed error
	slices.SortStableFunc(marks, func(a, b mark) int {
		c, err := a.compare(vs, b)
		if err != nil && failed == nil {
			failed = err
		}
		return c
	})
	return failed
}

// walk goes through sorted marks one version at a time. What begins and is fixed at the same version affects nothing; what
// is fixed and begins again at the same version goes on.
func walk(vs *versions, marks []mark) ([]interval, error) {
	var found []interval
	var start string
	open := false
	closeAt := func(text string, b bound) {
		found = append(found, interval{start: start, end: text, bound: b})
		open = false
	}
	for i := 0; i < len(marks); {
		j := i + 1
		for ; j < len(marks); j++ {
			if c, err := marks[i].compare(vs, marks[j]); err != nil {
				return nil, err
			} else if c != 0 {
				break
			}
		}
		group := marks[i:j]
		has := func(kind string) *mark {
			for k := range group {
				if group[k].kind == kind {
					return &group[k]
				}
			}
			return nil
		}
		wasOpen, f := open, has("fixed")
		if f != nil && open {
			closeAt(f.text, fixed)
		}
		if m := has("introduced"); m != nil && !open && (f == nil || wasOpen) {
			start, open = m.text, true
		}
		if m := has("last_affected"); m != nil && open {
			closeAt(m.text, lastAffected)
		}
		i = j
	}
	if open {
		found = append(found, interval{start: start})
	}
	return found, nil
}

func cutOff(vs *versions, all []interval, at mark) ([]interval, error) {
	kept := all[:0]
	for _, i := range all {
		if i.start != "" {
			if c, err := vs.compare(at.version, i.start); err != nil {
				return nil, err
			} else if c <= 0 {
				continue
			}
		}
		if i.bound != unbounded {
			c, err := vs.compare(at.version, i.end)
			if err != nil {
				return nil, err
			}
			if c > 0 || c == 0 && i.bound == fixed {
				kept = append(kept, i)
				continue
			}
		}
		kept = append(kept, interval{start: i.start, end: at.text, bound: limit})
	}
	return kept, nil
}
