package integrationtest

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// keptElsewhere gives every secret of the settings as a reference.
func (s suite) keptElsewhere(t *testing.T) {
	settings, held := maps.Clone(s.c.Settings), map[string]secret.Text{}
	for name, value := range s.secrets() {
		written := "file:/secrets/" + name
		settings[name], held[written] = written, secret.New(value)
	}
	if len(held) == 0 {
		t.Skip("the type has no secrets")
	}
	stored := s.valid(t, settings)
	read, err := json.Marshal(s.types.Encode(stored))
	if err != nil {
		t.Fatal(err)
	}
	for written := range held {
		if !strings.Contains(string(read), `"`+written+`"`) {
			t.Errorf("%s is not shown in %s", written, read)
		}
	}
	for _, updatePassword := range []bool{false, true} {
		d, err := s.types.Keep(stored, s.decode(t, read), updatePassword)
		if err != nil || !sameConfig(d.Config, stored.Config) {
			t.Errorf("updatePassword %t: sent back as %v: %v", updatePassword, d.Config, err)
		}
	}

	ctx, now, there := context.Background(), time.Unix(1e9, 0), false
	looks := 0
	c, err := s.types.Open(stored, integration.Deps{
		Now: func() time.Time { return now }, HTTP: nobody{t},
		References: func(_ context.Context, ref secretref.Reference, trusted bool) (secret.Text, error) {
			looks++
			if !there || trusted {
				return secret.Text{}, fault.New(fault.Unauthenticated, "", "%s is not there, or is trusted", ref)
			}
			return held[ref.String()], nil
		},
	})
	if err != nil || looks != 0 {
		t.Fatalf("opened with %d looks at what the references refer to: %v", looks, err)
	}
	ref, err := image.ParseReference(s.c.Image)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Registry.Serves(ref) {
		t.Errorf("%s is not served before the secrets are known", ref)
	}
	if _, err := c.Source(ctx, ref).Credential(ctx); err == nil || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("signing in without the secrets gives %v", err)
	}
	there, now = true, now.Add(time.Minute)
	ready, err := c.Ready(ctx)
	if err != nil || !ready.Registry.Serves(ref) {
		t.Fatalf("with the secrets there, it serves %s: %t, and: %v", ref, ready.Registry.Serves(ref), err)
	}
	if s.c.Password == "" {
		return
	}
	if got, err := c.Source(ctx, ref).Credential(ctx); err != nil || got.Username != s.c.Username || got.Password.Reveal() != s.c.Password {
		t.Errorf("signs in as %q with the right password %t: %v", got.Username, got.Password.Reveal() == s.c.Password, err)
	}
}
