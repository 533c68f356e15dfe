package image

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	dockerref "github.com/distribution/reference"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// maxReference is longer than any reference that keeps to the limits of its parts: a host of 253 bytes with a port, a
// repository of 255, a tag of 128 and a sha512 digest.
const maxReference = 1024

// DockerHub is the registry that references without a host mean.
const DockerHub = "docker.io"

// A Reference names an image as Docker does.
type Reference struct {
	Registry   string // canonical host[:port], lower case; "docker.io" for Docker Hub
	Repository string // e.g. "library/nginx"
	Tag        string // "" when only a digest was given
	Digest     Digest // "" when only a tag was given
}

// ParseReference follows Docker's rules: "nginx" is docker.io/library/nginx:latest; a tag beside a digest is kept; a
// digest alone gets no tag. Unlike Docker it knows registry-1.docker.io as Docker Hub too, and takes "MyOrg/app" for a
// repository name with a mistake, not for a host. Errors are fault.Invalid.
func ParseReference(s string) (Reference, error) {
	if err := checkReferenceText(s); err != nil {
		return Reference{}, err
	}
	name, digestText, hasDigest := strings.Cut(s, "@")
	var ref Reference
	if hasDigest {
		d, err := ParseDigest(digestText)
		if err != nil {
			return Reference{}, fault.Wrap(fault.Invalid, "parse image reference", shown(s), err)
		}
		ref.Digest = d
	}
	host, rest := splitHost(name)
	if repository, _ := splitTag(rest); repository != strings.ToLower(repository) {
		return Reference{}, referenceError("%s: repository names must be lower case", shown(s)).
			WithFix("Write %s.", shown(s[:len(name)-len(rest)]+strings.ToLower(repository)+s[len(name)-len(rest)+len(repository):]))
	}
	full := rest
	if host != "" {
		canonical, err := canonicalHost(host)
		if err != nil {
			return Reference{}, err
		}
		full = canonical + "/" + rest
	}
	named, err := dockerref.ParseNormalizedNamed(full)
	if err != nil {
		return Reference{}, explain(s, rest, err)
	}
	if dockerref.Domain(named) == "" {
		return Reference{}, referenceError("%s: %s is not a host name", shown(s), shown(host)).
			WithFix("A first part with a dot or a colon is the registry's host; host names have letters, digits, '-' and '.'.")
	}
	ref.Registry, ref.Repository = dockerref.Domain(named), dockerref.Path(named)
	if tagged, ok := named.(dockerref.Tagged); ok {
		ref.Tag = tagged.Tag()
	} else if !hasDigest {
		ref.Tag = "latest"
	}
	return ref, nil
}

func referenceError(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "parse image reference", format, args...)
}

func checkReferenceText(s string) error {
	const usage = "Write it as NAME, REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST."
	switch {
	case s == "":
		return referenceError("the reference is empty").WithFix(usage)
	case len(s) > maxReference:
		return referenceError("%s is %d bytes long; a reference has at most %d", shown(s), len(s), maxReference)
	}
	for _, c := range s {
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			return referenceError("%s contains white space", shown(s)).WithFix("Remove the spaces and line breaks.")
		case c < ' ' || c == 0x7f:
			return referenceError("%s contains a control character", shown(s))
		case c >= utf8.RuneSelf:
			return referenceError("%s contains a character that is not ASCII", shown(s))
		}
	}
	scheme, rest, hasScheme := strings.Cut(s, "://")
	if i := strings.LastIndexByte(s, '@'); i >= 0 && (hasScheme || strings.Contains(s[i:], "/")) {
		if _, err := ParseDigest(s[i+1:]); err != nil {
			// The text is not repeated: it may hold a password.
			return referenceError("the reference has a user name before the registry").
				WithFix("Leave out everything before and including the '@'. Credentials belong in the registry's integration.")
		}
	}
	if hasScheme {
		return referenceError("%s begins with a scheme", shown(s)).
			WithFix("Leave %s:// out and write %s. Whether a registry is reached by http or https is a setting of its integration.", scheme, shown(rest))
	}
	if _, err := ParseDigest(s); err == nil {
		return referenceError("%s is a digest without a repository", shown(s)).WithFix("Write REGISTRY/NAME@%s.", s)
	}
	return nil
}

