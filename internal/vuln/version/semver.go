package version

import "strings"

// SemVer is the order of Semantic Versioning, for versions with fewer or more than three numbers too.
func SemVer(b []byte, s string) ([]byte, error) {
	b, build, err := dotted(b, s, 3)
	if err != nil {
		return nil, err
	}
	return prerelease(b, build), nil
}

// NuGet is the order of NuGet: four numbers, and labels in any case.
func NuGet(b []byte, s string) ([]byte, error) {
	b, build, err := dotted(b, s, 4)
	if err != nil {
		return nil, err
	}
	return prerelease(b, strings.ToLower(build)), nil
}

// Pub is the order of Dart's package manager, where build metadata counts.
func Pub(b []byte, s string) ([]byte, error) {
	b, build, err := dotted(b, s, 3)
	if err != nil {
		return nil, err
	}
	_, metadata, _ := strings.Cut(build, "+")
	return text(prerelease(b, build), metadata), nil
}

// dotted appends exactly n numbers; what follows them is the rest.
func dotted(b []byte, s string, n int) (_ []byte, rest string, err error) {
	if err := printable(s); err != nil {
		return nil, "", err
	}
	s = strings.TrimPrefix(s, "v")
	var extra strings.Builder
	count := 0
	for s != "" {
		var part string
		if part, s = run(s, digit); part != "" {
			if count++; count <= n {
				b = number(b, part)
			} else {
				extra.WriteByte('.')
				extra.WriteString(part)
			}
		}
		if s == "" || s[0] != '.' {
			break
		}
		s = s[1:]
	}
	for ; count < n; count++ {
		b = number(b, "")
	}
	return b, s + extra.String(), nil
}

func prerelease(b []byte, s string) []byte {
	const end, numeric, name, none = 0x01, 0x10, 0x11, 0xff
	s, _, _ = strings.Cut(s, "+")
	s = strings.TrimPrefix(s, "-")
	if s == "" {
		return append(b, none)
	}
	for part := range strings.SplitSeq(s, ".") {
		if digits(part) {
			b = number(append(b, numeric), part)
		} else {
			b = text(append(b, name), part)
		}
	}
	return append(b, end)
}

// Numbers is the order of CRAN and Hackage: numbers between dots or dashes, of two that begin alike the longer one later.
func Numbers(b []byte, s string) ([]byte, error) {
	const end = 0x01
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.ReplaceAll(s, "-", "."), "v"), ".") {
		if !digits(part) {
			return nil, invalid("numbers only", s)
		}
		b = number(b, part)
	}
	return append(b, end), nil
}
