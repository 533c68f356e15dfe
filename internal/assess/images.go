package assess

import (
	"regexp"
	"strings"
)

// An ImageQuery selects stored images. All lists must hold; one without any selects every image.
type ImageQuery struct {
	Reference     []Words // of any name of the image
	Digest        []Words
	Vulnerability []Words // any that counts; regular expressions are not possible here
}

// Words hold if one of them does.
type Words []Word

// A Word holds for text that begins with it, in any case.
type Word struct {
	Text   string
	Exact  bool           // for this text only
	Regexp *regexp.Regexp // instead of the text, anywhere in it
	Not    bool           // for all other text; of vulnerabilities: for images that have no such one
}

// Hold reports whether any word holds for the text.
func (w Words) Hold(text string) bool {
	for _, word := range w {
		if word.holds(text) != word.Not {
			return true
		}
	}
	return false
}

func (w Word) holds(text string) bool {
	switch {
	case w.Regexp != nil:
		return w.Regexp.MatchString(text)
	case w.Exact:
		return strings.EqualFold(text, w.Text)
	}
	return len(text) >= len(w.Text) && strings.EqualFold(text[:len(w.Text)], w.Text)
}
