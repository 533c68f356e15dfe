// Package api is the REST interface: the operations under /v1, one file per resource, their permissions in one table, one
// mapping of errors, and the OpenAPI document drawn from the running types. Rules about what is sent live in the services.
package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/rhacs"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/watch"
)

// maxBody bounds every JSON body.
const maxBody = 1 << 20

// Options are all needed, apart from Files, MaxUpload and Log.
type Options struct {
	Integrations *integration.Service
	Types        *integration.Types
	Diagnose     diagnosis.Run
	Health       *health.Service
	Assess       *assess.Service
	Assessments  assess.Store
	Auth         *auth.Service
	Watch        *watch.Service
	Downloads    Downloads
	Advisories   Advisories
	VEX          *vex.Shelf
	Exceptions   *exception.Ledger
	Policies     *policy.Library
	Version      string
	Files        func() integrationfile.Status // of the directory of integrations; nil when there is none
	UploadDir    string                        // where uploads are kept while they are imported; "" means the system's directory
	MaxUpload    int64                         // bytes of an uploaded archive; 0 means 2 GiB
	Log          *slog.Logger
}

// API is an http.Handler for /v1/ and /openapi.json.
type API struct {
	Options
	mux        *http.ServeMux
	huma       huma.API
	grpc       *rhacs.Server
	registered map[string]bool
	document   func() []byte
	importing  sync.Mutex
	parsing    sync.Mutex // bills of materials
}

// New makes the API. It panics when the table of operations and the registered ones differ, as any start would show.
func New(o Options) *API {
	overrideErrors()
	if o.MaxUpload == 0 {
		o.MaxUpload = 2 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Options: o, mux: http.NewServeMux(), registered: map[string]bool{}}
	config := huma.DefaultConfig("Landwaiter", o.Version)
	config.CreateHooks = nil // they would add $schema to every answer
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Formats = map[string]huma.Format{"application/json": jsonFormat}
	config.AllowAdditionalPropertiesByDefault = true
	config.Info.Description = description
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "An API token."},
		"basic":  {Type: "http", Scheme: "basic", Description: "The user admin and its password."},
	}
	a.huma = humago.New(a.mux, config)
	a.huma.UseMiddleware(takeAnyContentType)

	a.registerSystem()
	a.registerIntegrations()
	a.registerDiagnosis()
	a.registerHealth()
	a.registerAssessments()
	a.registerSBOM()
	a.registerDeployments()
	a.registerExplain()
	a.registerAdvisories()
	a.registerVEX()
	a.registerExceptions()
	a.registerPolicies()
	a.registerTokens()
	a.registerTrust()
	a.registerRHACS()
	a.registerImages()
	a.registerWatch()
	for id := range operations {
		if !a.registered[id] {
			panic("api: operation " + id + " is in the table but not registered")
		}
	}

	a.document = sync.OnceValue(func() []byte {
		b, err := json.MarshalIndent(a.huma.OpenAPI(), "", " ")
		if err != nil {
			panic(fmt.Sprintf("api: OpenAPI document: %v", err))
		}
		return b
	})
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(a.document())
	})
	a.mux.HandleFunc("GET /api/cli/download/{name}", a.download)
	a.mux.HandleFunc("/v1/", a.noRoute)
	a.mux.HandleFunc("/api/", a.noRoute)
	return a
}

const description = `Landwaiter's REST interface. Names are RHACS's where RHACS has one, so clients written for its
image integrations work. Bodies are JSON whatever their Content-Type says. Errors are
{"code", "message", "error", "details"}: code is a gRPC status number, details say what to do next.`

// schemaName puts the package before the names of the inner packages' types, which need not differ from one another.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	switch pkg := path.Base(t.PkgPath()); pkg {
	case ".", "api", "assess":
		return name
	default:
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
}

// Register adds the API's routes to a mux.
func (a *API) Register(mux *http.ServeMux) {
	mux.Handle("/v1/", a)
	mux.Handle("/api/", a)
	mux.Handle("/openapi.json", a)
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	id := w.Header().Get(RequestIDHeader)
	if id == "" {
		id = NewRequestID()
		w.Header().Set(RequestIDHeader, id)
	}
	r = r.WithContext(withRequestID(r.Context(), id))
	answer := &answer{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil {
			a.recovered(answer, r, p)
		}
	}()
	a.mux.ServeHTTP(answer, r)
}

// An answer knows whether any of it was sent.
type answer struct {
	http.ResponseWriter
	started bool
}

func (a *answer) WriteHeader(status int) {
	a.started = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.started = true
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// noRoute answers what no operation answers: 405 when another method would be right, else 404.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	if allowed := a.allowed(r); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, newError(r.Context(), http.StatusMethodNotAllowed,
			fmt.Sprintf("%s is not allowed here: use %s", r.Method, strings.Join(allowed, " or "))))
		return
	}
	e := newError(r.Context(), http.StatusNotFound, "there is nothing at "+r.URL.Path)
	e.Details = append(e.Details, Detail{Fix: "See /openapi.json for what there is."})
	writeError(w, e)
}

func (a *API) allowed(r *http.Request) []string {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "/v1/" && pattern != "/api/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	slices.Sort(allowed)
	return allowed
}
