package version

import (
	"slices"
	"strings"
)

// mavenQualifiers are Maven's words in their order; the empty one is a release. Others come after them, by letter.
var mavenQualifiers = []string{"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"}

const released = 5 // the place of the empty qualifier

type mavenToken struct {
	dot     bool // after a dot; else after a hyphen, or where digits meet letters
	numeric bool
	text    string
}

// null reports whether the token says nothing: a version that ends before it is equal.
func (t mavenToken) null() bool { return t.text == "0" || t.text == "" }

// early reports whether a version with this token comes before the one that ends here.
func (t mavenToken) early() bool {
	return !t.numeric && t.rank() <= released
}

func (t mavenToken) rank() int {
	if i := slices.Index(mavenQualifiers, t.text); i >= 0 {
		return i
	}
	return len(mavenQualifiers)
}

// Maven is the order that Maven's POM reference specifies. That one is no order where "1.x" and "1-alpha" meet: 1-alpha < 1
// and 1 < 1.x, but 1.x < 1-alpha. Here 1-alpha < 1 < 1.x holds, and so 1-alpha < 1.x.
func Maven(b []byte, s string) ([]byte, error) {
	// What can stand at one place, in order.
	const dotEarly, hyphenEarly, zeroBeforeEarly, end, dotWord, hyphenWord, hyphenNumber, dotNumber = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
	if err := printable(s); err != nil {
		return nil, err
	}
	tokens := trimMaven(mavenTokens(strings.ToLower(s)))
	for i, t := range tokens {
		early := t.early()
		if t.null() && i > 0 {
			// Whether the version ends here or goes on with nothing, what comes next decides.
			next := slices.IndexFunc(tokens[i:], func(t mavenToken) bool { return !t.null() })
			early = next >= 0 && tokens[i+next].early()
		}
		switch {
		case t.numeric && t.dot && early && i > 0:
			b = append(b, zeroBeforeEarly)
			continue
		case t.numeric && (t.dot || i == 0):
			b = number(append(b, dotNumber), t.text)
			continue
		case t.numeric:
			b = number(append(b, hyphenNumber), t.text)
			continue
		case t.dot && (early || t.text == ""):
			b = append(b, dotEarly)
		case t.dot:
			b = append(b, dotWord)
		case early:
			b = append(b, hyphenEarly)
		default:
			b = append(b, hyphenWord)
		}
		rank := t.rank()
		if b = append(b, byte(rank)); rank == len(mavenQualifiers) {
			b = text(b, t.text)
		}
	}
	return append(b, end), nil
}

func mavenTokens(s string) []mavenToken {
	var tokens []mavenToken
	dot := false
	for {
		i := strings.IndexAny(s, "-.")
		raw := s
		if i >= 0 {
			raw = s[:i]
		}
		parts := transitions([]string{raw})
		for j, p := range parts {
			t := mavenToken{dot: dot && j == 0, text: p}
			switch {
			case p == "":
				t.text = "0"
			case p == "cr":
				t.text = "rc"
			case p == "ga" || p == "final" || p == "release":
				t.text = ""
			case p == "a" && j < len(parts)-1:
				t.text = "alpha"
			case p == "b" && j < len(parts)-1:
				t.text = "beta"
			case p == "m" && j < len(parts)-1:
				t.text = "milestone"
			}
			if t.numeric = digits(t.text); t.numeric {
				if t.text = strings.TrimLeft(t.text, "0"); t.text == "" {
					t.text = "0"
				}
			}
			tokens = append(tokens, t)
		}
		if i < 0 {
			return tokens
		}
		dot, s = s[i] == '.', s[i+1:]
	}
}

// trimMaven drops what says nothing at the end and before each hyphen.
func trimMaven(tokens []mavenToken) []mavenToken {
	for i := len(tokens) - 1; i > 0; i-- {
		if tokens[i].null() {
			tokens = slices.Delete(tokens, i, i+1)
			continue
		}
		for i > 0 && tokens[i].dot {
			i--
		}
	}
	return tokens
}
