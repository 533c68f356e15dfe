package distribution

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// A Credential is what signs a request in. The zero value is anonymous.
type Credential struct {
	Username      string
	Password      secret.Text
	IdentityToken secret.Text // an OAuth2 refresh token
	RegistryToken secret.Text // a bearer token to be sent as it is
	Expires       time.Time   // zero when it does not expire or nobody knows
	Lent          bool        // by a cloud, which lends another one before it ends
}

// Anonymous reports whether there is nothing to sign in with.
func (c Credential) Anonymous() bool {
	return c.Username == "" && !c.Password.IsSet() && !c.IdentityToken.IsSet() && !c.RegistryToken.IsSet()
}

// Same reports whether two credentials are equal.
func (c Credential) Same(other Credential) bool { return c.identity() == other.identity() }

type refusedKey struct{}

// Refused returns the credential that a registry has just refused, when a Source is asked again because of it. A source
// that keeps credentials drops that one.
func Refused(ctx context.Context) (Credential, bool) {
	c, ok := ctx.Value(refusedKey{}).(Credential)
	return c, ok
}

// identity tells credentials apart without holding their secrets.
func (c Credential) identity() fingerprint {
	return fingerprintOf(c.Username, c.Password.Reveal(), c.IdentityToken.Reveal(), c.RegistryToken.Reveal())
}

// basic is the value of an Authorization header, "" if there is no user name and password.
func (c Credential) basic() string {
	if c.Username == "" && !c.Password.IsSet() {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password.Reveal()))
}

// secrets are the forms in which the credential goes over the wire.
func (c Credential) secrets() []string {
	_, encoded, _ := strings.Cut(c.basic(), " ")
	encoded = strings.TrimRight(encoded, "=")
	return []string{encoded, c.Password.Reveal(), c.IdentityToken.Reveal(), c.RegistryToken.Reveal()}
}

// A Source is a registry with the way to sign in to it. Credential is asked once per operation, and only if the registry
// wants one; once more after a 401. It may be nil for anonymous.
type Source struct {
	Endpoint   Endpoint
	Credential func(ctx context.Context) (Credential, error)
}

type fingerprint [sha256.Size]byte

func fingerprintOf(parts ...string) fingerprint {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return fingerprint(h.Sum(nil))
}
