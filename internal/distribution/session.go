package distribution

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A session is one public operation on one source.
type session struct {
	c          *Client
	credential func(context.Context) (Credential, error)
	endpoint   Endpoint
	home       origin
	trust      trust
	asked      *Credential // nil until the registry wanted one
	used       []string    // every secret that was sent or could be
	asking     string      // the path of the request that goes on
	fresh      bool        // uses neither kept tokens nor remembered challenges, since it is a test of the credential
}

var repositoryPattern = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

func (c *Client) session(src Source, repository string) (*session, error) {
	endpoint, err := src.Endpoint.dialled()
	if err != nil {
		return nil, err
	}
	if repository != "" && !repositoryPattern.MatchString(repository) {
		return nil, fault.New(fault.Invalid, "", "%q is not a repository name", clean(repository, 200))
	}
	return &session{
		c: c, credential: src.Credential, endpoint: endpoint, home: originOf(endpoint.url("")),
		trust: endpoint.trust(), used: endpoint.Proxy.secrets(),
	}, nil
}

// secrets are those that nothing shown may hold. What can be read in the request's own address is none: hiding it there would
// tell everybody what it is.
func (s *session) secrets() []string { return hidden(s.used, s.endpoint.String()+s.asking) }

func hidden(used []string, public string) []string {
	public = strings.ToLower(public)
	var list []string
	for _, text := range used {
		if len(text) >= 3 && !strings.Contains(public, strings.ToLower(text)) {
			list = append(list, text)
		}
	}
	return list
}

// cred asks the source for its credential once.
func (s *session) cred(ctx context.Context) (Credential, error) {
	if s.asked == nil {
		var cred Credential
		if s.credential != nil {
			var err error
			if cred, err = s.credential(ctx); err != nil {
				return Credential{}, fault.Wrap(fault.CodeOf(err), "get credential", "", err)
			}
		}
		s.asked = &cred
		s.used = append(s.used, cred.secrets()...)
	}
	return *s.asked, nil
}

// askAgain asks the source once more, after a credential was refused.
func (s *session) askAgain(ctx context.Context) (changed bool, err error) {
	before := *s.asked
	s.asked = nil
	cred, err := s.cred(context.WithValue(ctx, refusedKey{}, before))
	return !cred.Same(before), err
}

func (s *session) anonymous() bool { return s.asked == nil || s.asked.Anonymous() }

// signIn is how the requests of one do are signed in.
type signIn struct {
	how       challenge // its scope is the one that was used
	header    secret.Text
	key       tokenKey // of the token in the cache
	brandNew  bool     // the header was made for this do, so that making it again would give the same
	refreshed bool
}

