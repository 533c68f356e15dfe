package portal

import (
	"net/http"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

type signInView struct{ To, Error string }

func (p *portal) signInPage(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, visitor{}, http.StatusOK, "signin", "Sign in", signInView{To: localPath(r.URL.Query().Get("to"))})
}

func (p *portal) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	to := localPath(r.PostFormValue("to"))
	cookie, expires, err := p.Auth.SignIn(r.Context(), r.PostFormValue("user"), secretOf(r.PostFormValue("password")))
	if err != nil {
		code := fault.CodeOf(err)
		if code == fault.Internal {
			p.fail(w, r, visitor{}, err)
			return
		}
		p.render(w, r, visitor{}, code.HTTPStatus(), "signin", "Sign in", signInView{To: to, Error: err.Error()})
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: cookie.Reveal(), Path: "/", Expires: expires, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *portal) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		if err := p.Auth.SignOut(r.Context(), secretOf(c.Value)); err != nil {
			p.fail(w, r, visitor{}, err)
			return
		}
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// localPath keeps a redirect on this server.
func localPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/images"
	}
	return to
}
