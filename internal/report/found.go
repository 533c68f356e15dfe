package report

import (
	"fmt"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// A found is one vulnerability of one component, whether it counts or was set aside.
type found struct {
	assess.Finding
	setAside string // in a word or two; "" when it counts
	why      string // it was set aside, and who says so
	mistaken bool   // whoever set it aside says that it does not affect the image
}

// found lists those that count first.
func (s Subject) found() []found {
	var list []found
	if s.Image == nil {
		return nil
	}
	for _, f := range s.Image.Findings {
		list = append(list, found{Finding: f})
	}
	for _, f := range s.Image.Suppressed {
		list = append(list, found{Finding: f.Finding, setAside: "set aside: " + f.By.Words(), why: f.By.Text(), mistaken: f.By.NotAffected()})
	}
	return list
}

// ExcludedText says what an exclusion hid of a policy's reasons, and why.
func ExcludedText(x policy.Excluded) string {
	text := fmt.Sprintf("%s excluded by %q", count(x.Messages, "reason"), x.Exclusion)
	if x.Until != nil {
		text += " until " + x.Until.Add(-1).Format(time.DateOnly) // the last day
	}
	if x.Reason != "" {
		text += ": " + x.Reason
	}
	return text
}
