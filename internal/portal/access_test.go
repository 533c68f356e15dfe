package portal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/portal"
)

func TestSignIn(t *testing.T) {
	s := newSite(t, nil)

	t.Run("leads_to_the_page_that_was_asked_for", func(t *testing.T) {
		b := &browser{site: s}
		w := b.get("/images?query=a%26b&after=")
		wantRedirect(t, w, "/signin?to=%2Fimages%3Fquery%3Da%2526b%26after%3D")
		form := b.page(t, w.Header().Get("Location"), http.StatusOK)
		to := ""
		for _, n := range form.all("input") {
			if attr(n, "name") == "to" {
				to = attr(n, "value")
			}
		}
		w = b.post("/signin", "to", to, "user", "admin", "password", apitest.Password)
		wantRedirect(t, w, "/images?query=a%26b&after=")
		contains(t, b.page(t, "/images", http.StatusOK).text(), "admin", "Sign out")
	})

	t.Run("refuses_a_wrong_password", func(t *testing.T) {
		b := &browser{site: s}
		w := b.post("/signin", "to", "/integrations", "user", "Viewer", "password", "wr<b>ong")
		d := b.read(t, w, http.StatusUnauthorized)
		contains(t, d.text(), "the user name or the password is wrong", "What to do:")
		lacks(t, w.Body.String(), "wr&lt;b", "wr<b>")
		values := map[string]string{}
		for _, n := range d.all("input") {
			values[attr(n, "name")] = attr(n, "value")
		}
		if values["to"] != "/integrations" || values["user"] != "Viewer" || values["password"] != "" || b.cookie != nil {
			t.Error(values, b.cookie)
		}
	})

	t.Run("goes_on_to_this_server_only", func(t *testing.T) {
		b := &browser{site: s}
		for _, to := range []string{
			"", "images", "https://evil.example/", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, "/\t/evil.example",
			"/\n/evil.example", "\t//evil.example", " //evil.example", "javascript:alert(1)", "/images\r\nSet-Cookie: a=b", "http:/images", "/%zz",
		} {
			w := b.post("/signin", "to", to, "user", "admin", "password", apitest.Password)
			wantRedirect(t, w, "/images")
			d := b.page(t, "/signin?"+url.Values{"to": {to}}.Encode(), http.StatusOK)
			for _, n := range d.all("input") {
				if attr(n, "name") == "to" && attr(n, "value") != "/images" {
					t.Errorf("%q is offered as %q", to, attr(n, "value"))
				}
			}
		}
		wantRedirect(t, b.post("/signin", "to", "/images/1?a=//b#c", "user", "admin", "password", apitest.Password), "/images/1?a=//b#c")
	})

	t.Run("keeps_the_cookie_from_scripts_and_other_sites", func(t *testing.T) {
		for _, secure := range []bool{true, false} {
			s := s
			if secure {
				s = newSite(t, func(o *portal.Options) { o.Secure = true })
			}
			c := s.as(t, auth.Viewer).cookie
			if !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Expires.IsZero() {
				t.Errorf("%+v", c)
			}
		}
	})

	t.Run("ends_with_signing_out", func(t *testing.T) {
		b := s.as(t, auth.Viewer)
		stolen := *b.cookie
		wantRedirect(t, b.post("/signout"), "/signin")
		if b.cookie != nil {
			t.Error("the browser keeps", b.cookie)
		}
		wantRedirect(t, (&browser{site: s, cookie: &stolen}).get("/images"), "/signin?to=%2Fimages")
		wantRedirect(t, b.post("/signout"), "/signin")
	})

	t.Run("is_throttled", func(t *testing.T) {
		b := &browser{site: s}
		var w *httptest.ResponseRecorder
		for range 6 {
			w = b.post("/signin", "user", "nobody", "password", "wrong")
		}
		contains(t, b.read(t, w, http.StatusTooManyRequests).text(), "too many failed attempts", "Wait ")
	})

	t.Run("bounds_what_is_sent", func(t *testing.T) {
		b := &browser{site: s}
		if w := b.post("/signin", "user", "admin", "password", strings.Repeat("x", 1<<20)); w.Code != http.StatusUnauthorized {
			t.Error(w.Code)
		}
	})

	if log := s.Log.String(); strings.Contains(log, apitest.Password) || strings.Contains(log, "wr<b>ong") {
		t.Error("a password is in the log")
	}
}

