// Package portal is the web pages: integrations, images, one image. Pages are rendered on the server and work without
// JavaScript. It holds no rules and knows no database.
package portal

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

//go:embed templates static
var files embed.FS

type Options struct {
	Integrations *integration.Service
	Types        *integration.Types
	Assess       *assess.Service
	Assessments  assess.Store
	Advisories   func() vuln.Status
	Auth         *auth.Service
	// Guests look around without signing in; they can change nothing. For demonstrations on loopback.
	Guests  bool
	Secure  bool // cookies only over TLS
	Version string
	Now     func() time.Time
	Log     *slog.Logger
}

type portal struct {
	Options
	pages map[string]*template.Template
}

// New is the handler of every page.
func New(o Options) (http.Handler, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	p := &portal{Options: o, pages: pages}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.StripPrefix("/static/", cached(http.FileServerFS(static))))
	mux.Handle("GET /{$}", http.RedirectHandler("/images", http.StatusSeeOther))
	mux.HandleFunc("GET /signin", p.signInPage)
	mux.HandleFunc("POST /signin", p.signIn)
	mux.HandleFunc("POST /signout", p.signOut)
	mux.HandleFunc("GET /images", p.for_(auth.ReadImages, p.imagesPage))
	mux.HandleFunc("POST /images", p.for_(auth.ScanImages, p.checkImage))
	mux.HandleFunc("GET /images/{id}", p.for_(auth.ReadImages, p.imagePage))
	mux.HandleFunc("GET /integrations", p.for_(auth.ReadIntegrations, p.integrationsPage))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.fail(w, r, visitor{}, fault.New(fault.NotFound, "open page", "there is nothing at %s", r.URL.Path).WithFix("start from the list of images"))
	})
	return http.NewCrossOriginProtection().Handler(headers(mux)), nil
}

// visitor is who looks at a page.
type visitor struct {
	auth.Identity
	Guest bool
}

func (v visitor) SignedIn() bool { return v.Subject != "" && !v.Guest }

// MayScan is for templates.
func (v visitor) MayScan() bool { return v.May(auth.ScanImages) }

type page func(w http.ResponseWriter, r *http.Request, v visitor) error

// for_ opens a page to those who hold a permission.
func (p *portal) for_(needs auth.Permission, serve page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.visitor(r)
		switch {
		case err != nil && r.Method == http.MethodGet:
			http.Redirect(w, r, "/signin?to="+template.URLQueryEscaper(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case err != nil:
			p.fail(w, r, v, err)
			return
		case !v.May(needs):
			p.fail(w, r, v, fault.New(fault.Forbidden, "open page", "your role does not allow this").WithFix("sign in as somebody who may"))
			return
		}
		if err := serve(w, r, v); err != nil {
			p.fail(w, r, v, err)
		}
	}
}

const cookieName = "landwaiter_session"

func (p *portal) visitor(r *http.Request) (visitor, error) {
	if c, err := r.Cookie(cookieName); err == nil {
		if id, err := p.Auth.Session(r.Context(), secretOf(c.Value)); err == nil {
			return visitor{Identity: id}, nil
		}
	}
	if user, password, ok := r.BasicAuth(); ok {
		id, err := p.Auth.Basic(r.Context(), user, secretOf(password))
		return visitor{Identity: id}, err
	}
	if p.Guests {
		return visitor{Identity: auth.Identity{Subject: "guest", Name: "guest", Role: auth.Viewer}, Guest: true}, nil
	}
	return visitor{}, fault.New(fault.Unauthenticated, "open page", "you are not signed in").WithFix("sign in")
}

// fail shows an error as a page.
func (p *portal) fail(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	code := fault.CodeOf(err)
	message := err.Error()
	if code == fault.Internal {
		p.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		message = "Something went wrong here. The server's log says what."
	}
	w.Header().Set("Cache-Control", "no-store")
	p.render(w, r, v, code.HTTPStatus(), "error", "Error", errorView{Message: message, Fix: fault.FixOf(err)})
}

type errorView struct{ Message, Fix string }

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		next.ServeHTTP(w, r)
	})
}

// background keeps work going when the visitor leaves the page, bounded.
func background(r *http.Request, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), limit)
}
