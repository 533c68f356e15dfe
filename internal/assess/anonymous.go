package assess

import (
	"context"
	"errors"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// anonymousRegistry is a host that no integration serves, asked without credentials.
type anonymousRegistry struct{ endpoint distribution.Endpoint }

func (r anonymousRegistry) Serves(ref image.Reference) bool { return ref.Registry == r.endpoint.Host }

func (anonymousRegistry) Anonymous() bool { return true }

func (r anonymousRegistry) Endpoint(image.Reference) distribution.Endpoint { return r.endpoint }

func (r anonymousRegistry) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return distribution.Credential{}, nil
}

func anonymous(scheme, host, reason string) integration.Candidate {
	return integration.Candidate{
		Integration: integration.Integration{Name: "no integration (anonymous, " + scheme + ")", Type: "docker"},
		Registry:    anonymousRegistry{distribution.Endpoint{Scheme: scheme, Host: host}},
		Reasons:     []string{"no integration serves " + host, reason},
	}
}

// inPlain is the second way to a host that no integration serves. It is for hosts that gave no HTTP answer over TLS: what a
// registry answered stands.
func inPlain(tried integration.Candidate, err error) (again integration.Candidate, ok bool) {
	var answer *distribution.Error
	if !errors.As(err, &answer) || answer.Status != 0 || errors.As(err, new(*distribution.AddressError)) {
		return again, false
	}
	return plainly(tried)
}

// plainly is the same host without TLS. As with Docker, a registry on loopback may speak plain HTTP; no other may.
func plainly(tried integration.Candidate) (again integration.Candidate, ok bool) {
	r, ok := tried.Registry.(anonymousRegistry)
	if !ok || r.endpoint.Scheme != "https" || !image.OnLoopback(r.endpoint.Host) {
		return again, false
	}
	return anonymous("http", r.endpoint.Host, "plain HTTP, because the host is this machine"), true
}
