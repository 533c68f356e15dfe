package policy

import "time"

// A Violation is one policy that an image breaks, with one message per reason.
type Violation struct {
	PolicyID    string    `json:"policyId"`
	Policy      string    `json:"policy"` // title
	Severity    Severity  `json:"severity"`
	Categories  []string  `json:"categories,omitempty"`
	Description string    `json:"description,omitempty"`
	Rationale   string    `json:"rationale,omitempty"`
	Remediation string    `json:"remediation,omitempty"`
	Enforced    bool      `json:"enforced"`
	Messages    []Message `json:"messages"`
	More        int       `json:"more,omitempty"` // messages left out beyond the bound
}

type Message struct {
	Text      string `json:"text"`
	Component string `json:"component,omitempty"` // name version
	CVE       string `json:"cve,omitempty"`
	Line      int    `json:"line,omitempty"`      // Dockerfile line
	Container string `json:"container,omitempty"` // of the workload
}

// Result is the outcome of one evaluation. A policy that could not be evaluated is in Undecided and never counts as passed.
type Result struct {
	Stage      Stage       `json:"stage"`
	Evaluated  int         `json:"evaluated"`           // policies with an answer: broken or not
	Violations []Violation `json:"violations"`          // most severe first, then title
	Undecided  []Undecided `json:"undecided,omitempty"` // in the same order
	Excluded   []Excluded  `json:"excluded,omitempty"`  // likewise
	Notes      []Note      `json:"notes,omitempty"`
}

type Undecided struct {
	PolicyID string   `json:"policyId"`
	Policy   string   `json:"policy"`
	Severity Severity `json:"severity"`
	Reason   string   `json:"reason"`
	Enforced bool     `json:"enforced"`
	// LacksAdvisories: the only reason is that there is no advisory data. The built-in policy no-advisory-data reports
	// that, and can be enforced where it must stop a build.
	LacksAdvisories bool `json:"lacksAdvisories,omitempty"`
	// LacksConfiguration: the only reason is that nothing but a bill of materials was given.
	LacksConfiguration bool `json:"lacksConfiguration,omitempty"`
}

// Stops reports whether an image or workload cannot pass as long as this is not known. Whether missing advisory data may stop it
// is a policy of its own, and whoever gives nothing but a bill of materials knows that it says nothing of the image's
// configuration, so the lack of these does not.
func (u Undecided) Stops() bool { return u.Enforced && !u.LacksAdvisories && !u.LacksConfiguration }

// Excluded is what an exclusion of a policy hid.
type Excluded struct {
	PolicyID  string     `json:"policyId"`
	Policy    string     `json:"policy"`
	Severity  Severity   `json:"severity"`
	Enforced  bool       `json:"enforced"`
	Exclusion string     `json:"exclusion"` // name
	Reason    string     `json:"reason,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	Messages  int        `json:"messages"`            // how many
	Undecided string     `json:"undecided,omitempty"` // why the policy could not be evaluated, or not of everything
}

// A Note qualifies the answers of policies: they were decided, but on less than everything, or were not asked.
type Note struct {
	Text     string   `json:"text"`
	Policies []string `json:"policies"` // IDs
}

// Failed reports whether an enforced policy is violated.
func (r Result) Failed() bool {
	for _, v := range r.Violations {
		if v.Enforced {
			return true
		}
	}
	return false
}
