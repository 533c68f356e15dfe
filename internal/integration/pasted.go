package integration

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// maxPasted is longer than any image reference or endpoint.
const maxPasted = 2048

var (
	pastedScheme = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]{0,30})://`)
	// apiPath is the path of a request to a registry's API, as error messages show it.
	apiPath = regexp.MustCompile(`^v2/(.+)/(manifests|blobs|tags)/([^/]+)$`)
)

// A pasted text is a registry, and an image of it if the text names one.
type pasted struct {
	endpoint distribution.Endpoint
	ref      image.Reference // its repository is empty for a host alone
	hadUser  bool            // the text held a user name or a password, which is dropped
}

func pastedError(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "read image or host", format, args...).
		WithFix("Give an image such as registry.example.com/team/app:1.2, or the host of a registry such as registry.example.com:5000.")
}

// readPasted takes an image reference, a host, an address of a registry's API, or a key of a pull secret. What could hold a
// password is in no error.
func readPasted(text string) (pasted, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return pasted{}, pastedError("it is empty")
	case len(text) > maxPasted:
		return pasted{}, pastedError("it is longer than %d characters", maxPasted)
	}
	for _, c := range text {
		switch {
		case c <= ' ' || c == 0x7f:
			return pasted{}, pastedError("there is white space or a control character in it")
		case c >= utf8.RuneSelf:
			return pasted{}, pastedError("there is a character in it that is not ASCII, and may look like one that is").
				WithFix("Type the host instead of pasting it; write other alphabets in their ASCII form (xn--...).")
		}
	}
	scheme, rest := "", text
	if m := pastedScheme.FindStringSubmatch(text); m != nil {
		scheme, rest = strings.ToLower(m[1]), text[len(m[0]):]
	}
	var p pasted
	digest := ""
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		if _, err := image.ParseDigest(rest[i+1:]); err == nil {
			rest, digest = rest[:i], rest[i:]
		} else if strings.HasPrefix(rest[i+1:], "sha256:") || strings.HasPrefix(rest[i+1:], "sha512:") {
			return pasted{}, pastedError("what follows the '@' is not a whole digest").
				WithFix("A digest is sha256: and 64 hexadecimal digits.")
		}
	}
	if end := strings.IndexAny(rest, "/?#"); strings.Contains(rest, "@") {
		if end < 0 {
			end = len(rest)
		}
		i := strings.LastIndexByte(rest[:end], '@')
		if i < 0 || strings.Contains(rest[end:], "@") {
			return pasted{}, pastedError("there is an '@' in it that does not stand before a digest").
				WithFix("Leave user name and password out: they have fields of their own.")
		}
		rest, p.hadUser = rest[i+1:], true
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	authority, path, slash := strings.Cut(rest, "/")
	if addr, err := netip.ParseAddr(authority); err == nil && addr.Is6() {
		authority = "[" + authority + "]"
	}
	path = strings.Trim(path, "/")
	named := strings.HasPrefix(scheme, "http") || p.hadUser || isHost(authority, path, slash, digest != "")
	if !named {
		authority, path = image.DockerHub, strings.TrimPrefix(rest, "/")
	}
	if err := p.at(scheme, authority); err != nil {
		return pasted{}, err
	}
	if m := apiPath.FindStringSubmatch(path); m != nil && digest == "" {
		path = m[1]
		if _, err := image.ParseDigest(m[3]); m[2] == "manifests" && err == nil {
			digest = "@" + m[3]
		} else if m[2] == "manifests" {
			path += ":" + m[3]
		}
	}
	if (path == "" || path == "v1" || path == "v2") && digest == "" {
		p.ref.Registry = p.endpoint.RegistryHost()
		return p, nil
	}
	name := path
	if named {
		name = p.endpoint.RegistryHost() + "/" + path
	}
	ref, err := image.ParseReference(name + digest)
	switch {
	case err == nil:
		p.ref = ref
	case scheme != "" && digest == "": // the address of some page
		p.ref.Registry = p.endpoint.RegistryHost()
	case strings.ContainsAny(text, "@%"):
		return pasted{}, pastedError("it names no image")
	default:
		return pasted{}, err
	}
	return p, nil
}

// isHost reports whether a text without a scheme begins with a host, by Docker's rules where there is a path. Without one
// these would always see an image: "registry.example.com" is a host all the same, "nginx:1.27" is not.
func isHost(authority, path string, slash, digest bool) bool {
	name, port, hasPort := strings.Cut(authority, ":")
	switch {
	case strings.HasPrefix(authority, "[") || strings.EqualFold(name, "localhost"):
		return true
	case slash && path == "":
		return true
	case slash:
		return strings.ContainsAny(authority, ".:")
	case digest || !strings.ContainsAny(name, ".*"):
		return false
	}
	return !hasPort || strings.Trim(port, "0123456789") == ""
}

// at sets the endpoint.
func (p *pasted) at(scheme, authority string) error {
	switch scheme {
	case "http", "https":
	case "", "docker", "oci", "docker-pullable":
		scheme = "https"
	default:
		return pastedError("%q is not a registry's scheme", scheme).
			WithFix("Begin with https:// or http://, or leave the scheme out.")
	}
	if strings.Contains(authority, "*") {
		return pastedError("the host has a '*' in it").WithFix("Write one host in full: an integration is for one registry.")
	}
	endpoint, err := distribution.ParseEndpoint(scheme+"://"+authority, false)
	if err != nil {
		return pastedError("it does not begin with a host name and, where there is a ':', a port").
			WithFix("A host name has letters, digits, '-' and '.', as in registry.example.com:5000; an IPv6 address stands in brackets.")
	}
	if problem := endpointProblem(endpoint.String()); problem.Message != "" {
		return pastedError("%s", problem.Message)
	}
	p.endpoint = endpoint
	return nil
}
