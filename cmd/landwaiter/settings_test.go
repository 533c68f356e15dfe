package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name         string
		args         []string
		environment  map[string]string
		listen, fail string
		demo         bool
	}{
		{name: "default", listen: "127.0.0.1:8080"},
		{name: "environment", environment: map[string]string{"LANDWAITER_LISTEN": ":1", "LANDWAITER_DEMO": "1"}, listen: ":1", demo: true},
		{name: "a_flag_goes_before_the_environment", args: []string{"--listen", ":2", "--demo=false"},
			environment: map[string]string{"LANDWAITER_LISTEN": ":1", "LANDWAITER_DEMO": "true"}, listen: ":2"},
		{name: "an_empty_variable_is_none", environment: map[string]string{"LANDWAITER_LISTEN": ""}, listen: "127.0.0.1:8080"},
		{name: "nonsense_is_refused", environment: map[string]string{"LANDWAITER_DEMO": "yes please"}, fail: "LANDWAITER_DEMO"},
		{name: "nonsense_that_a_flag_overrides_is_not", args: []string{"--demo"}, environment: map[string]string{"LANDWAITER_DEMO": "?"},
			listen: "127.0.0.1:8080", demo: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
			listen, demo := text(fs, settingListen), toggle(fs, settingDemo)
			if err := fs.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			p := &program{getenv: func(name string) string { return c.environment[name] }}
			err := p.fromEnvironment(fs)
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || *listen != c.listen || *demo != c.demo {
				t.Errorf("got %q, %v, %v", *listen, *demo, err)
			}
		})
	}
}

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/jane")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, given, xdg, want string }{
		{"given", "/srv/lw", "/xdg", "/srv/lw"},
		{"given_relative", "lw", "", filepath.Join(wd, "lw")},
		{"XDG", "", "/xdg", "/xdg/landwaiter"},
		{"relative_XDG_is_ignored", "", "xdg", "/home/jane/.local/share/landwaiter"},
		{"home", "", "", "/home/jane/.local/share/landwaiter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &program{getenv: func(string) string { return c.xdg }}
			if got, err := p.dataDir(c.given); got != c.want || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestFlagOf(t *testing.T) {
	for _, c := range []struct {
		field  string
		secret bool
		want   string
	}{
		{"endpoint", false, "endpoint"},
		{"password", true, "password-file"},
		{"oauthToken", true, "oauth-token-file"},
		{"registryRobotCredentials.username", false, "registry-robot-credentials-username"},
	} {
		if got := flagOf(c.field, c.secret); got != c.want {
			t.Errorf("%s: got %s, want %s", c.field, got, c.want)
		}
	}
	// Every setting of every type has a flag, and no two settings that differ share one.
	kinds := map[string]integration.Kind{}
	d := newDraftFlags(pflag.NewFlagSet("test", pflag.ContinueOnError), registryTypes(t)).withType().withSkipTest()
	for _, typ := range integrations.All() {
		for _, f := range typ.Fields {
			flag := flagOf(f.Name, f.Kind.InFile())
			if d.flags.Lookup(flag) == nil {
				t.Errorf("%s.%s has no flag --%s", typ.ID, f.Name, flag)
			}
			isToggle := f.Kind == integration.Toggle
			if kind, seen := kinds[flag]; seen && (kind == integration.Toggle) != isToggle {
				t.Errorf("--%s is a toggle for some types only", flag)
			}
			kinds[flag] = f.Kind
		}
	}
}

func TestPut(t *testing.T) {
	settings := map[string]any{}
	put(settings, "endpoint", "quay.io")
	put(settings, "robot.username", "org+robot")
	put(settings, "robot.password", "secret")
	if get(settings, "endpoint") != "quay.io" || get(settings, "robot.username") != "org+robot" || get(settings, "robot.password") != "secret" {
		t.Errorf("got %v", settings)
	}
	if got := get(settings, "other.username"); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for _, c := range []struct{ name, content, want, fail string }{
		{"trailing_line_break_goes", "pass word\r\n", "pass word", ""},
		{"inner_line_breaks_stay", "{\n}\n", "{\n}", ""},
		{"empty", "", "", ""},
		{"largest", strings.Repeat("x", fileLimit), strings.Repeat("x", fileLimit), ""},
		{"too_large", strings.Repeat("x", fileLimit+1), "", "more than 262144 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{path, "-"} {
				p := &program{streams: streams{in: strings.NewReader(c.content)}}
				got, err := p.readFile(from)
				if c.fail != "" {
					if err == nil || !strings.Contains(err.Error(), c.fail) {
						t.Errorf("%s: got %v", from, err)
					}
				} else if err != nil || got.Reveal() != c.want {
					t.Errorf("%s: got %d bytes, %v", from, len(got.Reveal()), err)
				}
			}
		})
	}
}