// do sends a request, signs it in as the registry wants, and tries again where that helps. Any answer but 2xx is an *Error.
func (s *session) do(ctx context.Context, r request) (*answer, error) {
	s.asking = r.url.Path
	var in signIn
	for attempt := 1; ; attempt++ {
		a, err := s.try(ctx, r, &in)
		if err == nil {
			return a, nil
		}
		wait, again := s.c.pause(ctx, err, attempt)
		if !again || r.upload != nil { // an upload begins anew, not in its middle
			return nil, err
		}
		if err := s.c.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func (s *session) try(ctx context.Context, r request, in *signIn) (*answer, error) {
	if !in.header.IsSet() && !s.fresh {
		if how, ok := s.remembered(r); ok {
			if err := s.signIn(ctx, in, how); err != nil {
				s.forget(r)
				return nil, err
			}
		}
	}
	if !in.header.IsSet() && s.endpoint.SignInFirst {
		if err := s.signInFirst(ctx, r, in); err != nil {
			return nil, err
		}
	}
	for {
		r.secrets = s.secrets()
		a, err := s.c.follow(ctx, s.endpoint, r, in.header)
		switch {
		case err != nil:
			return nil, err
		case a.status/100 == 2:
			return a, nil
		case a.status != http.StatusUnauthorized || originOf(a.url) != s.home:
			return nil, s.c.answerError(r, a, in.header)
		}
		how, ok, offered := chooseChallenge(a.header.Values("WWW-Authenticate"))
		if !ok {
			e := s.c.answerError(r, a, in.header)
			if offered != "" {
				e.Message = firstOf(e.Message, "the registry wants to be signed in to by "+mask(offered, r.secrets)+", which is not supported")
			}
			return nil, e
		}
		how.scope, how.inside = s.scope(r, how), a.inside
		s.remember(r, how)
		if in.header.IsSet() {
			useful, err := s.refresh(ctx, in, how)
			if err != nil {
				return nil, err
			}
			if !useful {
				return nil, s.c.answerError(r, a, in.header)
			}
		}
		if err := s.signIn(ctx, in, how); err != nil {
			return nil, err
		}
		if !in.header.IsSet() {
			return nil, s.c.answerError(r, a, in.header)
		}
	}
}

// refresh drops what was refused. It reports whether signing in again can make a difference: when the credential or what
// the registry wants has changed, or a kept token was used.
func (s *session) refresh(ctx context.Context, in *signIn, how challenge) (useful bool, err error) {
	if in.refreshed {
		return false, nil
	}
	in.refreshed = true
	s.c.tokens.drop(in.key, func(t token) bool { return in.header.Equal(t.header) })
	changed, err := s.askAgain(ctx)
	if err != nil || (!changed && in.brandNew && how.same(in.how)) {
		return false, err
	}
	in.header = secret.Text{}
	return true, nil
}

// signIn makes the Authorization header that answers a challenge. It stays empty when there is nothing to answer with.
func (s *session) signIn(ctx context.Context, in *signIn, how challenge) error {
	for {
		cred, err := s.cred(ctx)
		if err != nil {
			return err
		}
		in.how, in.brandNew = how, true
		switch {
		case cred.RegistryToken.IsSet():
			in.header = secret.New("Bearer " + cred.RegistryToken.Reveal())
		case how.scheme == "basic" && cred.IdentityToken.IsSet() && !cred.Password.IsSet():
			return fault.New(fault.Invalid, "sign in", "the registry wants a user name and a password, but the credential is an identity token").
				WithFix("Give this integration a user name and a password.")
		case how.scheme == "basic":
			in.header = secret.New(cred.basic())
		default:
			in.key = s.tokenKey(how, cred)
			if t, ok := s.keptToken(in.key); ok {
				s.used = append(s.used, t.bare())
				in.header, in.brandNew = t.header, false
				return nil
			}
			t, err := s.newToken(ctx, in.key, how, cred)
			if err != nil {
				var e *Error
				if errors.As(err, &e) && e.Status/100 == 4 && !e.again && !in.refreshed {
					in.refreshed = true
					if changed, err := s.askAgain(ctx); err != nil {
						return err
					} else if changed {
						continue
					}
				}
				return err
			}
			s.used = append(s.used, t.bare())
			in.header = t.header
		}
		return nil
	}
}

// signInFirst signs in to a server that did not ask for it.
func (s *session) signInFirst(ctx context.Context, r request, in *signIn) error {
	if cred, err := s.cred(ctx); err != nil || cred.Anonymous() {
		return err
	}
	how := s.endpoint.ownTokens()
	how.scope = s.scope(r, how)
	err := s.signIn(ctx, in, how)
	var e *Error
	if !errors.As(err, &e) || e.Status == 0 || e.Temporary || e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		return err
	}
	*in, how = signIn{}, challenge{scheme: "basic"}
	s.remember(r, how)
	return s.signIn(ctx, in, how)
}

// A place is where a challenge is remembered: by endpoint, so that a warm client signs in at once, and by repository, since
// some servers name another token service or scope for each. What an unverified host said counts for nobody who verifies.
type place struct {
	trust                trust
	endpoint, repository string
	list, push           bool
}

func (s *session) places(r request) (repository, endpoint place) {
	endpoint = place{trust: s.trust, endpoint: s.endpoint.String()}
	repository = endpoint
	repository.repository, repository.list, repository.push = r.repository, r.list, r.push
	return repository, endpoint
}

// remember leaves out a challenge that repeats a secret: sources with other credentials would show it.
func (s *session) remember(r request, how challenge) {
	text := how.service + " " + how.scope
	if how.realm != nil {
		text += " " + how.realm.String()
	}
	if s.fresh || mask(text, s.secrets()) != text {
		return
	}
	repository, endpoint := s.places(r)
	s.c.challenges.put(repository, how)
	s.c.challenges.put(endpoint, how)
}

func (s *session) forget(r request) {
	whatever := func(challenge) bool { return true }
	repository, endpoint := s.places(r)
	s.c.challenges.drop(repository, whatever)
	s.c.challenges.drop(endpoint, whatever)
}

func (s *session) remembered(r request) (challenge, bool) {
	repository, endpoint := s.places(r)
	if how, ok := s.c.challenges.get(repository); ok {
		return how, true
	}
	how, ok := s.c.challenges.get(endpoint)
	if strings.HasPrefix(how.scope, "repository:") { // of the repository that it was learnt from
		how.scope = ""
	}
	how.scope = s.scope(r, how)
	return how, ok
}

// scope is what a token is asked for: what the registry says, else to pull from the repository, else nothing.
func (s *session) scope(r request, how challenge) string {
	pull := "repository:" + r.repository + ":pull"
	switch {
	case r.repository == "":
		return ""
	case r.push && (how.scope == "" || how.scope == pull): // whether a blob is there is asked first
		return pull + ",push"
	case how.scope != "":
		return how.scope
	}
	return pull
}
