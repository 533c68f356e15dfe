package api

import (
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

const parsingQuery = "read query"

// spacedField is where a field follows another after a blank, which a + in a URL is, too.
var spacedField = regexp.MustCompile(`(?i) (Image Sha|Image|CVE):`)

// parseImageQuery reads RHACS's query language as far as it can be about stored images: Field:value,value+Field:value.
func parseImageQuery(query string) (q assess.ImageQuery, err error) {
	for _, pair := range splitQuery(query) {
		field, values, ok := strings.Cut(pair, ":")
		if !ok || strings.TrimSpace(values) == "" {
			return q, fault.New(fault.Invalid, parsingQuery, "%q is no field with a value", pair).
				WithFix("Write it as Image:quay.io/org/app, with + between several.")
		}
		field = strings.ToLower(strings.TrimSpace(field))
		var words assess.Words
		for _, value := range splitOutsideQuotes(strings.TrimSpace(values), ',') {
			word, err := parseWord(value)
			if err != nil {
				return q, err
			}
			words = append(words, word)
		}
		switch field {
		case "image":
			q.Reference = append(q.Reference, words)
		case "image sha":
			q.Digest = append(q.Digest, words)
		case "cve":
			for _, w := range words {
				if w.Regexp != nil {
					return q, fault.New(fault.Invalid, parsingQuery, "a CVE cannot be a regular expression").WithFix("Give its name or the beginning of it.")
				}
			}
			q.Vulnerability = append(q.Vulnerability, words)
		default:
			return q, fault.New(fault.Invalid, parsingQuery, "stored images cannot be asked for by the field %q", field).WithFix("Use the fields Image, Image Sha and CVE.")
		}
	}
	return q, nil
}

// splitQuery parts fields. A + that no field follows belongs to the value, as in a tag such as 1.0+build.
func splitQuery(query string) []string {
	var pairs []string
	for _, part := range splitOutsideQuotes(spacedField.ReplaceAllString(query, "+$1:"), '+') {
		switch {
		case strings.TrimSpace(part) == "":
		case len(pairs) > 0 && !strings.Contains(part, ":"):
			pairs[len(pairs)-1] += "+" + part
		default:
			pairs = append(pairs, part)
		}
	}
	return pairs
}

func splitOutsideQuotes(s string, at rune) []string {
	quoted := false
	var parts []string
	start := 0
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == at && !quoted:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return append(parts, s[start:])
}

func parseWord(value string) (w assess.Word, err error) {
	value = strings.TrimSpace(value)
	value, w.Not = strings.CutPrefix(value, "!")
	if expression, ok := strings.CutPrefix(value, "r/"); ok {
		if w.Regexp, err = regexp.Compile("(?i)" + expression); err != nil {
			return w, fault.Wrap(fault.Invalid, parsingQuery, "", err).WithFix("See https://github.com/google/re2/wiki/Syntax for what can be written.")
		}
		return w, nil
	}
	w.Text = value
	if whole := strings.Trim(value, `"`); len(value) == len(whole)+2 {
		w.Text, w.Exact = whole, true
	} else if value == "*" {
		w.Text = ""
	}
	return w, nil
}