func TestSpeaksPlainHTTP(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	closing, err := net.Listen("tcp", "127.0.0.1:0") // closes a connection as soon as it has seen a byte
	if err != nil {
		t.Fatal(err)
	}
	defer closing.Close()
	go func() {
		for {
			conn, err := closing.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 1))
			conn.Close()
		}
	}()
	for _, c := range []struct {
		name, host string
		want       bool
	}{
		{"plain", plain.Listener.Addr().String(), true},
		{"TLS", secure.Listener.Addr().String(), false},
		{"no_answer_to_TLS", closing.Addr().String(), true},
		{"nothing_there", "127.0.0.1:1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := speaksPlainHTTP(t.Context(), c.host); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if speaksPlainHTTP(ctx, plain.Listener.Addr().String()) {
		t.Error("it asked although the command was cancelled")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	t.Setenv("HOME", t.TempDir())
	status := run(ctx, []string{"image", "inspect", "127.0.0.1:1/app"}, streams{strings.NewReader(""), &out, &errs}, func(string) string { return "" })
	if status != 2 || errs.String() != "landwaiter: interrupted\n" || out.Len() != 0 {
		t.Errorf("status %d\n%s%s", status, &out, &errs)
	}
}

func TestLayerFiles(t *testing.T) {
	l := layerFiles{dir: filepath.Join(t.TempDir(), "layers"), limit: 250}
	l.prune() // of a directory that there is not
	if b, ok, err := l.LayerResult(t.Context(), "none"); b != nil || ok || err != nil {
		t.Errorf("got %q, %v, %v", b, ok, err)
	}
	old := time.Now().Add(-time.Hour)
	for i, key := range []string{"a", "b", "../c"} {
		if err := l.PutLayerResult(t.Context(), key, bytes.Repeat([]byte(key[len(key)-1:]), 100)); err != nil {
			t.Fatal(err)
		}
		at := old.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(l.path(key), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if b, ok, err := l.LayerResult(t.Context(), "a"); len(b) != 100 || !ok || err != nil { // it is used now, so it stays
		t.Fatalf("got %q, %v, %v", b, ok, err)
	}
	l.prune()
	var kept []string
	for _, key := range []string{"a", "b", "../c"} {
		if _, ok, _ := l.LayerResult(t.Context(), key); ok {
			kept = append(kept, key)
		}
	}
	if !slices.Equal(kept, []string{"a", "../c"}) {
		t.Errorf("kept %v", kept)
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%d files, %v", len(entries), err)
	}
	info, err := os.Stat(l.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v", info, err)
	}
	unwritable := layerFiles{dir: "/dev/null/layers", limit: 1}
	if err := unwritable.PutLayerResult(t.Context(), "a", nil); err == nil {
		t.Error("no error where nothing can be written")
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain Ünïcode 漢字": "plain Ünïcode 漢字", "a\tb\nc": "a b c", "\x1b[31mred": " [31mred", "\u202egnp": " gnp", "\u009b": " ",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestPlural(t *testing.T) {
	for _, c := range []struct {
		n    int
		one  string
		want string
	}{{0, "layer", "0 layers"}, {1, "policy", "1 policy"}, {2, "policy", "2 policies"}, {2, "layer", "2 layers"}} {
		if got := plural(c.n, c.one); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
