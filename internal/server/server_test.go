package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/server"
)

type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// A running server; stop ends it and returns what Run returned.
type running struct {
	url  string
	log  *log
	stop func() error
}

func start(t *testing.T, o server.Options) *running {
	t.Helper()
	r := &running{log: &log{}}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Log = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	urls, ended := make(chan string, 1), make(chan error, 1)
	o.Listening = func(url string) { urls <- url }
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- server.Run(ctx, o) }()
	select {
	case r.url = <-urls:
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func page(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}

func TestHealth(t *testing.T) {
	broken := errors.New("the database is away, password hunter2")
	ready := error(nil)
	var mu sync.Mutex
	s := start(t, server.Options{Portal: page("portal"), Ready: func(context.Context) error { mu.Lock(); defer mu.Unlock(); return ready }})
	for _, path := range []string{"/healthz", "/readyz"} {
		if r, body := get(t, http.DefaultClient, s.url+path); r.StatusCode != 200 || !strings.Contains(body, `"status":"ok"`) {
			t.Errorf("%s: %d %s", path, r.StatusCode, body)
		}
	}
	mu.Lock()
	ready = broken
	mu.Unlock()
	if r, body := get(t, http.DefaultClient, s.url+"/readyz"); r.StatusCode != 503 || strings.Contains(body, "hunter2") {
		t.Errorf("%d %s", r.StatusCode, body)
	}
	if r, _ := get(t, http.DefaultClient, s.url+"/healthz"); r.StatusCode != 200 {
		t.Error("alive but not ready must be healthy")
	}
	r, err := http.Post(s.url+"/healthz", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s, Allow %q", r.Status, r.Header.Get("Allow"))
	}
}

func TestMiddleware(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 10_000) + `"}`
	s := start(t, server.Options{
		Portal: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			if r.Method == http.MethodPost {
				if _, err := io.ReadAll(io.LimitReader(r.Body, 1<<30)); err != nil {
					http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
				}
			}
		}),
		Routes: map[string]http.Handler{
			"/panic": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("inside") }),
			"/half":  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, long); panic("inside") }),
			"/json": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, long[:len(long)/2])
				io.WriteString(w, long[len(long)/2:])
			}),
			"/short": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusTeapot)
				io.WriteString(w, "{}")
			}),
		},
	})

	t.Run("pages_set_their_own_policy_and_others_get_the_strict_one", func(t *testing.T) {
		r, _ := get(t, http.DefaultClient, s.url+"/")
		if p := r.Header.Get("Content-Security-Policy"); p != "default-src 'self'" {
			t.Error(p)
		}
		r, _ = get(t, http.DefaultClient, s.url+"/healthz")
		if p := r.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error(r.Header)
		}
	})
	t.Run("a_request_has_a_name", func(t *testing.T) {
		for given, keeps := range map[string]bool{"abc-1": true, "": false, "a b": false, strings.Repeat("x", 65): false} {
			r, _ := http.NewRequest("GET", s.url+"/healthz", nil)
			r.Header.Set("X-Request-Id", given)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if id := answer.Header.Get("X-Request-Id"); id == "" || (id == given) != keeps {
				t.Errorf("%q became %q", given, id)
			}
		}
	})
	t.Run("the_log_holds_no_query_and_no_credentials", func(t *testing.T) {
		r, _ := http.NewRequest("GET", s.url+"/somewhere?token=hunter2", nil)
		r.Header.Set("Authorization", "Bearer hunter3")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		waitFor(t, func() bool { return strings.Contains(s.log.String(), "path=/somewhere") })
		if strings.Contains(s.log.String(), "hunter") {
			t.Error(s.log)
		}
	})
	t.Run("a_panic_is_logged_and_not_shown", func(t *testing.T) {
		r, body := get(t, http.DefaultClient, s.url+"/panic")
		if r.StatusCode != 500 || strings.Contains(body, "inside") || !strings.Contains(body, r.Header.Get("X-Request-Id")) {
			t.Errorf("%d %s", r.StatusCode, body)
		}
		waitFor(t, func() bool { return strings.Contains(s.log.String(), "panic=inside") })
	})
	t.Run("half_an_answer_does_not_look_whole", func(t *testing.T) {
		r, err := http.Get(s.url + "/half")
		if err != nil {
			return
		}
		defer r.Body.Close()
		if b, err := io.ReadAll(r.Body); err == nil && r.StatusCode == 200 {
			t.Errorf("%d bytes without an error", len(b))
		}
	})
	t.Run("json_is_compressed_when_asked", func(t *testing.T) {
		plain := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		defer plain.CloseIdleConnections()
		if r, body := get(t, plain, s.url+"/json"); r.Header.Get("Content-Encoding") != "" || body != long {
			t.Error(r.Header)
		}
		r, _ := http.NewRequest("GET", s.url+"/json", nil)
		r.Header.Set("Accept-Encoding", "br, gzip;q=0.8")
		answer, err := plain.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		z, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != long {
			t.Error(len(b), err)
		}
		r.Header.Set("Accept-Encoding", "gzip;q=0")
		if answer, err := plain.Do(r); err != nil || answer.Header.Get("Content-Encoding") != "" {
			t.Error("gzip was refused", err)
		}
		if r, body := get(t, http.DefaultClient, s.url+"/short"); r.StatusCode != http.StatusTeapot || body != "{}" {
			t.Error(r.StatusCode, body)
		}
	})
	t.Run("what_is_sent_to_pages_is_bounded", func(t *testing.T) {
		r, err := http.Post(s.url+"/form", "text/plain", io.LimitReader(zeros{}, 2<<20))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusRequestEntityTooLarge {
			t.Error(r.StatusCode)
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it did not happen in time")
}

func TestGRPC(t *testing.T) {
	grpc := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "16")
	})
	s := start(t, server.Options{GRPC: grpc, Portal: page("a page")})
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	prior := &http.Transport{Protocols: &h2c}
	t.Cleanup(prior.CloseIdleConnections)
	for version, client := range map[int]*http.Client{1: http.DefaultClient, 2: {Transport: prior}} {
		for kind, want := range map[string]string{"application/grpc": "application/grpc", "application/grpc-web+proto": "application/grpc", "text/plain": "text/plain; charset=utf-8"} {
			res, err := client.Post(s.url+"/v1.Any/Thing", kind, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.Header.Get("Content-Type") != want || res.ProtoMajor != version {
				t.Errorf("%s over HTTP/%d: %s, %v", kind, version, res.Proto, res.Header)
			}
		}
	}
	if !strings.Contains(s.log.String(), "grpc=16") {
		t.Errorf("the log does not tell of a failure:\n%s", s.log)
	}
}

