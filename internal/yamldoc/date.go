package yamldoc

import (
	"errors"
	"time"

	"go.yaml.in/yaml/v3"
)

var errDate = errors.New("must be a date like 2026-12-31 or a time like 2026-12-31T12:00:00Z")

// ParseUntil reads a date, which is over when its day is over in UTC, or a time as RFC 3339 has it.
func ParseUntil(s string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return ParseFrom(s)
}

// FormatUntil writes what ParseUntil reads.
func FormatUntil(t time.Time) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// ParseFrom reads a date, which begins with its day in UTC, or a time as RFC 3339 has it.
func ParseFrom(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errDate
}

// Until reads what ParseUntil does, From what ParseFrom does.
func (r *Reader) Until(to **time.Time) func(*yaml.Node, string) { return r.date(ParseUntil, to) }
func (r *Reader) From(to **time.Time) func(*yaml.Node, string)  { return r.date(ParseFrom, to) }

func (r *Reader) date(parse func(string) (time.Time, error), to **time.Time) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.Scalar(n, path) {
			return
		}
		t, err := parse(n.Value)
		if err != nil {
			r.Misshapen(n, path, "%s", err)
			return
		}
		*to = &t
	}
}
