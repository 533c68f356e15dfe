// Package secretref holds references to secrets that are kept elsewhere: in a variable of this program's environment, in a
// file, or in a Secret of the Kubernetes cluster that it runs in. It reads how they are written, says which of them may be
// used by whom, and gets what they refer to.
package secretref

import (
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// The schemes of references, and the prefix of what is a value whatever it looks like.
const (
	envScheme        = "env:"
	fileScheme       = "file:"
	kubernetesScheme = "kubernetes:"
	valueScheme      = "value:"
)

// A Reference says where a secret is kept. It is no secret itself. References can be compared; the zero value is none.
type Reference struct{ scheme, name string }

// IsSet reports whether there is a reference.
func (r Reference) IsSet() bool { return r.scheme != "" }

// String is the reference as it is written: "env:NAME", "file:/absolute/path" or "kubernetes:NAMESPACE/NAME/KEY".
func (r Reference) String() string { return r.scheme + r.name }

// Parse reads a secret setting as it is written: a reference, or else a value. A value that looks like a reference is written
// with "value:" before it. The error is fault.Invalid, and does not repeat what may be a secret.
func Parse(written secret.Text) (Reference, secret.Text, error) {
	text := written.Reveal()
	scheme, name := cut(text)
	switch scheme {
	case "":
		return Reference{}, written, nil
	case valueScheme:
		return Reference{}, secret.New(name), nil
	}
	ref := Reference{scheme, name}
	if problem := ref.problem(); problem != "" {
		return Reference{}, secret.Text{}, fault.New(fault.Invalid, "", "is not a reference to a secret: %s", problem).
			WithFix("Write env:NAME, file:/absolute/path or kubernetes:NAMESPACE/NAME/KEY. If the secret itself begins with %s, put value: before it.", scheme)
	}
	return ref, secret.Text{}, nil
}

// Literal writes a value so that Parse takes it for one.
func Literal(plain secret.Text) secret.Text {
	if scheme, _ := cut(plain.Reveal()); scheme == "" {
		return plain
	}
	return secret.New(valueScheme + plain.Reveal())
}

func cut(text string) (scheme, name string) {
	for _, scheme := range []string{envScheme, fileScheme, kubernetesScheme, valueScheme} {
		if name, ok := strings.CutPrefix(text, scheme); ok {
			return scheme, name
		}
	}
	return "", text
}

// maxPath is the longest path of the file systems there are.
const maxPath = 4096

var (
	variablePattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	namePattern      = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	keyPattern       = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)
)

// ownVariables begin the names of Landwaiter's own, such as the key that seals what is stored.
const ownVariables = "LANDWAITER_"

// problem does not repeat the name.
func (r Reference) problem() string {
	switch r.scheme {
	case envScheme:
		if !variablePattern.MatchString(r.name) {
			return "env: is followed by the name of a variable"
		}
		if strings.HasPrefix(strings.ToUpper(r.name), ownVariables) {
			return "the variables of Landwaiter itself are for no registry"
		}
	case fileScheme:
		if len(r.name) > maxPath || !path.IsAbs(r.name) || path.Clean(r.name) != r.name || r.name == "/" {
			return "file: is followed by an absolute path without . and .."
		}
		if !utf8.ValidString(r.name) || strings.ContainsFunc(r.name, unicode.IsControl) {
			return "the path after file: has characters that cannot be shown"
		}
	case kubernetesScheme:
		parts := strings.Split(r.name, "/")
		if len(parts) != 3 || !namespacePattern.MatchString(parts[0]) || !namePattern.MatchString(parts[1]) || !keyPattern.MatchString(parts[2]) {
			return "kubernetes: is followed by the namespace and the name of a Secret, and a key in it"
		}
	}
	return ""
}
