package portal_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/portal"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A site is the portal over real services. It has a user for each role, named as the role and with apitest.Password.
type site struct {
	*apitest.Fixture
	http.Handler
	services api.Options
}

func newSite(t testing.TB, change func(*portal.Options)) *site {
	t.Helper()
	s := &site{}
	s.Fixture = apitest.Start(t, func(o *api.Options) { s.services = *o })
	s.EnsureAdmin(t)
	users := s.services.Assessments.(auth.Store)
	u, err := users.User(t.Context(), "admin")
	for _, role := range auth.Roles() {
		u.Name, u.Role = string(role), role
		if err == nil {
			err = users.CreateUser(t.Context(), u)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	o := portal.Options{
		Integrations: s.Integrations, Types: s.services.Types, Health: s.services.Health, Assess: s.Assess,
		Advisories: s.services.Advisories.Status, Auth: s.Auth, Version: "1.2.3-test", Now: time.Now,
		Log: slog.New(slog.NewTextHandler(s.Log, nil)),
	}
	if change != nil {
		change(&o)
	}
	if s.Handler, err = portal.New(o); err != nil {
		t.Fatal(err)
	}
	return s
}

func hasAdvisories(o *portal.Options) {
	o.Advisories = func() vuln.Status { return vuln.Status{Records: 1} }
}

func guests(o *portal.Options) { o.Guests = true }

// A browser keeps the session's cookie.
type browser struct {
	site   *site
	cookie *http.Cookie
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	r.Host = "localhost:8080"
	if r.Header.Get("Sec-Fetch-Site") == "" {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookie = c; c.Expires.Before(time.Now()) {
			b.cookie = nil
		}
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest("GET", path, nil))
}

// post sends a form of names and values.
func (b *browser) post(path string, form ...string) *httptest.ResponseRecorder {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// as is a browser that is signed in.
func (s *site) as(t testing.TB, role auth.Role) *browser {
	t.Helper()
	b := &browser{site: s}
	if w := b.post("/signin", "user", string(role), "password", apitest.Password); w.Code != http.StatusSeeOther || b.cookie == nil {
		t.Fatalf("%s cannot sign in: %d %s", role, w.Code, w.Body)
	}
	return b
}

func wantRedirect(t *testing.T, w *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
		t.Errorf("status %d to %q, want %q", w.Code, got, to)
	}
}
