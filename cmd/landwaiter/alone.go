package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// aloneMemory is what the process should get by with. It may take more where an image's components need it.
const aloneMemory = 88 << 20

// alone runs the flow in this process: no server, no database.
func (p *program) alone(ctx context.Context, f imageFlags, depth assess.Depth, do func(*assess.Service, assess.Progress) error) error {
	if p.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(aloneMemory)
	}
	options, done, err := p.aloneOptions(f, depth)
	if err != nil {
		return err
	}
	defer done()
	scanOptions := scan.Options{LibraryGzip: f.libraryGzip}
	if cache, ok := userLayerFiles(); ok && !f.noCache {
		scanOptions.Cache = cache
		defer cache.prune()
	}
	options.Sources, options.Client, options.Scanner = p.foundSources(f), p.aloneClient(), scan.New(scanOptions)
	bars := p.progress()
	defer bars.close()
	return do(assess.New(options), bars.progress())
}

// aloneOptions are those that do not depend on an image. done gives the advisories back.
func (p *program) aloneOptions(f imageFlags, depth assess.Depth) (o assess.Options, done func(), err error) {
	if err := checkMaxAge(*f.maxAge); err != nil {
		return o, nil, err
	}
	data, err := p.dataDir(*f.data)
	if err != nil {
		return o, nil, err
	}
	var policies assess.Policies
	if depth == assess.Judge { // compiling them takes longer than a scan of what is known
		if policies, err = p.aloneLibrary(*f.data, *f.policies); err != nil {
			return o, nil, err
		}
	}
	rules, err := readSignerRules(*f.signerRules)
	if err != nil {
		return o, nil, err
	}
	exceptions, err := aloneExceptions(data, *f.exceptions)
	if err != nil {
		return o, nil, err
	}
	advisories, err := vuln.OpenLive(advisoriesDir(data))
	if err != nil {
		return o, nil, err
	}
	return assess.Options{
		Advisories: advisories, Policies: policies, Statements: aloneVEX(data), Exceptions: exceptions, Now: time.Now, MaxAge: *f.maxAge, NewID: uuid.NewString, Log: slog.New(slog.DiscardHandler),
		SignerRules: rules,
	}, func() { advisories.Close() }, nil
}

func advisoriesDir(data string) string { return filepath.Join(data, "advisories") }

func (p *program) registryClient(platform image.Platform, allow distribution.Addresses) *distribution.Client {
	return distribution.New(distribution.Options{
		UserAgent: userAgent(),
		Now:       time.Now,
		Jitter:    rand.Float64,
		Proxy:     http.ProxyFromEnvironment,
		Addresses: allow,
		Platform:  platform,
	})
}

// doctor tests connections on the ways of a client.
func (p *program) doctor(client *distribution.Client) *diagnosis.Doctor {
	return diagnosis.New(diagnosis.Options{
		Client: client, Types: p.types, Now: time.Now, NewID: uuid.NewString, Program: userAgent(),
	})
}

// aloneClient lets whoever runs it reach this machine and private networks.
func (p *program) aloneClient() *distribution.Client {
	return p.registryClient(image.Platform{}, distribution.Addresses{Loopback: true, Private: true})
}

// deps is what opened integrations may use. The environment names this machine's own identity to the types that sign in with
// it.
func (p *program) deps(client *distribution.Client) integration.Deps {
	return integration.Deps{Now: time.Now, Jitter: rand.Float64, SignIn: client.SignIn, Identity: p.getenv}
}

// aloneScheme is how to speak with a registry. One on this machine is asked.
func aloneScheme(ctx context.Context, f imageFlags, host string) string {
	if f.plainHTTP || !f.insecure && image.OnLoopback(host) && speaksPlainHTTP(ctx, host) {
		return "http"
	}
	return "https"
}

// aloneSources are the ways to one image.
type aloneSources []integration.Candidate

func (s aloneSources) Candidates(context.Context, image.Reference) ([]integration.Candidate, error) {
	return s, nil
}

// foundSources looks for the ways to a repository once, when they are first asked for.
type foundSources func(context.Context, image.Reference) (aloneSources, error)

func (find foundSources) Candidates(ctx context.Context, ref image.Reference) ([]integration.Candidate, error) {
	return find(ctx, ref)
}

func (p *program) foundSources(f imageFlags) foundSources {
	var found sync.Map // by repository
	return func(ctx context.Context, ref image.Reference) (aloneSources, error) {
		once, _ := found.LoadOrStore(ref.Name(), sync.OnceValues(func() (aloneSources, error) {
			return p.aloneSources(ctx, f, ref, aloneScheme(ctx, f, ref.Registry))
		}))
		return once.(func() (aloneSources, error))()
	}
}

// aloneSources are the credential that Docker keeps, if there is one; then the default public integrations that serve the
// image; where there are none, or flags say how the registry is reached, nobody's credential. A credential that is refused
// does not hide what is public.
func (p *program) aloneSources(ctx context.Context, f imageFlags, ref image.Reference, scheme string) (aloneSources, error) {
	endpoint, err := distribution.ParseEndpoint(scheme+"://"+ref.Registry, f.insecure)
	if err != nil {
		return nil, err
	}
	given := func(name, reason string, credential distribution.Credential) integration.Candidate {
		return integration.Candidate{
			Integration: integration.Integration{Name: name, Type: "docker"},
			Registry:    givenRegistry{ref.Registry, endpoint, credential},
			Reasons:     []string{reason},
		}
	}
	var list aloneSources
	credential, err := dockerLogin(ctx, ref)
	if err != nil {
		p.warn(err)
	}
	if !credential.Anonymous() {
		list = append(list, given(dockerConfigFile, "holds a credential for "+ref.Registry, credential))
	}
	if !f.plainHTTP && !f.insecure {
		defaults, err := p.defaultCandidates(ref)
		if err != nil {
			return nil, err
		}
		if len(defaults) > 0 {
			return append(list, defaults...), nil
		}
	}
	return append(list, given("anonymous", "no public integration is for "+ref.Registry, distribution.Credential{})), nil
}

func (p *program) defaultCandidates(ref image.Reference) ([]integration.Candidate, error) {
	deps := p.deps(p.aloneClient())
	var opened []integration.Candidate
	for _, in := range integration.Defaults(time.Now()) {
		c, err := p.types.Open(in, deps)
		if err != nil {
			return nil, err
		}
		opened = append(opened, c)
	}
	return integration.Candidates(opened, ref), nil
}

// givenRegistry is one host with a credential at hand, or none.
type givenRegistry struct {
	host       string
	endpoint   distribution.Endpoint
	credential distribution.Credential
}

func (r givenRegistry) Serves(ref image.Reference) bool { return ref.Registry == r.host }

func (r givenRegistry) Anonymous() bool { return r.credential.Anonymous() }

func (r givenRegistry) Endpoint(image.Reference) distribution.Endpoint { return r.endpoint }

func (r givenRegistry) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return r.credential, nil
}
