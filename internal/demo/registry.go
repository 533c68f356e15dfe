package demo

import (
	"context"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// newRegistry keeps images in memory and asks for a user and password, so that the demo's integration has something to
// prove.
func newRegistry(password secret.Text) http.Handler {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		if u != user || !password.Equal(secret.New(p)) {
			w.Header().Set("WWW-Authenticate", `Basic realm="demo"`)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
			return
		}
		images.ServeHTTP(w, r)
	})
}

// pushImages fills the registry and returns the references of what is in it.
func pushImages(ctx context.Context, address string, password secret.Text, now time.Time) ([]image.Reference, error) {
	list, err := generate(now)
	if err != nil {
		return nil, err
	}
	login := remote.WithAuth(&authn.Basic{Username: user, Password: password.Reveal()})
	var references []image.Reference
	for _, g := range list {
		ref, err := image.ParseReference(address + "/" + g.name)
		if err != nil {
			return nil, err
		}
		to, err := name.ParseReference(ref.String(), name.Insecure)
		if err != nil {
			return nil, err
		}
		if err := push(to, g, login, remote.WithContext(ctx)); err != nil {
			return nil, err
		}
		references = append(references, ref)
	}
	return references, nil
}

func push(to name.Reference, g generated, options ...remote.Option) error {
	if len(g.others) == 0 {
		return remote.Write(to, g.image, options...)
	}
	index, err := g.index()
	if err != nil {
		return err
	}
	return remote.WriteIndex(to, index, options...)
}
