package distribution

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestRetry(t *testing.T) {
	ctx := context.Background()
	start := func(t *testing.T, o Options, list ...registrytest.Failure) (*bench, func(context.Context) error) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		starter(t, f)
		f.Fail(list...)
		b := newBench(t, o)
		return b, func(ctx context.Context) error {
			_, err := b.Resolve(ctx, source(t, f.URL), reference(t, f.Host, "team/app:v1"))
			return err
		}
	}
	limited := func(after string) registrytest.Failure {
		return registrytest.Failure{Status: 429, Header: map[string]string{"Retry-After": after}}
	}

	t.Run("failing_server_with_growing_waits", func(t *testing.T) {
		b, resolve := start(t, Options{}, registrytest.Failure{Status: 503}, registrytest.Failure{Status: 500}, registrytest.Failure{Status: 502})
		ok(t, resolve(ctx))
		if want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}; !slices.Equal(b.slept, want) {
			t.Errorf("waited %v, want %v", b.slept, want)
		}
	})

	t.Run("waits_are_spread", func(t *testing.T) {
		b, resolve := start(t, Options{Jitter: func() float64 { return 0 }}, registrytest.Failure{Status: 503})
		ok(t, resolve(ctx))
		if want := []time.Duration{125 * time.Millisecond}; !slices.Equal(b.slept, want) {
			t.Errorf("waited %v, want %v", b.slept, want)
		}
	})

	t.Run("gives_up_after_the_last_attempt", func(t *testing.T) {
		list := slices.Repeat([]registrytest.Failure{{Status: 503}}, 10)
		b, resolve := start(t, Options{}, list...)
		err := resolve(ctx)
		wantFault(t, err, fault.Unavailable, "503", "Try again later")
		if !answered(t, err).Temporary {
			t.Error("trying again may help")
		}
		wantDid(t, b, "HEAD manifest, HEAD manifest, HEAD manifest, HEAD manifest")
	})

	t.Run("Retry-After_in_seconds", func(t *testing.T) {
		b, resolve := start(t, Options{}, limited("7"), limited("3"))
		ok(t, resolve(ctx))
		if want := []time.Duration{7 * time.Second, 3 * time.Second}; !slices.Equal(b.slept, want) {
			t.Errorf("waited %v, want %v", b.slept, want)
		}
	})

	t.Run("Retry-After_as_a_date_by_the_servers_clock", func(t *testing.T) {
		server := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		b, resolve := start(t, Options{}, registrytest.Failure{Status: 429, Header: map[string]string{
			"Date": server.Format(http.TimeFormat), "Retry-After": server.Add(9 * time.Second).Format(http.TimeFormat),
		}})
		ok(t, resolve(ctx))
		if want := []time.Duration{9 * time.Second}; !slices.Equal(b.slept, want) {
			t.Errorf("waited %v, want %v", b.slept, want)
		}
	})

	t.Run("Retry-After_too_long_to_wait_says_when", func(t *testing.T) {
		f := limited("3600")
		f.Body = "You have reached your pull rate limit."
		b, resolve := start(t, Options{}, f)
		b.now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		err := resolve(ctx)
		wantFault(t, err, fault.Limited, "429", "2026-01-02T04:04:05Z")
		if e := answered(t, err); e.RetryAfter != time.Hour || !e.Temporary || len(b.slept) != 0 {
			t.Errorf("%+v, waited %v", e, b.slept)
		}
	})

	t.Run("not_when_the_time_would_be_up", func(t *testing.T) {
		b, resolve := start(t, Options{}, limited("10"))
		ctx, cancel := context.WithDeadline(ctx, b.now.Add(5*time.Second))
		defer cancel()
		wantFault(t, resolve(ctx), fault.Limited)
		if len(b.slept) != 0 {
			t.Errorf("waited %v", b.slept)
		}
	})

	t.Run("not_what_stays_wrong", func(t *testing.T) {
		b, resolve := start(t, Options{}, registrytest.Failure{Status: 505})
		wantFault(t, resolve(ctx), fault.Unavailable)
		wantDid(t, b, "HEAD manifest")
	})

	t.Run("failing_token_service", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true})
		starter(t, r)
		var failed atomic.Bool
		r.Tokens.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
			if failed.Swap(true) {
				return false
			}
			w.WriteHeader(503)
			return true
		}
		b := newBench(t, Options{})
		_, err := b.Resolve(ctx, source(t, r.URL), reference(t, r.Host, "team/app:v1"))
		ok(t, err)
		if len(b.slept) != 1 {
			t.Errorf("waited %v", b.slept)
		}
	})

	t.Run("connection_reset", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		defer listener.Close()
		var accepted atomic.Int32
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				accepted.Add(1)
				conn.Read(make([]byte, 1))
				conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			}
		}()
		host := listener.Addr().String()
		_, err = newBench(t, Options{}).Resolve(ctx, source(t, "http://"+host), reference(t, host, "team/app:v1"))
		wantFault(t, err, fault.Unavailable, "broke off")
		if accepted.Load() != 4 {
			t.Errorf("%d attempts", accepted.Load())
		}
	})
}

func TestTokenLife(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	for _, c := range []struct {
		name, expiresIn, issuedAt string
		date                      time.Duration // the server's clock, against ours
		want                      time.Duration
	}{
		{"not_said", "", "", 0, time.Minute},
		{"said", "300", "", 0, 5 * time.Minute},
		{"said_as_text", `"300"`, "", 0, 5 * time.Minute},
		{"nonsense", `[]`, "nonsense", 0, time.Minute},
		{"negative", `-5`, "", 0, time.Minute},
		{"capped", "86400", "", 0, time.Hour},
		{"overflowing", "1e300", "", 0, time.Hour},
		{"issued_before", "300", at(-time.Minute), 0, 4 * time.Minute},
		{"issued_long_before_by_a_wrong_clock", "300", at(-time.Hour), 0, 5 * time.Minute},
		{"issued_in_the_future", "300", at(time.Hour), 0, 5 * time.Minute},
		{"issued_now_by_a_clock_that_is_late", "300", at(-4 * time.Minute), -4 * time.Minute, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{"Date": {now.Add(c.date).Format(http.TimeFormat)}}
			if got := tokenLife([]byte(c.expiresIn), c.issuedAt, header, now); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestTokenAnswers(t *testing.T) {
	for _, c := range []struct{ name, body, says string }{
		{"no_JSON", "hello", "not the JSON document"},
		{"no_token", "{}", "holds no token"},
		{"odd_characters", `{"token":"a\r\nX-Header: MARKED-SECRET"}`, "characters that no token has"},
		{"number", `{"token":5}`, "not the JSON document"},
		{"too_long", `{"token":"` + string(slices.Repeat([]byte("a"), 100_000)) + `"}`, "longer"},
		{"longer_than_any", string(slices.Repeat([]byte(" "), 2<<20)), "longer than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := registrytest.Start(t, registrytest.Options{Tokens: true})
			r.Tokens.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Write([]byte(c.body))
				return true
			}
			_, err := newBench(t, Options{}).Resolve(context.Background(), source(t, r.URL), reference(t, r.Host, "team/app:v1"))
			if err == nil {
				t.Fatal("no error")
			}
			wantFault(t, err, fault.CodeOf(err), c.says, r.Tokens.URL)
		})
	}
}
