// Package portal is the web pages: integrations and their test, images, one image. Pages are rendered on the server and work without
// JavaScript. It holds no rules and knows no database.
package portal

import (
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

//go:embed templates static
var files embed.FS

type Options struct {
	Integrations *integration.Service
	Types        *integration.Types
	Diagnose     diagnosis.Run
	Health       *health.Service
	Assess       *assess.Service
	Advisories   func() vuln.Status
	Auth         *auth.Service
	// Guests look around without signing in; they can change nothing. For demonstrations on loopback: who asks for another
	// name than this machine's is no guest, since other sites' pages can have their names point here.
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
	mux.Handle("GET /static/{file}", http.StripPrefix("/static/", cached(http.FileServerFS(static))))
	mux.Handle("GET /{$}", http.RedirectHandler("/images", http.StatusSeeOther))
	mux.HandleFunc("GET /signin", p.signInPage)
	mux.HandleFunc("POST /signin", p.signIn)
	mux.HandleFunc("POST /signout", p.signOut)
	mux.HandleFunc("GET /images", p.guard(auth.ReadImages, p.imagesPage))
	mux.HandleFunc("POST /images", p.guard(auth.ScanImages, p.checkImage))
	mux.HandleFunc("GET /images/{id}", p.guard(auth.ReadImages, p.imagePage))
	mux.HandleFunc("GET /images/{id}/platforms", p.guard(auth.ReadImages, p.platformsPage))
	mux.HandleFunc("POST /images/{id}/platforms", p.guard(auth.ScanImages, p.checkPlatforms))
	mux.HandleFunc("GET /images/{id}/sbom/{format}", p.guard(auth.ReadImages, p.imageSBOM))
	mux.HandleFunc("GET /integrations", p.guard(auth.ReadIntegrations, p.integrationsPage))
	mux.HandleFunc("GET /integrations/{id}", p.guard(auth.ReadIntegrations, p.integrationPage))
	mux.HandleFunc("POST /integrations/{id}/test", p.guard(auth.WriteIntegrations, p.testIntegration))
	mux.HandleFunc("/", p.noPage)
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fail(w, r, visitor{}, fault.New(fault.Forbidden, "check request", "it was sent by a page of another site").
			WithFix("Do it from a page of this server."))
	}))
	return headers(sameOrigin.Handler(mux)), nil
}

// A visitor is who looks at a page; nobody when Subject is empty.
type visitor struct {
	auth.Identity
	Guest bool
}

func (v visitor) SignedIn() bool { return v.Subject != "" && !v.Guest }

// visitor fails when the credentials sent are wrong or cannot be checked, not when there are none.
func (p *portal) visitor(r *http.Request) (visitor, error) {
	if c, err := r.Cookie(cookieName); err == nil {
		id, err := p.Auth.Session(r.Context(), secret.New(c.Value))
		if err == nil || fault.CodeOf(err) != fault.Unauthenticated {
			return visitor{Identity: id}, err
		}
	}
	if user, password, ok := r.BasicAuth(); ok {
		id, err := p.Auth.Basic(r.Context(), user, secret.New(password))
		return visitor{Identity: id}, err
	}
	if p.Guests && image.OnLoopback(r.Host) {
		return visitor{Identity: auth.Identity{Subject: "guest", Name: "guest", Role: auth.Viewer}, Guest: true}, nil
	}
	return visitor{}, nil
}

type page func(w http.ResponseWriter, r *http.Request, v visitor) error

// guard opens a page to those who hold a permission. Whoever is not signed in comes back to the page after signing in.
func (p *portal) guard(needs auth.Permission, serve page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.visitor(r)
		switch {
		case err != nil:
		case v.Subject == "" && r.Method != http.MethodPost:
			http.Redirect(w, r, "/signin?"+url.Values{"to": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		case v.Subject == "":
			err = fault.New(fault.Unauthenticated, "open page", "you are not signed in").WithFix("Sign in.")
		case !v.May(needs):
			err = fault.New(fault.Forbidden, "open page", "your role does not allow this").WithFix("Sign in as somebody who may.")
		default:
			err = serve(w, r, v)
		}
		if err != nil {
			p.fail(w, r, v, err)
		}
	}
}

func (p *portal) noPage(w http.ResponseWriter, r *http.Request) {
	v, err := p.visitor(r)
	if err == nil {
		err = fault.New(fault.NotFound, "open page", "nothing answers %s %s", r.Method, r.URL.Path).WithFix("Start from the list of images.")
	}
	p.fail(w, r, v, err)
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// cached is for files whose address changes with their content.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=86400")
		next.ServeHTTP(w, r)
	})
}
