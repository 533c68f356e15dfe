package distribution

import (
	"strings"
	"testing"
)

func TestChooseChallenge(t *testing.T) {
	const realm = "https://auth.example/token"
	for _, c := range []struct {
		name    string
		headers []string
		want    challenge
		realm   string
		none    bool
	}{
		{name: "bearer", headers: []string{`Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"`},
			want: challenge{scheme: "bearer", service: "reg", scope: "repository:a/b:pull,push"}, realm: realm},
		{name: "spaces_and_case", headers: []string{`BEARER  Realm = "https://auth.example/token" , SERVICE="a \"b\""`},
			want: challenge{scheme: "bearer", service: `a "b"`}, realm: realm},
		{name: "two_in_one_header", headers: []string{`Bearer realm="https://auth.example/token",service="container_registry",Basic realm="x"`},
			want: challenge{scheme: "bearer", service: "container_registry"}, realm: realm},
		{name: "basic_before_bearer", headers: []string{`Basic realm="x", Bearer realm="https://auth.example/token"`},
			want: challenge{scheme: "bearer"}, realm: realm},
		{name: "two_headers", headers: []string{`Basic realm="x"`, `Bearer realm="https://auth.example/token"`},
			want: challenge{scheme: "bearer"}, realm: realm},
		{name: "unquoted", headers: []string{`Bearer realm=https://auth.example/token,service=reg`},
			want: challenge{scheme: "bearer", service: "reg"}, realm: realm},
		{name: "token68_of_another_scheme", headers: []string{`Negotiate YWJj==, Basic realm="x"`}, want: challenge{scheme: "basic"}},
		{name: "realm_is_no_URL", headers: []string{`Bearer realm="Artifactory Realm"`}, want: challenge{scheme: "basic"}},
		{name: "realm_of_another_scheme", headers: []string{`Bearer realm="file:///etc/passwd"`}, want: challenge{scheme: "basic"}},
		{name: "realm_with_query_and_user", headers: []string{`Bearer realm="https://u:p@auth.example/token?a=b#c"`},
			want: challenge{scheme: "bearer"}, realm: realm + "?a=b"},
		{name: "unfinished_quote", headers: []string{`Bearer realm="https://auth.example/token`}, want: challenge{scheme: "bearer"}, realm: realm},
		{name: "unsupported", headers: []string{`Negotiate`, `Digest realm="x", nonce="y"`}, none: true},
		{name: "nothing", headers: nil, none: true},
		{name: "too_long", headers: []string{strings.Repeat("a", maxChallengeBytes), `Basic realm="x"`}, none: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found, offered := chooseChallenge(c.headers)
			if found == c.none {
				t.Fatalf("found %v (%s)", found, offered)
			}
			if c.none {
				if c.name == "unsupported" && offered != "negotiate, digest" {
					t.Errorf("offered %q", offered)
				}
				return
			}
			at := ""
			if got.realm != nil {
				at = got.realm.String()
			}
			got.realm = nil
			if got != c.want || at != c.realm {
				t.Errorf("got %+v at %q", got, at)
			}
		})
	}
}

func FuzzChallenge(f *testing.F) {
	for _, s := range []string{
		`Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull"`, `Basic realm="x"`, `Negotiate YWJj==`,
		`Bearer realm="a\"b", Basic`, `,,,=,"`, `Bearer realm=`, "Basic\x00realm=\"x\"",
	} {
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		how, found, _ := chooseChallenge([]string{a, b})
		if !found {
			return
		}
		if how.scheme == "bearer" && (how.realm.Hostname() == "" || how.realm.User != nil || (how.realm.Scheme != "https" && how.realm.Scheme != "http")) {
			t.Fatalf("%q, %q: tokens from %v", a, b, how.realm)
		}
		if list := parseChallenges([]string{a, b}); len(list) > 16 {
			t.Fatalf("%d challenges", len(list))
		}
	})
}
