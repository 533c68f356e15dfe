package secretref_test

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

func TestParse(t *testing.T) {
	for written, want := range map[string]string{ // "" is a value, "!" malformed
		"":                                     "",
		"hunter2":                              "",
		"ENV:X":                                "",
		" env:X":                               "",
		"environment:X":                        "",
		"env:X":                                "env:X",
		"env:_REGISTRY_PASSWORD_2":             "env:_REGISTRY_PASSWORD_2",
		"env:":                                 "!",
		"env:2X":                               "!",
		"env:X ":                               "!",
		"env:X=Y":                              "!",
		"env:LANDWAITER_SECRET_KEY":            "!",
		"env:landwaiter_token":                 "!",
		"env:" + strings.Repeat("X", 300):      "!",
		"file:/run/secrets/registries/team":    "file:/run/secrets/registries/team",
		"file:/with space/ünïcode":             "file:/with space/ünïcode",
		"file:relative":                        "!",
		"file:/":                               "!",
		"file:/a/../b":                         "!",
		"file:/a//b":                           "!",
		"file:/a/":                             "!",
		"file:/a\x00b":                         "!",
		"file:/a\nb":                           "!",
		"file:/\xff":                           "!",
		"file:///etc/passwd":                   "!",
		"file:/" + strings.Repeat("a", 5000):   "!",
		"kubernetes:team/pull/password":        "kubernetes:team/pull/password",
		"kubernetes:team/pull.v1/.docker.json": "kubernetes:team/pull.v1/.docker.json",
		"kubernetes:team/pull":                 "!",
		"kubernetes:team/pull/key/more":        "!",
		"kubernetes:../pull/key":               "!",
		"kubernetes:Team/pull/key":             "!",
		"kubernetes:team/../key":               "!",
		"kubernetes:team/pull?x=/key":          "!",
		"kubernetes:team/pull/":                "!",
		"value:":                               "",
		"value:env:X":                          "",
	} {
		ref, value, err := secretref.Parse(secret.New(written))
		switch {
		case want == "!":
			if fault.CodeOf(err) != fault.Invalid || ref.IsSet() || value.IsSet() {
				t.Errorf("%q is taken as %q, or as a value (%t): %v", written, ref, value.IsSet(), err)
			}
			_, name, _ := strings.Cut(written, ":")
			if len(name) > 3 && strings.Contains(err.Error()+fault.FixOf(err), name) {
				t.Errorf("%q is repeated in %v", written, err)
			}
		case err != nil || ref.String() != want:
			t.Errorf("%q is taken as %q: %v", written, ref, err)
		case want == "" && value.Reveal() != strings.TrimPrefix(written, "value:"):
			t.Errorf("%q is taken as the value %q", written, value.Reveal())
		case want != "" && value.IsSet():
			t.Errorf("%q is also a value", written)
		}
	}
}

func TestLiteral(t *testing.T) {
	for plain, want := range map[string]string{
		"": "", "hunter2": "hunter2", "env:X": "value:env:X", "value:x": "value:value:x", "file:": "value:file:",
	} {
		if got := secretref.Literal(secret.New(plain)).Reveal(); got != want {
			t.Errorf("%q is written %q, want %q", plain, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"env:X", "file:/a/b", "kubernetes:a/b/c", "value:env:X", "env:", "hunter2", "file:/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		ref, value, err := secretref.Parse(secret.New(written))
		switch {
		case err != nil:
			if fault.CodeOf(err) != fault.Invalid || ref.IsSet() || value.IsSet() {
				t.Errorf("%q: %v, and %q", written, err, ref)
			}
		case ref.IsSet():
			if ref.String() != written || value.IsSet() {
				t.Errorf("%q is read as %q", written, ref)
			}
		default:
			again, same, err := secretref.Parse(secretref.Literal(value))
			if err != nil || again.IsSet() || !same.Equal(value) {
				t.Errorf("the value of %q does not survive being written", written)
			}
		}
	})
}

func FuzzParseAllowed(f *testing.F) {
	f.Add("env:REGISTRY_*,file:/run/secrets/*/password,kubernetes:team/*/*", "file:/run/secrets/a/password")
	f.Add("env:[", "env:X")
	f.Add(`file:/a\*/*`, "file:/a*/x")
	f.Fuzz(func(t *testing.T, list, written string) {
		allowed, err := secretref.ParseAllowed(list)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%q: %v", list, err)
			}
			return
		}
		ref, _, err := secretref.Parse(secret.New(written))
		if err != nil || !ref.IsSet() || strings.HasPrefix(written, "kubernetes:") {
			return
		}
		none := func(string) string { return "" }
		// What no pattern begins like is refused, and nothing is asked.
		_, err = secretref.New(secretref.Options{Env: none, Allowed: allowed}).Resolve(t.Context(), ref, false)
		scheme, _, _ := strings.Cut(written, ":")
		if !strings.Contains(list, scheme+":") && fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("%q allows %q: %v", list, written, err)
		}
	})
}