// splitHost takes the first part for a host if it has a dot or a colon or is "localhost".
func splitHost(name string) (host, rest string) {
	first, rest, found := strings.Cut(name, "/")
	if found && (strings.ContainsAny(first, ".:") || strings.EqualFold(first, "localhost")) {
		return first, rest
	}
	return "", name
}

func splitTag(rest string) (repository, tag string) {
	repository, tag, _ = strings.Cut(rest, ":")
	return repository, tag
}

// canonicalHost lower-cases a host, shortens its port and IPv6 address, and gives Docker Hub its one name.
func canonicalHost(host string) (string, error) {
	host = strings.ToLower(host)
	bare, port := host, ""
	if strings.HasPrefix(host, "[") {
		inner, after, closed := strings.Cut(host[1:], "]")
		addr, err := netip.ParseAddr(inner)
		if !closed || err != nil || !addr.Is6() || addr.Zone() != "" || strings.Contains(inner, ".") {
			return "", referenceError("%s is not an IPv6 address in brackets", shown(host)).WithFix("Write the host as [2001:db8::1] or [2001:db8::1]:5000.")
		}
		if canonical := addr.String(); !strings.Contains(canonical, ".") {
			inner = canonical
		}
		if after != "" && !strings.HasPrefix(after, ":") {
			return "", referenceError("%s has text between the address and the port", shown(host))
		}
		bare, port = "["+inner+"]", strings.TrimPrefix(after, ":")
		if after == ":" {
			port = ":"
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		if strings.Count(host, ":") > 1 {
			return "", referenceError("%s is not a host and port", shown(host)).WithFix("Put an IPv6 address in brackets: [::1]:5000.")
		}
		bare, port = host[:i], host[i+1:]
		if port == "" {
			port = ":"
		}
	}
	if len(bare) > 255 {
		return "", referenceError("the host %s is too long", shown(bare))
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", referenceError("%s has no valid port", shown(host)).WithFix("Write a port between 1 and 65535, or none.")
		}
		port = ":" + strconv.FormatUint(n, 10)
	}
	switch bare {
	case DockerHub, "index.docker.io", "registry-1.docker.io":
		if port == "" || port == ":443" {
			return DockerHub, nil
		}
	}
	return bare + port, nil
}

// explain turns the parser's error into one that says which part is wrong.
func explain(s, rest string, err error) error {
	repository, tag := splitTag(rest)
	switch {
	case errors.Is(err, dockerref.ErrNameTooLong) || len(repository) > dockerref.RepositoryNameTotalLengthMax:
		return referenceError("%s: the repository name is longer than %d characters", shown(s), dockerref.RepositoryNameTotalLengthMax)
	case repository == "":
		return referenceError("%s names no repository", shown(s)).WithFix("Write a repository after the registry: REGISTRY/NAME:TAG.")
	case strings.Contains(rest, ":") && !validTag(tag):
		return referenceError("%s: %s is not a valid tag", shown(s), shown(tag)).
			WithFix("A tag has letters, digits, '_', '.' and '-', does not begin with '.' or '-', and is at most 128 long.")
	case len(s) == 64 && isHex(s):
		return referenceError("%s is an image ID, not a name", shown(s)).WithFix("Write REGISTRY/NAME@sha256:%s.", s)
	}
	return referenceError("%s is not an image reference", shown(s)).
		WithFix("A repository name has lower-case letters and digits, with single '.', '_', '__' or '-' between them, and '/' between its parts.")
}

func validTag(tag string) bool {
	match := dockerref.TagRegexp.FindString(tag)
	return tag != "" && match == tag
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// shown quotes s for an error, shortened.
func shown(s string) string {
	const limit = 120
	if len(s) > limit {
		return strconv.Quote(strings.ToValidUTF8(s[:limit], "")) + "..."
	}
	return strconv.Quote(s)
}

// String is registry/repository[:tag][@digest]. ParseReference reads it back.
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// Name is registry/repository.
func (r Reference) Name() string { return r.Registry + "/" + r.Repository }

// OnLoopback reports whether host[:port] is this machine, by its name or address.
func OnLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// Identifier is the digest if there is one, else the tag.
func (r Reference) Identifier() string {
	if r.Digest != "" {
		return string(r.Digest)
	}
	return r.Tag
}

func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r *Reference) UnmarshalText(text []byte) error {
	parsed, err := ParseReference(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
