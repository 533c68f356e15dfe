// Package diagnosis is the connection test. It looks at a registry step by step, from the settings to a named image, and says
// of each step what was seen, how long it took, and where something is wrong the likely cause and what to do. Looking and
// judging are apart: what was seen holds no secret and can be saved, and judging it is pure, so that a saved diagnosis can be
// judged again on another machine.
package diagnosis

import (
	"fmt"
	"time"
)

// A Verdict says how a step, or the whole, came out.
type Verdict string

const (
	Passed  Verdict = "passed"
	Warning Verdict = "warning" // it works, and somebody should look at it all the same
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped" // not looked at; the summary says why
)

// A Diagnosis is the whole test. Its JSON form is what the API answers, and the bundle that is saved for support.
type Diagnosis struct {
	Format  int       `json:"format"` // 1
	Program string    `json:"program"`
	Subject Subject   `json:"subject"`
	Started time.Time `json:"started"`
	Took    float64   `json:"tookMs"`
	// Verdict is Failed if a step failed, else Warning if one warned, else Passed.
	Verdict Verdict `json:"verdict"`
	Summary string  `json:"summary"` // one sentence: the first failure, or what was proven
	// Proven tells whether the registry would have treated a wrong credential otherwise. It is false without a credential.
	Proven bool   `json:"proven"`
	Steps  []Step `json:"steps" nullable:"false"`
	// Observations are what the steps were judged by.
	Observations []Observation `json:"observations" nullable:"false"`
}

// A Subject is what was tested.
type Subject struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Endpoint  string `json:"endpoint"`
	Anonymous bool   `json:"anonymous"`
	Username  string `json:"username,omitempty"`
	Image     string `json:"image,omitempty"`
}

// A Step is one observation, judged.
type Step struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Verdict  Verdict   `json:"verdict"`
	Summary  string    `json:"summary"` // a few words: what was found
	Seen     []Fact    `json:"seen" nullable:"false"`
	Took     float64   `json:"tookMs"`
	Findings []Finding `json:"findings" nullable:"false"`
}

// Lasted is how long the step took, as people read it; "" if it was skipped.
func (s Step) Lasted() string {
	switch {
	case s.Verdict == Skipped:
		return ""
	case s.Took < 1:
		return "<1 ms"
	case s.Took < 1000:
		return fmt.Sprintf("%.0f ms", s.Took)
	}
	return fmt.Sprintf("%.1f s", s.Took/1000)
}

// A Fact is one piece of evidence, fit to be shown.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Finding is one thing that is wrong, or should be looked at. Name is stable and good for looking up, such as
// "wrong-password"; Cause says what is likely the matter, Fix what to do.
type Finding struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"` // Failed or Warning
	Cause   string  `json:"cause"`
	Fix     string  `json:"fix"`
}
