package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/server"
)

// trusting is a client that trusts one CA file and asks for a server name.
func trusting(t *testing.T, caFile, serverName string) *http.Client {
	t.Helper()
	b, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: serverName}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestGeneratedTLS(t *testing.T) {
	dir := t.TempDir()
	// TLS wherever the server can be reached from outside; the test itself connects over loopback.
	o := server.Options{Listen: "0.0.0.0:0", TLSDir: dir, Portal: page("hello")}
	s := start(t, o)
	if !strings.HasPrefix(s.url, "https://localhost:") {
		t.Fatal(s.url)
	}
	ca := filepath.Join(dir, "ca.crt")
	local := strings.Replace(s.url, "localhost", "127.0.0.1", 1)

	for _, name := range []string{"localhost", "127.0.0.1", "central.stackrox"} {
		r, body := get(t, trusting(t, ca, name), local)
		if body != "hello" || r.ProtoMajor != 2 {
			t.Errorf("%s: %q over %s", name, body, r.Proto)
		}
	}
	if _, err := trusting(t, ca, "other.example").Get(local); err == nil {
		t.Error("the certificate is for other names too")
	}
	if r, err := http.Get(strings.Replace(local, "https:", "http:", 1)); err == nil {
		r.Body.Close()
		if r.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP was answered with %s", r.Status)
		}
	}
	for name, mode := range map[string]os.FileMode{"ca.key": 0o600, "server.key": 0o600, "ca.crt": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}

	t.Run("a_restart_keeps_CA_and_certificate", func(t *testing.T) {
		before := [2]string{fingerprint(t, dir, "ca"), fingerprint(t, dir, "server")}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		again := start(t, o)
		if after := [2]string{fingerprint(t, dir, "ca"), fingerprint(t, dir, "server")}; after != before {
			t.Error("they changed")
		}
		get(t, trusting(t, ca, "localhost"), strings.Replace(again.url, "localhost", "127.0.0.1", 1))
		again.stop()
	})
	t.Run("near_its_end_the_certificate_is_renewed_by_the_same_CA", func(t *testing.T) {
		before := [2]string{fingerprint(t, dir, "ca"), fingerprint(t, dir, "server")}
		later := o
		later.Now = func() time.Time { return time.Now().Add(380 * 24 * time.Hour) }
		start(t, later).stop()
		if fingerprint(t, dir, "ca") != before[0] || fingerprint(t, dir, "server") == before[1] {
			t.Error("want the same CA and another certificate")
		}
	})
	t.Run("renewed_while_running_too", func(t *testing.T) {
		var mu sync.Mutex
		now := time.Now()
		moving := o
		moving.TLSDir = t.TempDir()
		moving.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		s := start(t, moving)
		before := fingerprint(t, moving.TLSDir, "server")
		mu.Lock()
		now = now.Add(380 * 24 * time.Hour)
		mu.Unlock()
		c := trusting(t, filepath.Join(moving.TLSDir, "ca.crt"), "localhost")
		c.Transport.(*http.Transport).TLSClientConfig.Time = moving.Now
		get(t, c, strings.Replace(s.url, "localhost", "127.0.0.1", 1))
		if fingerprint(t, moving.TLSDir, "server") == before {
			t.Error("it was not renewed")
		}
	})
	t.Run("broken_files_say_what_to_do", func(t *testing.T) {
		broken := t.TempDir()
		for _, name := range []string{"ca.crt", "ca.key"} {
			if err := os.WriteFile(filepath.Join(broken, name), []byte("nonsense"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := server.Run(t.Context(), server.Options{Listen: "0.0.0.0:0", TLSDir: broken})
		if fault.FixOf(err) == "" || !strings.Contains(fault.FixOf(err), broken) {
			t.Errorf("%v, fix %q", err, fault.FixOf(err))
		}
	})
}

func fingerprint(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	return string(block.Bytes)
}

func TestGivenCertificate(t *testing.T) {
	// Certificates to give are made by two servers that generate them.
	made := func() string {
		dir := t.TempDir()
		start(t, server.Options{Listen: "0.0.0.0:0", TLSDir: dir}).stop()
		return dir
	}
	first, second, dir := made(), made(), t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	give := func(from string, modified time.Time) {
		for to, name := range map[string]string{cert: "server.crt", key: "server.key"} {
			b, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.WriteFile(to, b, 0o600), os.Chtimes(to, modified, modified)); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now()
	give(first, now)
	var mu sync.Mutex
	s := start(t, server.Options{CertFile: cert, KeyFile: key, Portal: page("hello"), Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") {
		t.Fatal(s.url)
	}
	later := func() { mu.Lock(); defer mu.Unlock(); now = now.Add(2 * time.Second) }
	get(t, trusting(t, filepath.Join(first, "ca.crt"), "localhost"), s.url)

	t.Run("changed_files_are_read_again", func(t *testing.T) {
		give(second, now.Add(time.Minute))
		later()
		get(t, trusting(t, filepath.Join(second, "ca.crt"), "localhost"), s.url)
	})
	t.Run("files_that_do_not_fit_change_nothing", func(t *testing.T) {
		if err := os.WriteFile(key, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		later()
		get(t, trusting(t, filepath.Join(second, "ca.crt"), "localhost"), s.url)
		if !strings.Contains(s.log.String(), "cannot be used") {
			t.Error("not logged")
		}
	})
	t.Run("one_file_is_not_enough", func(t *testing.T) {
		if err := server.Run(t.Context(), server.Options{Listen: "127.0.0.1:0", CertFile: cert}); fault.CodeOf(err) != fault.Invalid {
			t.Error(err)
		}
	})
}
