package version

import "strings"

// Debian is the order of dpkg.
func Debian(b []byte, s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	epoch, rest, ok := strings.Cut(s, ":")
	if !ok {
		epoch, rest = "0", s
	}
	if !digits(epoch) {
		return nil, invalid("Debian", s)
	}
	upstream, revision := rest, "0"
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		upstream, revision = rest[:i], rest[i+1:]
	}
	b, err := debianPart(number(b, epoch), upstream)
	if err != nil {
		return nil, err
	}
	return debianPart(b, revision)
}

// Opam is the order of opam: that of dpkg without epochs and revisions.
func Opam(b []byte, s string) ([]byte, error) { return debianPart(b, s) }

// debianPart takes letters and numbers in turn. A tilde comes before the end, which comes before letters, which come before
// other characters.
func debianPart(b []byte, s string) ([]byte, error) {
	const tilde, end, others = 0x01, 0x02, 122
	for {
		var head string
		head, s = run(s, func(c byte) bool { return !digit(c) })
		for i := range len(head) {
			switch c := head[i]; {
			case c == '~':
				b = append(b, tilde)
			case letter(c):
				b = append(b, c)
			case c > ' ' && c < 0x7f:
				b = append(b, c+others)
			default:
				return nil, invalid("Debian", head)
			}
		}
		head, s = run(s, digit)
		if b = number(append(b, end), head); s == "" {
			return append(b, end), nil
		}
	}
}

// RPM is the order of rpm's versions with epoch and release.
func RPM(b []byte, s string) ([]byte, error) {
	if err := printable(s); err != nil {
		return nil, err
	}
	epoch, rest, ok := strings.Cut(s, ":")
	if !ok || !digits(epoch) {
		epoch, rest = "0", s
	}
	version, release := rest, ""
	if i := strings.IndexByte(rest, '-'); i >= 0 {
		version, release = rest[:i], rest[i:]
	}
	return rpmPart(rpmPart(number(b, epoch), version), release), nil
}

func rpmPart(b []byte, s string) []byte {
	const absent, tilde, end, caret, alpha, numeric = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05
	if s == "" {
		return append(b, absent)
	}
	for {
		_, s = run(s, func(c byte) bool { return !digit(c) && !letter(c) && c != '~' && c != '^' })
		var part string
		switch {
		case s == "":
			return append(b, end)
		case s[0] == '~':
			b, s = append(b, tilde), s[1:]
		case s[0] == '^':
			b, s = append(b, caret), s[1:]
		case digit(s[0]):
			part, s = run(s, digit)
			b = number(append(b, numeric), part)
		default:
			part, s = run(s, letter)
			b = text(append(b, alpha), part)
		}
	}
}

// alpineSuffixes are apk's suffixes in their order; no suffix stands at the empty one.
var alpineSuffixes = []string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"}

// Alpine is the order of apk. The hash of a commit, after a tilde, has none; a version that ends in what apk does not know
// comes before the one without.
func Alpine(b []byte, s string) ([]byte, error) {
	const end, zero, zeroes, suffix, odd, whole = 0x1d, 0x1e, 0x1f, 0x10, 0x01, 0x02
	if err := printable(s); err != nil {
		return nil, err
	}
	var part string
	pending := 0 // components of zero, which count only if another follows
	for i := 0; s != "" && digit(s[0]); i++ {
		part, s = run(s, digit)
		s = strings.TrimPrefix(s, ".")
		switch {
		case i == 0:
			b = number(b, part)
			continue
		case part == "0":
			pending++
			continue
		}
		for ; pending > 0; pending-- {
			b = append(b, zero)
		}
		if part[0] == '0' {
			b = text(append(b, zeroes), part)
		} else {
			b = number(b, part)
		}
	}
	b = append(b, end)
	if s != "" && lower(s[0]) {
		b, s = append(b, s[0]), s[1:]
	} else {
		b = append(b, 0)
	}
	for strings.HasPrefix(s, "_") {
		var name string
		if name, part = run(s[1:], lower); name == "" {
			break
		}
		weight := -1
		for i, known := range alpineSuffixes {
			if name == known {
				weight = i
			}
		}
		if weight < 0 {
			break
		}
		part, s = run(part, digit)
		b = number(append(b, suffix+byte(weight)), part)
	}
	b = append(b, suffix+4)
	if strings.HasPrefix(s, "~") {
		_, s = run(s[1:], func(c byte) bool { return digit(c) || 'a' <= c && c <= 'f' })
	}
	build, revised := strings.CutPrefix(s, "-r")
	if !revised {
		build = ""
	}
	build, rest := run(build, digit)
	b = number(b, build)
	switch {
	case !revised && s != "":
		return text(append(b, odd), s), nil
	case rest != "":
		return append(b, odd), nil
	}
	return append(b, whole), nil
}
