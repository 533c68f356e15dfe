package distribution

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Ping proves that the endpoint is a registry and, if there is a credential, that it was accepted where the registry lets
// that be told: GET /v2/, the challenge, and a new token for it. If the endpoint has a path and no registry is below it, the
// root is asked, since the path may be that of repositories. An anonymous source passes where a registry wants a token, gives
// one to anybody, and does not let it see /v2/: single repositories may still be open.
func (c *Client) Ping(ctx context.Context, src Source) error {
	const op = "ping"
	s, err := c.session(src, "")
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), op, src.Endpoint.String(), err)
	}
	s.fresh = true
	err = s.ping(ctx)
	if s.endpoint.Path != "" && isNoRegistry(err) {
		root := *s
		root.endpoint.Path = ""
		if other := root.ping(ctx); !isNoRegistry(other) {
			s, err = &root, other
		}
	}
	if err != nil {
		return s.problem(op, s.endpoint.String(), err)
	}
	return nil
}

func (s *session) ping(ctx context.Context) error {
	a, err := s.do(ctx, request{kind: KindPing, method: http.MethodGet, url: s.endpoint.url(""), limit: maxErrorBody})
	var e *Error
	switch {
	case err == nil && !looksLikeRegistry(a):
		return s.noRegistry("the answer is not that of a registry", nil)
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return err
	case e.kind == KindPing && e.Status == http.StatusUnauthorized && e.signedIn && s.anonymous():
		return nil
	case e.kind == KindPing && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed || (e.html && !e.Temporary)):
		return s.noRegistry("", err)
	case errors.Is(err, errTooLong):
		return s.noRegistry("the answer is not that of a registry", nil)
	}
	return err
}

// looksLikeRegistry accepts the header of the Docker registry API, and the empty or JSON answers of servers without it.
func looksLikeRegistry(a *answer) bool {
	if strings.HasPrefix(strings.ToLower(a.header.Get("Docker-Distribution-Api-Version")), "registry/2") {
		return true
	}
	text := strings.TrimSpace(string(a.body))
	return !looksLikePage(a) && (text == "" || text == "{}" || text == "true" || text == `""` || strings.Contains(mediaType(a), "json"))
}

// noRegistryError is a server that answers, but not as a registry does.
type noRegistryError struct{ cause error }

func (e *noRegistryError) Error() string { return e.cause.Error() }
func (e *noRegistryError) Unwrap() error { return e.cause }

func (s *session) noRegistry(what string, cause error) error {
	f := fault.New(fault.Invalid, "", "%s", what).WithFix("%s", s.notARegistry())
	f.Err = cause
	return &noRegistryError{f}
}

func isNoRegistry(err error) bool { return errors.As(err, new(*noRegistryError)) }
