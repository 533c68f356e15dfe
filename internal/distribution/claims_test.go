package distribution

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

func webToken(claims string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestClaimsOf_reads_what_a_token_allows(t *testing.T) {
	claims, ok := ClaimsOf(secret.New(webToken(`{"exp":1798859045,"access":[{"type":"repository","name":"a/b","actions":["pull","push"]},{"type":"x","name":"y","actions":null}]}`)))
	if !ok || len(claims.Access) != 2 || claims.Access[0].Name != "a/b" || !slices.Equal(claims.Access[0].Actions, []string{"pull", "push"}) {
		t.Errorf("got %+v", claims)
	}
	claims, ok = ClaimsOf(secret.New(webToken(`{"access":{"repository:a/b":["pull"]}}`)))
	if !ok || claims.Access != nil || !claims.Expires.IsZero() {
		t.Errorf("another shape of the claim is read as %+v", claims)
	}
}

func FuzzClaimsOf(f *testing.F) {
	f.Add(webToken(`{"iat":1798859045,"exp":1798859045,"access":[{"type":"repository","name":"a","actions":["pull"]}]}`))
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, _ := ClaimsOf(secret.New(token))
		for _, got := range []time.Time{claims.Issued, claims.Expires} {
			if got.Year() > 9999 || (!got.IsZero() && got.Unix() < 1) {
				t.Errorf("%q says %s", token, got)
			}
		}
		if len(claims.Access) > 32 {
			t.Errorf("%d accesses are kept", len(claims.Access))
		}
	})
}