func TestListen(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		t.Run("plain_HTTP_is_refused_on_"+address, func(t *testing.T) {
			err := server.Run(t.Context(), server.Options{Listen: address})
			fix := fault.FixOf(err)
			if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fix, "certificate") || !strings.Contains(fix, "plain HTTP") {
				t.Errorf("%v, fix %q", err, fix)
			}
		})
	}
	t.Run("unless_it_is_allowed", func(t *testing.T) {
		s := start(t, server.Options{Listen: "0.0.0.0:0", AllowPlaintext: true, Portal: page("hello")})
		if _, body := get(t, http.DefaultClient, strings.Replace(s.url, "localhost", "127.0.0.1", 1)); body != "hello" {
			t.Error(body)
		}
	})
	t.Run("loopback_is_plain_and_only_loopback", func(t *testing.T) {
		s := start(t, server.Options{Listen: "127.0.0.1:0"})
		if !strings.HasPrefix(s.url, "http://127.0.0.1:") {
			t.Error(s.url)
		}
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
		addrs, _ := net.InterfaceAddrs()
		for _, a := range addrs {
			ip := a.(*net.IPNet).IP
			if ip.IsLoopback() || ip.IsLinkLocalUnicast() {
				continue
			}
			if c, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), port), time.Second); err == nil {
				c.Close()
				t.Errorf("it can be reached at %s", ip)
			}
		}
	})
	t.Run("taken", func(t *testing.T) {
		s := start(t, server.Options{})
		err := server.Run(t.Context(), server.Options{Listen: strings.TrimPrefix(s.url, "http://")})
		if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(fault.FixOf(err), "stop what uses") {
			t.Errorf("%v, fix %q", err, fault.FixOf(err))
		}
	})
	t.Run("not_of_this_machine", func(t *testing.T) {
		err := server.Run(t.Context(), server.Options{Listen: "192.0.2.1:8080"})
		if fix := fault.FixOf(err); fault.CodeOf(err) != fault.Unavailable || strings.Contains(fix, "stop what uses") || fix == "" {
			t.Errorf("%v, fix %q", err, fix)
		}
	})
	for _, address := range []string{"", "8080", "localhost", "127.0.0.1:http", "127.0.0.1:70000", "a:b:c"} {
		t.Run("bad_address_"+address, func(t *testing.T) {
			if err := server.Run(t.Context(), server.Options{Listen: address}); fault.CodeOf(err) != fault.Invalid {
				t.Error(err)
			}
		})
	}
}

