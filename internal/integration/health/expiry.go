package health

import (
	"fmt"
	"slices"
	"time"
)

const day = 24 * time.Hour

// notices are the days before an end at which it is announced.
var notices = []int{30, 14, 7, 1}

// notice is the one that is to be given for an end at now, 0 if none is.
func (e Expiry) notice(now time.Time) int {
	due := 0
	for _, days := range notices {
		if days <= max(e.NoticeDays, 1) && e.At.Sub(now) <= time.Duration(days)*day {
			due = days
		}
	}
	if e.Announced != 0 && due >= e.Announced {
		return 0
	}
	return due
}

// Left says in words when it ends.
func (e Expiry) Left(now time.Time) string {
	left := e.At.Sub(now)
	switch {
	case left <= 0:
		return "expired on " + e.At.UTC().Format("2 January 2006")
	case left < 2*day:
		return fmt.Sprintf("expires in %.0f hours", left.Hours())
	}
	return fmt.Sprintf("expires in %.0f days", left.Hours()/24)
}

// Soon reports whether the end is near enough to be shown with the health.
func (e Expiry) Soon(now time.Time) bool {
	return e.At.Sub(now) <= time.Duration(max(e.NoticeDays, 1))*day
}

// announce keeps what is known of ends that this look could not see, and returns those to be announced now.
func announce(before, seen []Expiry, now time.Time) (known, announced []Expiry) {
	known = slices.Clone(seen)
	for _, old := range before {
		i := slices.IndexFunc(known, func(e Expiry) bool { return e.What == old.What })
		switch {
		case i < 0:
			known = append(known, old)
		case known[i].At.Equal(old.At):
			known[i].Announced = old.Announced
		}
	}
	for i := range known {
		if n := known[i].notice(now); n > 0 {
			known[i].Announced = n
			announced = append(announced, known[i])
		}
	}
	slices.SortFunc(known, func(a, b Expiry) int { return a.At.Compare(b.At) })
	return known, announced
}
