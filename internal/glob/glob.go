// Package glob matches names with patterns, by the same rules wherever somebody may write one.
package glob

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds, in characters.
const (
	MaxPattern = 256
	MaxText    = 4096
)

// Match matches a whole text: * stands for any characters but "/", ** for any characters, ? for one but "/".
func Match(pattern, text string) (bool, error) {
	if utf8.RuneCountInString(pattern) > MaxPattern || utf8.RuneCountInString(text) > MaxText {
		return false, fmt.Errorf("glob: a pattern may have %d characters and a text %d", MaxPattern, MaxText)
	}
	// What stands before the first wildcard decides most questions.
	literal := strings.IndexAny(pattern, "*?")
	if literal < 0 {
		return pattern == text, nil
	}
	if !strings.HasPrefix(text, pattern[:literal]) {
		return false, nil
	}
	if pattern[literal:] == "**" {
		return true, nil
	}
	runes := []rune(text[literal:])
	// reached[i] says whether the pattern so far matches the first i characters.
	reached := make([]bool, len(runes)+1)
	reached[0] = true
	p := []rune(pattern[literal:])
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '*':
			deep := i+1 < len(p) && p[i+1] == '*'
			if deep {
				i++
			}
			for j, r := range runes {
				reached[j+1] = reached[j+1] || reached[j] && (deep || r != '/')
			}
		default:
			for j := len(runes); j > 0; j-- {
				r := runes[j-1]
				reached[j] = reached[j-1] && (r == p[i] || p[i] == '?' && r != '/')
			}
			reached[0] = false
		}
	}
	return reached[len(runes)], nil
}
