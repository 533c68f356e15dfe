package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	issuerLimit     = 10 * time.Second // for both documents together
	maxIssuerAnswer = 1 << 20
	maxKeys         = 100
	// keysFresh is how long a key counts that the issuer may have withdrawn.
	keysFresh = 15 * time.Minute
	// keysUsable is how long it counts while the issuer does not answer.
	keysUsable = 2 * time.Hour
	// askAgain keeps made-up tokens from having an issuer asked all the time.
	askAgain = 2 * time.Second
)

// issuers keeps the public keys of the trusted issuers.
type issuers struct {
	now       func() time.Time
	reach     func(issuer *url.URL) http.RoundTripper
	allowHTTP bool

	mu    sync.Mutex
	known map[string]*issuer
}

// An issuer is asked by one caller at a time.
type issuer struct {
	url     string
	turn    chan struct{}
	set     jose.JSONWebKeySet
	fetched time.Time // successfully
	asked   time.Time
	err     error // of the last time
}

// keys are those that may have signed a token that names the key kid; every one if it names none. Not to know any is no error.
func (i *issuers) keys(ctx context.Context, issuer, kid string) ([]jose.JSONWebKey, error) {
	from := i.of(issuer)
	select {
	case from.turn <- struct{}{}:
		defer func() { <-from.turn }()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, exchanging, "wait for "+issuer, ctx.Err())
	}
	now := i.now()
	age := now.Sub(from.fetched)
	if keys := from.of(kid); len(keys) > 0 && age < keysFresh {
		return keys, nil
	}
	if now.Sub(from.asked) >= askAgain {
		from.asked = now
		var set jose.JSONWebKeySet
		if set, from.err = i.fetch(ctx, issuer); from.err == nil {
			from.set, from.fetched, age = set, now, 0
		}
	}
	keys := from.of(kid)
	if len(keys) > 0 && age < keysUsable {
		return keys, nil
	}
	return nil, from.err
}

func (i *issuers) of(url string) *issuer {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		i.known = map[string]*issuer{}
	}
	if i.known[url] == nil {
		i.known[url] = &issuer{url: url, turn: make(chan struct{}, 1)}
	}
	return i.known[url]
}

func (i *issuer) of(kid string) []jose.JSONWebKey {
	if kid == "" {
		return i.set.Keys
	}
	return i.set.Key(kid)
}

func (i *issuers) fetch(ctx context.Context, issuer string) (set jose.JSONWebKeySet, err error) {
	ctx, cancel := context.WithTimeout(ctx, issuerLimit)
	defer cancel()
	home, err := url.Parse(issuer)
	if err != nil {
		return set, fault.Wrap(fault.Internal, exchanging, "issuer", err)
	}
	client := &http.Client{Transport: i.reach(home), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := i.get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
		return set, unreachable(issuer, err)
	}
	if about.Issuer != issuer {
		return set, unreachable(issuer, fmt.Errorf("it calls itself %q", clip(about.Issuer)))
	}
	if err := i.get(ctx, client, about.Keys, &set); err != nil {
		return set, unreachable(issuer, err)
	}
	if set.Keys = slices.DeleteFunc(set.Keys, func(k jose.JSONWebKey) bool { return !k.IsPublic() || k.Use == "enc" }); len(set.Keys) > maxKeys {
		return set, unreachable(issuer, fmt.Errorf("it has %d keys, more than %d", len(set.Keys), maxKeys))
	}
	return set, nil
}

func (i *issuers) get(ctx context.Context, client *http.Client, from string, into any) error {
	u, err := url.Parse(from)
	if err != nil || !mayReach(u, i.allowHTTP) {
		return fmt.Errorf("it names %q, which is no https:// URL", clip(from))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d %s", clip(from), resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxIssuerAnswer+1))
	if err != nil {
		return err
	}
	if len(body) > maxIssuerAnswer {
		return fmt.Errorf("%s answered more than %d KiB", clip(from), maxIssuerAnswer>>10)
	}
	if json.Unmarshal(body, into) != nil {
		return fmt.Errorf("what %s answered is not the JSON that is expected", clip(from))
	}
	return nil
}

func unreachable(issuer string, err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	f := fault.Wrap(fault.Unavailable, exchanging, "keys of "+issuer+" cannot be had", err)
	if f.Fix != "" {
		return f
	}
	return f.WithFix("Check that the server reaches %s, then try again.", issuer)
}