func TestAccess(t *testing.T) {
	s := newSite(t, nil)
	stored := s.store(t, sample())
	pages := []string{"/images", "/images?query=a", "/images/" + stored, "/images/none", "/integrations"}

	t.Run("every_page_needs_a_session", func(t *testing.T) {
		for _, b := range []*browser{{site: s}, {site: s, cookie: &http.Cookie{Name: "landwaiter_session", Value: strings.Repeat("A", 43)}}} {
			for _, path := range pages {
				wantRedirect(t, b.get(path), "/signin?"+url.Values{"to": {path}}.Encode())
			}
			contains(t, b.read(t, b.post("/images", "image", s.Image), http.StatusUnauthorized).text(), "you are not signed in")
			wantRedirect(t, b.get("/"), "/images")
		}
	})

	t.Run("viewers_look_and_check_nothing", func(t *testing.T) {
		b := s.as(t, auth.Viewer)
		d := b.page(t, "/images", http.StatusOK)
		lacks(t, d.text(), "Check an image")
		b.page(t, "/images/"+stored, http.StatusOK)
		b.page(t, "/integrations", http.StatusOK)
		contains(t, b.read(t, b.post("/images", "image", s.Image), http.StatusForbidden).text(), "your role does not allow this", "Viewer")
	})

	t.Run("pipelines_see_no_integrations", func(t *testing.T) {
		b := s.as(t, auth.ContinuousIntegration)
		d := b.page(t, "/images", http.StatusOK)
		lacks(t, d.text(), "Integrations")
		contains(t, d.text(), "Check an image")
		contains(t, b.page(t, "/integrations", http.StatusForbidden).text(), "your role does not allow this")
	})

	t.Run("guests_of_a_demonstration_look_and_check_nothing", func(t *testing.T) {
		s := newSite(t, guests)
		b := &browser{site: s}
		d := b.page(t, "/images", http.StatusOK)
		contains(t, d.text(), "Demonstration, read only", "Sign in", "Integrations")
		lacks(t, d.text(), "Check an image", "Sign out", "above")
		b.page(t, "/integrations", http.StatusOK)
		contains(t, b.read(t, b.post("/images", "image", s.Image), http.StatusForbidden).text(), "your role does not allow this")
		contains(t, s.as(t, auth.Administrator).page(t, "/images", http.StatusOK).text(), "Check an image", "Administrator")
	})

	t.Run("guests_come_by_a_name_of_this_machine", func(t *testing.T) {
		// A page of another site can have its own name point at 127.0.0.1, and is then of the same origin for a browser.
		s := newSite(t, guests)
		for host, status := range map[string]int{
			"localhost": http.StatusOK, "127.0.0.1:8080": http.StatusOK, "[::1]:8080": http.StatusOK,
			"rebound.example": http.StatusSeeOther, "127.0.0.1.rebound.example:8080": http.StatusSeeOther, "": http.StatusSeeOther,
		} {
			r := httptest.NewRequest("GET", "/integrations", nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != status {
				t.Errorf("%q: %d", host, w.Code)
			}
		}
	})

	t.Run("basic_authentication_is_taken", func(t *testing.T) {
		for password, status := range map[string]int{apitest.Password: http.StatusOK, "wrong": http.StatusUnauthorized} {
			r := httptest.NewRequest("GET", "/images", nil)
			r.SetBasicAuth("Viewer", password)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != status {
				t.Error(w.Code, w.Body)
			}
		}
	})

	t.Run("other_sites_cannot_post", func(t *testing.T) {
		for _, path := range []string{"/images", "/signin", "/signout"} {
			for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
				b := s.as(t, auth.Administrator)
				r := httptest.NewRequest("POST", path, strings.NewReader("image="+url.QueryEscape(s.Image)))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set(header, value)
				if header == "Origin" {
					r.Header.Set("Sec-Fetch-Site", "same-site")
				}
				contains(t, b.read(t, b.do(r), http.StatusForbidden).text(), "a page of another site")
				b.page(t, "/images", http.StatusOK)
			}
		}
	})

	t.Run("what_is_not_there", func(t *testing.T) {
		for _, b := range []*browser{{site: s}, s.as(t, auth.Viewer)} {
			d := b.page(t, "/nowhere/<b>", http.StatusNotFound)
			contains(t, d.text(), "nothing answers GET /nowhere/<b>", "Start from the list of images")
			if signedIn := b.cookie != nil; signedIn != strings.Contains(d.text(), "Sign out") {
				t.Error(d.text())
			}
		}
		b := s.as(t, auth.Viewer)
		contains(t, b.page(t, "/images/none", http.StatusNotFound).text(), "none", "Back to the images")
		contains(t, b.read(t, b.post("/integrations"), http.StatusNotFound).text(), "nothing answers POST /integrations")
		for _, path := range []string{"/static/", "/static/none.css", "/static/../portal.go", "/static/%2e%2e/portal.go"} {
			if w := b.get(path); w.Code == http.StatusOK {
				t.Errorf("%s answers %s", path, w.Body)
			}
		}
	})

	t.Run("static_files_are_cached_and_need_no_session", func(t *testing.T) {
		b := &browser{site: s}
		for _, n := range b.page(t, "/signin", http.StatusOK).all("link") {
			w := b.get(attr(n, "href"))
			if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Cache-Control"), "public") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error(attr(n, "href"), w.Code, w.Header())
			}
		}
	})

	t.Run("internal_errors_keep_their_text_for_the_log", func(t *testing.T) {
		s := newSite(t, brokenStore(t))
		b := s.as(t, auth.Administrator)
		for _, w := range []*httptest.ResponseRecorder{b.get("/images"), b.get("/images/1")} {
			if w.Code != http.StatusInternalServerError {
				t.Error(w.Code)
			}
			contains(t, w.Body.String(), "Something went wrong here")
			lacks(t, w.Body.String(), "disk on fire")
		}
		contains(t, s.Log.String(), "disk on fire")
	})
}
