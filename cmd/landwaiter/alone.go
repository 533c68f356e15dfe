package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// alone wires the flow in this process: no server, no database.
func (p *program) alone(ctx context.Context, f imageFlags, ref image.Reference) (*assess.Service, func(), error) {
	data, err := p.dataDir(*f.data)
	if err != nil {
		return nil, nil, err
	}
	advisories, err := vuln.OpenLive(advisoriesDir(data))
	if err != nil {
		return nil, nil, err
	}
	policies, err := policy.Compile(policy.Builtin())
	if err != nil {
		return nil, nil, err
	}
	scanOptions := scan.Options{}
	if dir, err := os.UserCacheDir(); err == nil && !f.noCache {
		scanOptions.Cache = layerFiles{filepath.Join(dir, "landwaiter", "layers")}
	}
	service := assess.New(assess.Options{
		Sources:    aloneSources{flags: f},
		Client:     p.registryClient(image.Platform{}),
		Scanner:    scan.New(scanOptions),
		Advisories: advisories,
		Policies:   policies,
		Now:        time.Now,
		NewID:      uuid.NewString,
		Log:        slog.New(slog.DiscardHandler),
	})
	return service, func() { _ = advisories.Close() }, nil
}

func advisoriesDir(data string) string { return filepath.Join(data, "advisories") }

func (p *program) registryClient(platform image.Platform) *distribution.Client {
	return distribution.New(distribution.Options{
		UserAgent: "landwaiter/" + versionString(),
		Now:       time.Now,
		Proxy:     http.ProxyFromEnvironment,
		Platform:  platform,
	})
}

// aloneSources are the default public integrations, before them the credentials of the Docker config file.
type aloneSources struct{ flags imageFlags }

func (s aloneSources) Candidates(ctx context.Context, ref image.Reference) ([]integration.Candidate, error) {
	var list []integration.Candidate
	own, found, err := s.dockerConfig(ctx, ref)
	if err != nil {
		return nil, err
	}
	if found || s.flags.plainHTTP || s.flags.insecure {
		list = append(list, own)
	}
	if s.flags.plainHTTP || s.flags.insecure {
		return list, nil // the person says how this registry is reached
	}
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		return nil, err
	}
	var opened []integration.Candidate
	for _, in := range integration.Defaults(time.Now()) {
		c, err := types.Open(in, integration.Deps{Now: time.Now})
		if err != nil {
			return nil, err
		}
		opened = append(opened, c)
	}
	return append(list, integration.Candidates(opened, ref)...), nil
}

// dockerConfig reads the credentials that `docker login` keeps for the image's registry, by way of the credential helpers
// it names.
func (s aloneSources) dockerConfig(ctx context.Context, ref image.Reference) (integration.Candidate, bool, error) {
	scheme := "https"
	if s.flags.plainHTTP {
		scheme = "http"
	}
	endpoint, err := distribution.ParseEndpoint(scheme+"://"+ref.Registry, s.flags.insecure)
	if err != nil {
		return integration.Candidate{}, false, err
	}
	c := integration.Candidate{
		Integration: integration.Integration{Name: "Docker config file", Type: "docker"},
		Reasons:     []string{"credentials of `docker login` for " + ref.Registry},
	}
	credential := distribution.Credential{}
	repository, err := name.NewRepository(ref.Name())
	if err != nil {
		return c, false, fault.Wrap(fault.Invalid, "read Docker config file", ref.Name(), err)
	}
	authenticator, err := authn.Resolve(ctx, authn.DefaultKeychain, repository)
	if err != nil {
		return c, false, fault.Wrap(fault.Invalid, "read Docker config file", ref.Registry, err).
			WithFix("repair the file or its credential helper, or set DOCKER_CONFIG to a folder without a config.json")
	}
	found := authenticator != authn.Anonymous
	if found {
		a, err := authn.Authorization(ctx, authenticator)
		if err != nil {
			return c, false, fault.Wrap(fault.Invalid, "read Docker config file", ref.Registry, err)
		}
		credential = distribution.Credential{
			Username: a.Username, Password: secret.New(a.Password),
			IdentityToken: secret.New(a.IdentityToken), RegistryToken: secret.New(a.RegistryToken),
		}
	} else {
		c.Integration.Name = "command line (anonymous)"
		c.Reasons = []string{"--plain-http or --insecure given"}
	}
	c.Registry = givenRegistry{host: ref.Registry, endpoint: endpoint, credential: credential}
	return c, found, nil
}

// givenRegistry is one host with a credential at hand.
type givenRegistry struct {
	host       string
	endpoint   distribution.Endpoint
	credential distribution.Credential
}

func (r givenRegistry) Serves(ref image.Reference) bool { return ref.Registry == r.host }

func (r givenRegistry) Endpoint(image.Reference) distribution.Endpoint { return r.endpoint }

func (r givenRegistry) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return r.credential, nil
}
