package assess

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/policy"
)

func TestVerdict_ExitStatus(t *testing.T) {
	for verdict, want := range map[Verdict]int{Pass: 0, Violations: 0, Fail: 1, Undecided: 2} {
		if got := verdict.ExitStatus(); got != want {
			t.Errorf("%s: %d", verdict, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	enforced := policy.Violation{Enforced: true}
	for name, tt := range map[string]struct {
		result policy.Result
		want   Verdict
	}{
		"nothing":                          {policy.Result{}, Pass},
		"a_violation":                      {policy.Result{Violations: []policy.Violation{{}}}, Violations},
		"an_enforced_violation":            {policy.Result{Violations: []policy.Violation{{}, enforced}}, Fail},
		"an_enforced_policy_is_open":       {policy.Result{Undecided: []policy.Undecided{{Enforced: true}}}, Undecided},
		"an_unenforced_one_is_open":        {policy.Result{Undecided: []policy.Undecided{{}}}, Pass},
		"open_for_lack_of_advisories":      {policy.Result{Undecided: []policy.Undecided{{Enforced: true, LacksAdvisories: true}}}, Pass},
		"open_for_lack_of_a_configuration": {policy.Result{Undecided: []policy.Undecided{{Enforced: true, LacksConfiguration: true}}}, Pass},
		"what_is_broken_outweighs_what_is_open": {
			policy.Result{Violations: []policy.Violation{enforced}, Undecided: []policy.Undecided{{Enforced: true}}}, Fail,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verdictOf(tt.result); got != tt.want {
				t.Errorf("%s", got)
			}
		})
	}
}
