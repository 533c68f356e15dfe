package glob_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/internal/glob"
)

func TestMatch_agrees_with_a_regular_expression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab/*?.]{0,10}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab/.]{0,12}`).Draw(t, "text")
		translated := strings.NewReplacer("**", ".*", "*", "[^/]*", "?", "[^/]", ".", `\.`).Replace(pattern)
		want := regexp.MustCompile(`^(?s:` + translated + `)$`).MatchString(text)
		if got, err := glob.Match(pattern, text); err != nil || got != want {
			t.Errorf("Match(%q, %q) = %t, %v; want %t", pattern, text, got, err, want)
		}
	})
}
