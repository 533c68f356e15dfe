package secretref

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// Options say what a Resolver reads, and for whom.
type Options struct {
	// Env is the value of a variable of this program's environment, or "".
	Env func(name string) string
	// Allowed are the references that are read for anybody. References of the operator are not held against it.
	Allowed Allowed
	// ServiceAccount is the directory with the identity of this pod; "" is where Kubernetes puts it.
	ServiceAccount string
}

// A Resolver gets what references refer to. It keeps nothing.
type Resolver struct{ o Options }

// New makes a Resolver.
func New(o Options) *Resolver {
	if o.ServiceAccount == "" {
		o.ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"
	}
	return &Resolver{o}
}

// maxSecret bounds a value.
const maxSecret = 64 << 10

// Resolve returns what a reference refers to now, without line ends around it. trusted says that the operator of this program
// wrote the reference, in a file of the program's or on its command line; anything that came in over the API is not trusted,
// and only read if it is allowed. It fails with fault.Forbidden for what is not allowed, fault.Unavailable for what may be
// there the next time, and fault.Unauthenticated for everything else.
func (r *Resolver) Resolve(ctx context.Context, ref Reference, trusted bool) (secret.Text, error) {
	within := ""
	if !trusted {
		pattern, ok := r.o.Allowed.match(ref)
		if !ok {
			return secret.Text{}, fault.New(fault.Forbidden, "read "+ref.String(), "this server does not let integrations use it").
				WithFix("Whoever runs the server can allow it with --allow-references '%s', or LANDWAITER_ALLOW_REFERENCES; patterns with * can be used.", ref)
		}
		within = pattern.directory()
	}
	var raw string
	var err error
	switch ref.scheme {
	case envScheme:
		if raw = r.o.Env(ref.name); raw == "" {
			err = missing("the variable is not set, or is empty").WithFix("Set it in the environment of the program and start that again.")
		}
	case fileScheme:
		raw, err = readFile(ref.name, within)
	case kubernetesScheme:
		raw, err = r.readKubernetes(ctx, ref.name)
	default:
		err = missing("it is no reference")
	}
	if err == nil {
		raw = strings.Trim(raw, "\r\n")
		err = check(raw)
	}
	if err != nil {
		return secret.Text{}, fault.Wrap(fault.CodeOf(err), "read "+ref.String(), "", err)
	}
	return secret.New(raw), nil
}

// missing says that there is no secret where one should be.
func missing(format string, args ...any) *fault.Error {
	return fault.New(fault.Unauthenticated, "", format, args...)
}

// check refuses what cannot be a secret that a person or a registry made.
func check(raw string) error {
	binary := func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\r' && c != '\t' }
	switch {
	case len(raw) > maxSecret:
		return missing("it holds more than %d KiB", maxSecret>>10).WithFix("Refer to something that holds the secret and nothing else.")
	case strings.TrimSpace(raw) == "":
		return missing("it is empty").WithFix("Put the secret there; it is read again when it changes.")
	case !utf8.ValidString(raw) || strings.ContainsFunc(raw, binary):
		return missing("it holds binary data").WithFix("Refer to something that holds the secret as text, not encoded or compressed.")
	}
	return nil
}
