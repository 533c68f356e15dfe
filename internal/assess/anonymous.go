package assess

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// anonymousRegistry is a host that no integration serves, asked without credentials.
type anonymousRegistry struct{ endpoint distribution.Endpoint }

func (r anonymousRegistry) Serves(ref image.Reference) bool { return ref.Registry == r.endpoint.Host }

func (r anonymousRegistry) Endpoint(image.Reference) distribution.Endpoint { return r.endpoint }

func (r anonymousRegistry) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return distribution.Credential{}, nil
}

// anonymousCandidates serve a host that no integration serves. As with Docker, a registry on loopback may speak plain
// HTTP; no other may.
func anonymousCandidates(ref image.Reference) []integration.Candidate {
	candidate := func(scheme, reason string) integration.Candidate {
		return integration.Candidate{
			Integration: integration.Integration{Name: "no integration (anonymous, " + scheme + ")", Type: "docker"},
			Registry:    anonymousRegistry{distribution.Endpoint{Scheme: scheme, Host: ref.Registry}},
			Reasons:     []string{"no integration serves " + ref.Registry, reason},
		}
	}
	list := []integration.Candidate{candidate("https", "tried without credentials")}
	if onLoopback(ref.Registry) {
		list = append(list, candidate("http", "plain HTTP, because the host is this machine"))
	}
	return list
}

func onLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
