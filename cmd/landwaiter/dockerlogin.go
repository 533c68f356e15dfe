package main

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// dockerConfigFile names, in assessments, where such a credential comes from.
const dockerConfigFile = "Docker config file"

// dockerLogin is the credential that `docker login` (or `podman login`) keeps for the image's registry, in its config file
// or with the helper named there. It is anonymous when there is none.
func dockerLogin(ctx context.Context, ref image.Reference) (distribution.Credential, error) {
	failed := func(err error) (distribution.Credential, error) {
		return distribution.Credential{}, fault.Wrap(fault.Invalid, "read Docker config file", "credential for "+ref.Registry, err).
			WithFix("Repair the file or its credential helper, or set DOCKER_CONFIG to another folder.")
	}
	authenticator, err := authn.Resolve(ctx, authn.DefaultKeychain, loginKey(ref))
	if err != nil {
		return failed(err)
	}
	a, err := authn.Authorization(ctx, authenticator)
	if err != nil {
		return failed(err)
	}
	return distribution.Credential{
		Username: a.Username, Password: secret.New(a.Password),
		IdentityToken: secret.New(a.IdentityToken), RegistryToken: secret.New(a.RegistryToken),
	}, nil
}

// loginKey is an image as the config file names its registry.
type loginKey image.Reference

func (k loginKey) String() string { return k.RegistryStr() + "/" + k.Repository }

func (k loginKey) RegistryStr() string {
	if k.Registry == image.DockerHub {
		return name.DefaultRegistry
	}
	return k.Registry
}
