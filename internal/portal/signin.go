package portal

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const cookieName = "landwaiter_session"

type signInView struct {
	To, User string
	Problem  *problem
}

func (p *portal) signInPage(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, visitor{}, http.StatusOK, "signin", "Sign in", signInView{To: localPath(r.URL.Query().Get("to")), User: "admin"})
}

func (p *portal) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	to, user := localPath(r.PostFormValue("to")), r.PostFormValue("user")
	session, expires, err := p.Auth.SignIn(r.Context(), user, secret.New(r.PostFormValue("password")))
	switch {
	case err != nil && fault.CodeOf(err) == fault.Internal:
		p.fail(w, r, visitor{}, err)
	case err != nil:
		seen := p.explain(r, err)
		p.render(w, r, visitor{}, seen.status, "signin", "Sign in", signInView{To: to, User: user, Problem: &seen})
	default:
		http.SetCookie(w, p.cookie(session, expires))
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

func (p *portal) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		if err := p.Auth.SignOut(r.Context(), secret.New(c.Value)); err != nil {
			p.fail(w, r, visitor{}, err)
			return
		}
	}
	http.SetCookie(w, p.cookie(secret.Text{}, time.Unix(1, 0)))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// cookie holds a session until it expires. An expired one makes the browser forget it.
func (p *portal) cookie(session secret.Text, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: session.Reveal(), Path: "/", Expires: expires, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode,
	}
}

// maxForm bounds what a form sends.
const maxForm = 16 << 10

// localPath keeps a redirect on this server. Browsers read a backslash as a slash and leave tabs and line ends out, which
// url.Parse refuses.
func localPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/images"
	}
	return to
}
