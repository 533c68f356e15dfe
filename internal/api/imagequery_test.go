package api

import (
	"strings"
	"testing"
	"unicode"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestParseImageQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                                 "",
		"Image:nginx":                      "image nginx*",
		"image : nginx , redis":            "image nginx* redis*",
		`Image:"a,b+c",d`:                  "image a,b+c d*",
		"Image:!nginx":                     "image !nginx*",
		`Image:!"nginx"`:                   "image !nginx",
		"Image:*":                          "image *",
		"Image:r/a.b":                      "image r/(?i)a.b",
		"Image:a+CVE:b+Image Sha:sha256:c": "image a* | digest sha256:c* | cve b*",
		"Image:a CVE:b Image Sha:c":        "image a* | digest c* | cve b*",
		"Image:quay.io/a:1.0+build":        "image quay.io/a:1.0+build*",
		"Image:quay.io/a:1.0+build+CVE:b":  "image quay.io/a:1.0+build* | cve b*",
		"Image:a+Image:b":                  "image a* | image b*",
		"+Image:a+":                        "image a*",
	} {
		q, err := parseImageQuery(query)
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		if got := written(q); got != want {
			t.Errorf("%q is %q, want %q", query, got, want)
		}
	}
}

func written(q assess.ImageQuery) string {
	var parts []string
	for _, field := range []struct {
		name string
		all  []assess.Words
	}{{"image", q.Reference}, {"digest", q.Digest}, {"cve", q.Vulnerability}} {
		for _, words := range field.all {
			part := field.name
			for _, w := range words {
				text := w.Text + "*"
				switch {
				case w.Regexp != nil:
					text = "r/" + w.Regexp.String()
				case w.Exact:
					text = w.Text
				}
				if part += " "; w.Not {
					part += "!"
				}
				part += text
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " | ")
}

func FuzzParseImageQuery(f *testing.F) {
	for _, seed := range []string{"", `Image:"a,b",!r/c+CVE:d Image Sha:e`, `Image:"`, "Image:r/(", "x:y", ":+,\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := parseImageQuery(query)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Error(err)
			}
			return
		}
		if len(q.Reference)+len(q.Digest)+len(q.Vulnerability) == 0 && strings.ContainsFunc(query, unicode.IsLetter) {
			t.Errorf("%q selects everything", query)
		}
		for _, words := range append(append(q.Reference, q.Digest...), q.Vulnerability...) {
			words.Hold("quay.io/org/app:1")
		}
	})
}
