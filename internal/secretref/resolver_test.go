package secretref_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

func parse(t *testing.T, written string) secretref.Reference {
	t.Helper()
	ref, _, err := secretref.Parse(secret.New(written))
	if err != nil || !ref.IsSet() {
		t.Fatalf("%q is no reference: %v", written, err)
	}
	return ref
}

func allow(t *testing.T, list string) secretref.Allowed {
	t.Helper()
	a, err := secretref.ParseAllowed(list)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// want checks what a reference is resolved to, or the code and a part of the error and its fix.
func want(t *testing.T, r *secretref.Resolver, written string, trusted bool, value string, code fault.Code, parts ...string) {
	t.Helper()
	got, err := r.Resolve(t.Context(), parse(t, written), trusted)
	if code == "" {
		if err != nil || got.Reveal() != value {
			t.Errorf("%s is %q: %v, want %q", written, got.Reveal(), err, value)
		}
		return
	}
	if fault.CodeOf(err) != code || got.IsSet() {
		t.Errorf("%s gives %v (%s) and a value: %t, want %s", written, err, fault.CodeOf(err), got.IsSet(), code)
		return
	}
	for _, part := range append(parts, written) {
		if text := err.Error() + " " + fault.FixOf(err); !strings.Contains(text, part) {
			t.Errorf("%s: %q lacks %q", written, text, part)
		}
	}
}

func TestParseAllowed(t *testing.T) {
	for _, good := range []string{"", " , ", "env:*", "env:REGISTRY_*, file:/run/secrets/*/password ,kubernetes:team/*/*", "file:/run/secrets/token"} {
		if _, err := secretref.ParseAllowed(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"*", "REGISTRY_*", "env:", "env:A/B", "env:[", "file:relative/*", "file:/", "file:/a/../b", "file:/a/", "kubernetes:team/*",
		"kubernetes:*", "value:x", "env:A;env:B/",
	} {
		if _, err := secretref.ParseAllowed(bad); fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestResolve_variable(t *testing.T) {
	r := secretref.New(secretref.Options{
		Env: environment(map[string]string{
			"REGISTRY_PASSWORD": "hunter2", "REGISTRY_FILE": "hunter3\r\n", "OTHER": "other", "REGISTRY_BLANK": " \n", "REGISTRY_BINARY": "a\x01b",
			"REGISTRY_LATIN": "\xe9", "REGISTRY_PEM": "-----BEGIN\n-----END\n",
		}),
		Allowed: allow(t, "env:REGISTRY_*"),
	})
	want(t, r, "env:REGISTRY_PASSWORD", false, "hunter2", "")
	want(t, r, "env:REGISTRY_FILE", false, "hunter3", "")
	want(t, r, "env:REGISTRY_PEM", false, "-----BEGIN\n-----END", "")
	want(t, r, "env:REGISTRY_NONE", false, "", fault.Unauthenticated, "not set")
	want(t, r, "env:REGISTRY_BLANK", false, "", fault.Unauthenticated, "empty")
	want(t, r, "env:REGISTRY_BINARY", false, "", fault.Unauthenticated, "binary")
	want(t, r, "env:REGISTRY_LATIN", false, "", fault.Unauthenticated, "binary")
	want(t, r, "env:OTHER", false, "", fault.Forbidden, "--allow-references 'env:OTHER'", "LANDWAITER_ALLOW_REFERENCES")
	want(t, r, "env:OTHER", true, "other", "")
	want(t, secretref.New(secretref.Options{Env: environment(nil)}), "env:REGISTRY_PASSWORD", false, "", fault.Forbidden)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func TestResolve_file(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return "file:" + filepath.Join(dir, name) }
	write(t, filepath.Join(dir, "own", "password"), "hunter2\n")
	write(t, filepath.Join(dir, "own", "empty"), "\n")
	write(t, filepath.Join(dir, "own", "full"), strings.Repeat("x", 64<<10)+"\n")
	write(t, filepath.Join(dir, "own", "large"), strings.Repeat("x", 64<<10+1))
	write(t, filepath.Join(dir, "own", "binary"), "PK\x03\x04")
	write(t, filepath.Join(dir, "elsewhere", "password"), "of somebody else")
	r := secretref.New(secretref.Options{Env: environment(nil), Allowed: allow(t, file("own/*"))})

	t.Run("within_bounds", func(t *testing.T) {
		want(t, r, file("own/password"), false, "hunter2", "")
		want(t, r, file("own/full"), false, strings.Repeat("x", 64<<10), "")
		want(t, r, file("own/large"), false, "", fault.Unauthenticated, "64 KiB")
		want(t, r, file("own/empty"), false, "", fault.Unauthenticated, "empty")
		want(t, r, file("own/binary"), false, "", fault.Unauthenticated, "binary")
		want(t, r, file("own/none"), false, "", fault.Unauthenticated, "no such file")
		want(t, r, file("elsewhere/password"), false, "", fault.Forbidden, "--allow-references")
		want(t, r, file("own/password/x"), false, "", fault.Forbidden)
		want(t, r, file("elsewhere/password"), true, "of somebody else", "")
		if os.Getuid() != 0 {
			if err := os.Chmod(filepath.Join(dir, "own", "password"), 0); err != nil {
				t.Fatal(err)
			}
			want(t, r, file("own/password"), false, "", fault.Unauthenticated, "may not read")
		}
	})

	t.Run("changes", func(t *testing.T) {
		write(t, filepath.Join(dir, "own", "rotated"), "first")
		want(t, r, file("own/rotated"), false, "first", "")
		write(t, filepath.Join(dir, "own", "rotated"), "second")
		want(t, r, file("own/rotated"), false, "second", "")
	})

	t.Run("is_no_directory_and_no_pipe", func(t *testing.T) {
		if err := os.Mkdir(filepath.Join(dir, "own", "directory"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(filepath.Join(dir, "own", "pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		for _, trusted := range []bool{false, true} {
			want(t, r, file("own/directory"), trusted, "", fault.Unauthenticated, "not a file")
			want(t, r, file("own/pipe"), trusted, "", fault.Unauthenticated, "not a file")
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("it waited %s for a pipe", took)
		}
	})
}

// Kubernetes mounts a Secret so that all its keys change at once.
func TestResolve_file_of_a_mounted_Secret(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "team", "..2026_01_01", "password"), "first")
	link(t, "..2026_01_01", filepath.Join(dir, "team", "..data"))
	link(t, "..data/password", filepath.Join(dir, "team", "password"))
	for _, pattern := range []string{"/team/*", "/*/password", "/team/password"} {
		r := secretref.New(secretref.Options{Env: environment(nil), Allowed: allow(t, "file:"+dir+pattern)})
		want(t, r, "file:"+dir+"/team/password", false, "first", "")
	}
	write(t, filepath.Join(dir, "team", "..2026_01_02", "password"), "second")
	link(t, "..2026_01_02", filepath.Join(dir, "team", "..data_tmp"))
	if err := os.Rename(filepath.Join(dir, "team", "..data_tmp"), filepath.Join(dir, "team", "..data")); err != nil {
		t.Fatal(err)
	}
	r := secretref.New(secretref.Options{Env: environment(nil), Allowed: allow(t, "file:"+dir+"/team/*")})
	want(t, r, "file:"+dir+"/team/password", false, "second", "")
}

func TestResolve_file_does_not_follow_links_out(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "outside", "password"), "of somebody else")
	write(t, filepath.Join(dir, "own", "a", "password"), "mine")
	link(t, "../../outside/password", filepath.Join(dir, "own", "a", "relative"))
	link(t, filepath.Join(dir, "outside", "password"), filepath.Join(dir, "own", "a", "absolute"))
	link(t, filepath.Join(dir, "outside"), filepath.Join(dir, "own", "b"))
	link(t, "../a/password", filepath.Join(dir, "own", "c"))
	if err := os.Mkdir(filepath.Join(dir, "own", "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	link(t, "../a/password", filepath.Join(dir, "own", "d", "password"))
	link(t, "loop", filepath.Join(dir, "own", "a", "loop"))
	r := secretref.New(secretref.Options{Env: environment(nil), Allowed: allow(t, "file:"+dir+"/own/*/*")})
	want(t, r, "file:"+dir+"/own/a/password", false, "mine", "")
	for _, name := range []string{"a/relative", "a/absolute", "b/password", "d/password", "a/loop"} {
		want(t, r, "file:"+dir+"/own/"+name, false, "", fault.Unauthenticated, "--allow-references names")
	}
	// The operator's own references are followed wherever they lead.
	want(t, r, "file:"+dir+"/own/a/absolute", true, "of somebody else", "")
}
