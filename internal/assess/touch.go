package assess

import (
	"encoding/binary"
	"slices"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/image"
)

// writeSubject packs all that decides which exceptions may touch an assessment: the image's names, and a hash of every name of what
// was found. It is read many times faster than the assessment.
func (a *Assessment) writeSubject() []byte {
	var hashes []uint32
	add := func(f Finding) {
		for _, name := range f.names() {
			if name != "" {
				hashes = append(hashes, exception.Hash(name))
			}
		}
	}
	for _, f := range a.Findings {
		add(f)
	}
	for _, f := range a.Suppressed {
		add(f.Finding)
	}
	slices.Sort(hashes)
	about := a.subject()
	written := appendText(nil, a.Reference)
	for _, d := range about.Digests {
		written = appendText(written, string(d))
	}
	last := uint32(0)
	for _, h := range slices.Compact(hashes) {
		written = binary.AppendUvarint(written, uint64(h-last))
		last = h
	}
	return written
}

// readSubject takes what writeSubject wrote.
func readSubject(written []byte) (i exception.Image, hashes []uint32, ok bool) {
	text, rest, ok := cutText(written)
	if !ok {
		return i, nil, false
	}
	ref, err := image.ParseReference(string(text))
	if err != nil {
		return i, nil, false
	}
	i.Reference = ref
	for range 2 {
		if text, rest, ok = cutText(rest); !ok {
			return i, nil, false
		}
		i.Digests = append(i.Digests, image.Digest(text))
	}
	last := uint64(0)
	for len(rest) > 0 {
		step, n := binary.Uvarint(rest)
		if n <= 0 {
			return i, nil, false
		}
		last, rest = last+step, rest[n:]
		hashes = append(hashes, uint32(last))
	}
	return i, hashes, true
}

// touched notes in a matching which exceptions may be about the assessment.
func (m *Matching) touched(a *Assessment, by *exception.Set) {
	m.Subject = a.writeSubject()
	m.Touched, _ = touching(by, m.Subject)
}

func touching(by *exception.Set, subject []byte) (name string, known bool) {
	about, hashes, ok := readSubject(subject)
	return by.Touching(about, hashes), ok
}

// untouched reports whether the exceptions do to a stored assessment what they did.
func (m *matcher) untouched(was Matching) bool {
	if m.exceptions.Name() == was.Exceptions {
		return true
	}
	name, known := touching(m.exceptions, was.Subject)
	return known && name == was.Touched
}
