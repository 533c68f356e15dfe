package distribution

import (
	"net/http"
	"net/url"
	"strings"
)

// An Answer is what one request brought that was sent to look at a registry rather than to get something from it. Everything
// in it but Body is fit to be shown.
type Answer struct {
	Method   string      `json:"method"`
	URL      string      `json:"url"`
	Status   int         `json:"status"`
	Header   http.Header `json:"header"`             // those worth looking at
	Location string      `json:"location,omitempty"` // where it redirects to, without a query
	// Unfollowed is why a redirect leads nowhere.
	Unfollowed string `json:"unfollowed,omitempty"`
	Code       string `json:"code,omitempty"` // the registry's own, of an error
	Message    string `json:"message,omitempty"`
	Page       bool   `json:"page,omitempty"`     // a page for people
	Registry   bool   `json:"registry,omitempty"` // as /v2/ of a registry answers, where it lets one in
	Body       []byte `json:"-"`                  // as it came: it may hold secrets

	challenges []string // as they came
	inside     bool     // the registry was reached in a private network
	next       *url.URL
}

// shownHeaders are those that tell about the server, its limits and its clock.
var shownHeaders = []string{
	"Content-Length", "Content-Type", "Date", "Docker-Content-Digest", "Docker-Distribution-Api-Version", "Docker-Ratelimit-Source",
	"Proxy-Authenticate", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After", "Server", "Via",
	"Www-Authenticate", "X-Jfrog-Version", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
}

const maxShownHeader = 500

// told is a as it may be shown.
func (r request) told(a *answer) Answer {
	t := Answer{
		Method: r.method, URL: r.shown(a.url), Status: a.status, Header: http.Header{}, Body: a.body,
		Page: looksLikePage(a), challenges: a.header.Values("WWW-Authenticate"), inside: a.inside,
	}
	for _, name := range shownHeaders {
		if value := strings.Join(a.header.Values(name), ", "); value != "" {
			t.Header.Set(name, shorten(mask(printable(value), r.secrets), maxShownHeader))
		}
	}
	if a.status/100 != 2 {
		var e Error
		e.readErrorBody(a.header, a.body, r.secrets)
		t.Code, t.Message, t.Page = e.Code, e.Message, e.html && r.method != http.MethodHead
	} else {
		t.Registry = looksLikeRegistry(a)
	}
	if redirects(a.status) {
		if next, err := redirectTarget(a.url, a.header.Get("Location")); err != nil {
			t.Unfollowed = mask(err.Error(), r.secrets)
		} else {
			bare := *next
			bare.RawQuery = ""
			t.next, t.Location = next, r.shown(&bare)
		}
	}
	return t
}
