package assess

import (
	"cmp"
	"encoding/binary"
	"errors"
	"iter"

	"github.com/landwaiter/landwaiter/internal/vuln"
)

// packages is what matching needs to know of an image's components, in their order. It is read and compared many times faster
// than an assessment.
type packages struct {
	scan    string // its status
	count   int
	written []byte // the status, then each package behind its length
}

func packagesOf(s Scan) packages {
	p := packages{scan: s.Status, count: len(s.Components), written: appendText(nil, s.Status)}
	for _, c := range s.Components {
		var one []byte
		for _, text := range [...]string{c.Ecosystem, unknownKind(c), c.Name, c.Version, c.SourceName, c.SourceVersion, c.Module} {
			one = appendText(one, text)
		}
		p.written = appendText(p.written, string(one))
	}
	return p
}

// readPackages takes what packagesOf wrote.
func readPackages(written []byte) (packages, error) {
	status, rest, ok := cutText(written)
	p := packages{scan: string(status), written: written}
	for ok && len(rest) > 0 {
		_, rest, ok = cutText(rest)
		p.count++
	}
	if !ok {
		return p, errors.New("the list of packages is damaged")
	}
	return p, nil
}

func (p packages) all() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		_, rest, _ := cutText(p.written)
		for i := range p.count {
			var one []byte
			if one, rest, _ = cutText(rest); !yield(i, one) {
				return
			}
		}
	}
}

// unknownKind words what a component without an ecosystem is.
func unknownKind(c Component) string {
	switch {
	case c.Ecosystem != "":
		return ""
	case c.PURL == "":
		return "components without a package URL"
	case c.Type == "deb", c.Type == "apk", c.Type == "rpm":
		return c.Type + " packages of an unknown distribution"
	}
	return c.Type + " packages"
}

// A matchedPackage is one component as matching sees it.
type matchedPackage struct{ ecosystem, kind, name, version, sourceName, sourceVersion, module string }

func readPackage(written []byte) (p matchedPackage, err error) {
	for _, field := range []*string{&p.ecosystem, &p.kind, &p.name, &p.version, &p.sourceName, &p.sourceVersion, &p.module} {
		text, rest, ok := cutText(written)
		if !ok {
			return p, errors.New("a package is damaged")
		}
		*field, written = string(text), rest
	}
	return p, nil
}

// source is what the package was built from, or the package itself where there is none.
func (p matchedPackage) source() vuln.Package {
	return vuln.Package{Ecosystem: p.ecosystem, Name: cmp.Or(p.sourceName, p.name), Version: cmp.Or(p.sourceVersion, p.version), Module: p.module}
}

func (p matchedPackage) binary() vuln.Package {
	return vuln.Package{Ecosystem: p.ecosystem, Name: p.name, Version: p.version, Module: p.module}
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func cutText(b []byte) (text, rest []byte, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(length)], b[n+int(length):], true
}
