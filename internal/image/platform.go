package image

import (
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Platform is os/architecture[/variant], for Windows with the version of the system where it is known.
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
	OSVersion    string `json:"osVersion,omitempty"`
}

var knownArchitectures = map[string]bool{
	"386": true, "amd64": true, "arm": true, "arm64": true, "loong64": true, "mips": true, "mipsle": true, "mips64": true,
	"mips64le": true, "ppc64": true, "ppc64le": true, "riscv64": true, "s390x": true, "sparc64": true, "wasm": true,
}

// architectureAliases are other people's names; the variant is empty where the name does not tell.
var architectureAliases = map[string]struct{ architecture, variant string }{
	"x86_64": {"amd64", ""}, "x86-64": {"amd64", ""}, "x64": {"amd64", ""},
	"aarch64": {"arm64", ""}, "armv8": {"arm64", ""}, "armv8l": {"arm64", ""},
	"armhf": {"arm", "v7"}, "armv7": {"arm", "v7"}, "armv7l": {"arm", "v7"}, "armel": {"arm", "v6"}, "armv6": {"arm", "v6"},
	"armv6l": {"arm", "v6"}, "armv5": {"arm", "v5"}, "armv5l": {"arm", "v5"},
	"i386": {"386", ""}, "i686": {"386", ""}, "x86": {"386", ""},
	"loongarch64": {"loong64", ""}, "powerpc64le": {"ppc64le", ""}, "ppc64el": {"ppc64le", ""}, "mips64el": {"mips64le", ""},
}

// usualVariant is the variant that an architecture without one means.
var usualVariant = map[string]string{"arm64": "v8", "arm": "v7", "amd64": "v1"}

// AnyPlatform takes whatever there is, the first of an index.
var AnyPlatform = Platform{OS: "any", Architecture: "any"}

// ParsePlatform reads "linux/arm64/v8", "arm64" (which means linux/arm64), "windows(10.0.20348.2529)/amd64" and
// "windows/amd64:10.0.20348.2529"; "" gives the zero Platform. Errors are fault.Invalid.
func ParsePlatform(s string) (Platform, error) {
	if s == "" {
		return Platform{}, nil
	}
	invalid := func(reason string) error {
		return fault.New(fault.Invalid, "parse platform", "%s %s", shown(s), reason).
			WithFix("Write it as os/architecture or os/architecture/variant, for example linux/amd64 or linux/arm/v7.")
	}
	if len(s) > 255 {
		return Platform{}, invalid("is too long")
	}
	text, version := s, ""
	if before, after, found := strings.Cut(text, "("); found {
		inner, rest, closed := strings.Cut(after, ")")
		if !closed || (rest != "" && !strings.HasPrefix(rest, "/")) {
			return Platform{}, invalid("has an unfinished system version")
		}
		text, version = before+rest, inner
		if version == "" {
			return Platform{}, invalid("has an empty system version")
		}
	} else if before, after, found := strings.Cut(text, ":"); found {
		text, version = before, after
		if version == "" {
			return Platform{}, invalid("has an empty system version")
		}
	}
	if version != "" && !isPlatformWord(version) {
		return Platform{}, invalid("has a system version with characters that do not belong there")
	}
	parts := strings.Split(strings.ToLower(text), "/")
	if len(parts) > 3 {
		return Platform{}, invalid("has too many parts")
	}
	for _, part := range parts {
		if !isPlatformWord(part) {
			return Platform{}, invalid("has an empty part or characters that do not belong there")
		}
	}
	p := Platform{OSVersion: version}
	switch len(parts) {
	case 1:
		p.OS, p.Architecture = "linux", parts[0]
		if _, alias := architectureAliases[p.Architecture]; !alias && !knownArchitectures[p.Architecture] {
			return Platform{}, invalid("is no known architecture")
		}
	case 2:
		p.OS, p.Architecture = parts[0], parts[1]
	case 3:
		p.OS, p.Architecture, p.Variant = parts[0], parts[1], parts[2]
	}
	return p.canonical(), nil
}

func isPlatformWord(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// canonical resolves aliases and writes numeric variants as "v8".
func (p Platform) canonical() Platform {
	p.OS, p.Architecture, p.Variant = strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)
	if p.OS == "macos" {
		p.OS = "darwin"
	}
	if alias, ok := architectureAliases[p.Architecture]; ok {
		p.Architecture = alias.architecture
		if p.Variant == "" {
			p.Variant = alias.variant
		}
	}
	if _, err := strconv.Atoi(p.Variant); err == nil && usualVariant[p.Architecture] != "" {
		p.Variant = "v" + p.Variant
	}
	return p
}

// String is os/architecture[/variant], with the system version behind the system: "windows(10.0.20348.2529)/amd64".
// ParsePlatform reads it back.
func (p Platform) String() string {
	if p.IsZero() {
		return ""
	}
	s := p.OS
	if p.OSVersion != "" {
		s += "(" + p.OSVersion + ")"
	}
	s += "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// IsZero says whether p names no platform at all.
func (p Platform) IsZero() bool { return p == Platform{} }

// isUnknown is how build tools mark children that are no images.
func (p Platform) isUnknown() bool { return p.OS == "unknown" || p.Architecture == "unknown" }

// Accepts says whether an image for have runs where p is asked for, and how good a match it is: 0 is exact, more is
// worse. Without a variant p takes any, best none or the usual one; with a variant it takes an older one of the same
// architecture too, as container runtimes do. Without a system version p takes any; with one, only the same build or an
// image that does not say.
func (p Platform) Accepts(have Platform) (rank int, ok bool) {
	if p == AnyPlatform {
		return 0, true
	}
	want, have := p.canonical(), have.canonical()
	if want.OS != have.OS || want.Architecture != have.Architecture {
		return 0, false
	}
	variant, ok := rankVariant(want.Architecture, want.Variant, have.Variant)
	if !ok {
		return 0, false
	}
	version, ok := rankVersion(want.OSVersion, have.OSVersion)
	if !ok {
		return 0, false
	}
	return 4*variant + version, true
}

func rankVariant(architecture, want, have string) (int, bool) {
	if want == have {
		return 0, true
	}
	usual := usualVariant[architecture]
	if want == "" {
		if have == usual {
			return 1, true
		}
		return 2, true
	}
	if usual == "" {
		return 0, false
	}
	if have == "" {
		have = usual
	}
	if want == have {
		return 1, true
	}
	w, h := variantNumber(want), variantNumber(have)
	if w < 0 || h < 0 || h > w {
		return 0, false
	}
	return 1 + w - h, true
}

// variantNumber reads "v7" as 7; a variant that is no number is -1. Minor versions ("v8.1") count by their major one.
func variantNumber(variant string) int {
	major, _, _ := strings.Cut(strings.TrimPrefix(variant, "v"), ".")
	n, err := strconv.Atoi(major)
	if err != nil || n < 0 || n > 1000 {
		return -1
	}
	return n
}

func rankVersion(want, have string) (int, bool) {
	switch {
	case want == "" || want == have:
		return 0, true
	case have == "":
		return 2, true
	case windowsBuild(want) == windowsBuild(have):
		return 1, true
	}
	return 0, false
}

// windowsBuild is what must agree between a Windows host and image: 10.0.20348 of 10.0.20348.2529.
func windowsBuild(version string) string {
	parts := strings.SplitN(version, ".", 4)
	return strings.Join(parts[:min(3, len(parts))], ".")
}
