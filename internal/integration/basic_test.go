package integration

import (
	"context"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func webToken(claims string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestBasic_says_when_a_web_token_ends(t *testing.T) {
	end := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		name, password string
		want           time.Time
	}{
		{"token", webToken(`{"sub":"jane","exp":1798859045}`), end},
		{"token with fractions", webToken(`{"exp":1798859045.75}`), end},
		{"token without end", webToken(`{"sub":"jane"}`), time.Time{}},
		{"end that is no number", webToken(`{"exp":"soon"}`), time.Time{}},
		{"end before time", webToken(`{"exp":-1}`), time.Time{}},
		{"end after time", webToken(`{"exp":1e30}`), time.Time{}},
		{"claims that are no object", webToken(`[1798859045]`), time.Time{}},
		{"two parts", "eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTg4NTkwNDV9", time.Time{}},
		{"four parts", webToken(`{"exp":1798859045}`) + ".x", time.Time{}},
		{"password with dots", "correct.horse.battery", time.Time{}},
		{"password", "correct-horse", time.Time{}},
		{"anonymous", "", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Basic(distribution.Endpoint{Scheme: "https", Host: "registry.example"}, "jane", secret.New(test.password))
			got, err := r.Credential(context.Background(), image.Reference{})
			if err != nil || !got.Expires.Equal(test.want) {
				t.Errorf("ends %s, want %s: %v", got.Expires, test.want, err)
			}
		})
	}
}

func TestCheckBasic(t *testing.T) {
	for _, test := range []struct {
		name, username, password string
		want                     []Problem
	}{
		{"both", "jane", "p", nil},
		{"neither", "", "", nil},
		{"no password", "jane", "", []Problem{{Field: "password", Message: "A password is required if the integration has a username"}}},
		{"no username", "", "p", []Problem{{Field: "username", Message: "A username is required if the integration has a password"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewConfig(map[string]any{"username": test.username}, map[string]secret.Text{"password": secret.New(test.password)})
			if got := CheckBasic(c, nil); !slices.Equal(got, test.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestDetectHost_wants_the_whole_host(t *testing.T) {
	detect := DetectHost(`a\.example|b\.example`)
	for host, want := range map[string]string{
		"a.example": "a.example", "b.example": "b.example", "B.Example": "b.example",
		"a.example.evil.example": "", "evil-a.example": "", "x.b.example": "", "b.example.evil": "", "b.example:443": "",
		"a.example\n": "", "a.example.": "", "axexample": "", "": "",
	} {
		c, ok := detect(host)
		if ok != (want != "") || c.Text("endpoint") != want {
			t.Errorf("%q is detected as %q, %t", host, c.Text("endpoint"), ok)
		}
	}
}
