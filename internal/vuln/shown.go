package vuln

import (
	"slices"
	"strings"
	"unicode"

	"github.com/go-faster/jx"
)

// validID reports whether s can be an identifier.
func validID(s string) bool {
	if len(s) < 2 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !alphanumeric && (i == 0 || !strings.ContainsRune("._:+-", rune(c))) {
			return false
		}
	}
	return true
}

// ids reads what can be an identifier, once each.
func ids(d *jx.Decoder) (out []string, err error) {
	err = list(d, func(d *jx.Decoder) error {
		s, err := stringOrNull(d)
		if len(out) < maxAliases && validID(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// summaryOf is the record's summary, or how its details begin, as one line without control characters.
func summaryOf(s string, details jx.Raw) string {
	if strings.TrimSpace(s) == "" && len(details) > 0 {
		s, _ = stringOrNull(jx.DecodeBytes(details)) // it was read before
		s = strings.TrimSpace(s)
		if i := strings.Index(s, "\n\n"); i > 0 {
			s = s[:i]
		}
		if i := strings.Index(s, ". "); i > 0 {
			s = s[:i+1]
		}
	}
	if len(s) > 4096 {
		s = s[:4096]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || 'a' <= r && r <= 'z':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 240 {
		if r := []rune(s); len(r) > 240 {
			s = strings.TrimSpace(string(r[:239])) + "…"
		}
	}
	return s
}

// referencesOf reads web addresses, those of advisories first.
func referencesOf(d *jx.Decoder) ([]string, error) {
	var advisories, others []string
	err := looseList(d, func(d *jx.Decoder) error {
		var kind, url string
		err := looseFields(d, func(d *jx.Decoder, key []byte) (err error) {
			switch string(key) {
			case "type":
				kind, err = looseString(d)
			case "url":
				url, err = looseString(d)
			default:
				err = d.Skip()
			}
			return err
		})
		web := strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
		if web && len(url) <= 500 && !hasControl(url) {
			into := &others
			if kind == "ADVISORY" {
				into = &advisories
			}
			if len(*into) < maxReferences && !slices.Contains(*into, url) {
				*into = append(*into, url)
			}
		}
		return err
	})
	all := append(advisories, slices.DeleteFunc(others, func(s string) bool { return slices.Contains(advisories, s) })...)
	return all[:min(len(all), maxReferences)], err
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cveOf returns the CVE that an identifier is, or is one distribution's view of (DEBIAN-CVE-2024-1234), or "".
func cveOf(id string) string {
	at := strings.Index(id, "CVE-")
	if at < 0 || at > 0 && (id[at-1] != '-' || !letters(id[:at-1])) {
		return ""
	}
	year, number, ok := strings.Cut(id[at+4:], "-")
	if !ok || len(year) != 4 || len(number) < 4 || !digits(year) || !digits(number) {
		return ""
	}
	return id[at:]
}

func letters(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' })
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
