package version

import (
	"regexp"
	"slices"
	"strings"
)

// RubyGems is the order of RubyGems: words come before numbers, and what is missing is 0.
func RubyGems(b []byte, s string) ([]byte, error) {
	const word, zeroBeforeWord, end, numeric = 0x10, 0x11, 0x12, 0x13
	if err := printable(s); err != nil {
		return nil, err
	}
	zeros, seen := 0, false
	for _, part := range transitions(strings.Split(s, ".")) {
		switch {
		case !digits(part):
			for ; zeros > 0; zeros-- {
				if seen { // before the first word they are trimmed
					b = append(b, zeroBeforeWord)
				}
			}
			b, seen = text(append(b, word), part), true
		case strings.Trim(part, "0") == "":
			zeros++
		default:
			for ; zeros > 0; zeros-- {
				b = number(append(b, numeric), "")
			}
			b = number(append(b, numeric), part)
		}
	}
	return append(b, end), nil
}

// transitions splits between digits and others.
func transitions(parts []string) []string {
	var out []string
	for _, p := range parts {
		for rest := p; ; {
			var head string
			if rest != "" && digit(rest[0]) {
				head, rest = run(rest, digit)
			} else {
				head, rest = run(rest, func(c byte) bool { return !digit(c) })
			}
			if out = append(out, head); rest == "" {
				break
			}
		}
	}
	return out
}

// packagist are the words PHP knows, in their order. A number stands after "rc" and before "p"; what is not known counts
// as "dev".
var packagist = []string{"dev", "a", "b", "rc", "p"}

// Packagist is the order of PHP's version_compare.
func Packagist(b []byte, s string) ([]byte, error) {
	const word, end, numeric, patch = 0x10, 0x14, 0x15, 0x16
	if err := printable(s); err != nil {
		return nil, err
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "v"), "V")
	s = strings.NewReplacer("-", ".", "_", ".", "+", ".").Replace(s)
	for _, part := range transitions(strings.Split(s, ".")) {
		weight := 0
		switch i := slices.IndexFunc(packagist, func(p string) bool { return strings.HasPrefix(part, p) }); {
		case digits(part):
			b = number(append(b, numeric), part)
			continue
		case strings.HasPrefix(part, "RC"):
			weight = 3
		case i >= 0:
			weight = i
		}
		if packagist[weight] == "p" {
			b = append(b, patch)
		} else {
			b = append(b, word+byte(weight))
		}
	}
	return append(b, end), nil
}

var pep440 = regexp.MustCompile(`^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` + // epoch, release
	`(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?([0-9]+)?)?` +
	`(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]+)?)?` +
	`(?:[-_.]?(dev)[-_.]?([0-9]+)?)?` +
	`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

// PyPI is the order of PEP 440; versions from before it come before all others.
func PyPI(b []byte, s string) ([]byte, error) {
	const (
		legacy, standard             = 0x00, 0x01
		absentLow, present, absentUp = 0x00, 0x01, 0xff
		end, word, numeric           = 0x01, 0x10, 0x11
	)
	if err := printable(s); err != nil {
		return nil, err
	}
	s = strings.ToLower(strings.TrimSpace(s))
	if plain(s) {
		return append(release(number(append(b, standard), ""), s), absentUp, absentLow, absentUp, end), nil
	}
	m := pep440.FindStringSubmatch(s)
	if m == nil {
		return text(append(b, legacy), legacyPyPI(s)), nil
	}
	pre, post, dev := m[3], m[5] != "" || m[6] != "", m[8] != ""
	b = release(number(append(b, standard), m[1]), m[2])
	switch {
	case pre != "":
		if pre == "pre" || pre == "preview" || pre == "c" {
			pre = "rc"
		}
		b = number(append(b, pre[0]), m[4])
	case dev && !post:
		b = append(b, absentLow) // 1.0.dev1 comes before 1.0a1
	default:
		b = append(b, absentUp)
	}
	if post {
		b = number(append(b, present), m[5]+m[7])
	} else {
		b = append(b, absentLow)
	}
	if dev {
		b = number(append(b, present), m[9])
	} else {
		b = append(b, absentUp)
	}
	for part := range strings.FieldsFuncSeq(m[10], func(r rune) bool { return strings.ContainsRune("-_.", r) }) {
		if digits(part) {
			b = number(append(b, numeric), part)
		} else {
			b = text(append(b, word), part)
		}
	}
	return append(b, end), nil
}

// plain reports whether a version is a release and nothing else, as most are.
func plain(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !digits(part) {
			return false
		}
	}
	return true
}

// release appends numbers between dots, without zeros at the end.
func release(b []byte, s string) []byte {
	const end = 0x01
	zeros := 0
	for part := range strings.SplitSeq(s, ".") {
		if strings.Trim(part, "0") == "" {
			zeros++
			continue
		}
		for ; zeros > 0; zeros-- {
			b = number(b, "")
		}
		b = number(b, part)
	}
	return append(b, end)
}

var legacyParts = regexp.MustCompile(`[0-9]+|[a-z]+|\.|-`)

// legacyPyPI is what setuptools compared before PEP 440: parts in a form in which they compare as strings.
func legacyPyPI(s string) string {
	replaced := map[string]string{"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}
	var parts []string
	drop := func(part string) {
		for len(parts) > 0 && parts[len(parts)-1] == part {
			parts = parts[:len(parts)-1]
		}
	}
	for _, p := range append(legacyParts.FindAllString(s, -1), "final") {
		if p == "." {
			continue
		}
		if r, ok := replaced[p]; ok {
			p = r
		}
		if digit(p[0]) {
			parts = append(parts, strings.Repeat("0", max(0, 8-len(p)))+p)
			continue
		}
		if p = "*" + p; p < "*final" {
			drop("*final-")
		}
		drop("00000000")
		parts = append(parts, p)
	}
	return strings.Join(parts, "")
}