func TestShutdown(t *testing.T) {
	t.Run("requests_in_flight_finish", func(t *testing.T) {
		arrived, proceed := make(chan struct{}), make(chan struct{})
		s := start(t, server.Options{Portal: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-proceed
			if r.Context().Err() != nil {
				t.Error("the request was cancelled")
			}
			io.WriteString(w, "finished")
		})})
		answer := make(chan string)
		go func() {
			r, err := http.Get(s.url)
			if err != nil {
				answer <- err.Error()
				return
			}
			defer r.Body.Close()
			b, _ := io.ReadAll(r.Body)
			answer <- string(b)
		}()
		<-arrived
		stopped := make(chan error)
		go func() { stopped <- s.stop() }()
		waitFor(t, func() bool {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		close(proceed)
		if got := <-answer; got != "finished" {
			t.Error(got)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	t.Run("but_not_for_ever", func(t *testing.T) {
		arrived := make(chan struct{})
		s := start(t, server.Options{Grace: 50 * time.Millisecond, Portal: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
		})})
		go http.Get(s.url)
		<-arrived
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestSlowClients(t *testing.T) {
	s := start(t, server.Options{
		HeaderTimeout: 200 * time.Millisecond, Stall: 200 * time.Millisecond,
		Portal: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/unread" {
				fmt.Fprint(w, "without reading")
				return
			}
			n, err := io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/closed" {
				r.Body.Close()
			}
			if err != nil {
				http.Error(w, "stalled", http.StatusRequestTimeout)
				return
			}
			select {
			case <-r.Context().Done():
				http.Error(w, "cancelled", 499)
			case <-time.After(500 * time.Millisecond): // work that takes longer than any stall
				fmt.Fprint(w, n)
			}
		}),
	})
	dial := func(t *testing.T) net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	t.Run("slow_headers_are_cut_off", func(t *testing.T) {
		c := dial(t)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\nX: ")
		if b, err := io.ReadAll(c); err != nil || strings.Contains(string(b), "200 OK") {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("a_stalled_body_is_cut_off", func(t *testing.T) {
		c := dial(t)
		fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
		if b, err := io.ReadAll(c); err != nil || strings.Contains(string(b), "200 OK") {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("a_stalled_body_that_was_closed_too", func(t *testing.T) {
		c := dial(t)
		fmt.Fprint(c, "POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
		if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), "408") {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("a_stalled_body_that_nobody_reads_too_and_the_answer_arrives", func(t *testing.T) {
		c := dial(t)
		fmt.Fprint(c, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
		if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), "without reading") {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("slow_work_is_not", func(t *testing.T) {
		c := dial(t)
		in := bufio.NewReader(c)
		for range 2 { // on one connection, so that no deadline is left from the first
			for _, part := range []string{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n", "ab", "cd", "ef"} {
				io.WriteString(c, part)
				time.Sleep(100 * time.Millisecond)
			}
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(r.Body)
			if r.StatusCode != 200 || string(b) != "6" {
				t.Errorf("%s %q", r.Status, b)
			}
		}
	})
}
