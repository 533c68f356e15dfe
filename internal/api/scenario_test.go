package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

// A scenario is one request and what must be, and must not be, in the answer. "{id}", "{registry}" and "{image}" stand for
// what the fixture made, in url, body and contains alike.
type scenario struct {
	name     string
	before   func(t *testing.T, f *apitest.Fixture) (id string)
	method   string
	url      string
	body     string
	headers  map[string]string
	as       auth.Role // Administrator when empty, unless headers have Authorization
	status   int
	contains []string
	excludes []string
	after    func(t *testing.T, f *apitest.Fixture, answer *httptest.ResponseRecorder)
}

func run(t *testing.T, scenarios []scenario) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			f := apitest.Start(t, nil)
			id := ""
			if s.before != nil {
				id = s.before(t, f)
			}
			fill := strings.NewReplacer("{id}", id, "{registry}", f.Registry, "{image}", f.Image).Replace
			r := httptest.NewRequest(s.method, fill(s.url), strings.NewReader(fill(s.body)))
			for k, v := range s.headers {
				r.Header.Set(k, fill(v))
			}
			if _, given := s.headers["Authorization"]; !given {
				role := s.as
				if role == "" {
					role = auth.Administrator
				}
				r.Header.Set("Authorization", "Bearer "+f.Token(role))
			}
			w := httptest.NewRecorder()
			f.API.ServeHTTP(w, r)
			checkAnswer(t, w)
			if w.Code != s.status {
				t.Errorf("status %d, want %d: %s", w.Code, s.status, w.Body)
			}
			for _, want := range s.contains {
				if !strings.Contains(w.Body.String(), fill(want)) {
					t.Errorf("the answer lacks %s:\n%s", fill(want), w.Body)
				}
			}
			for _, not := range s.excludes {
				if strings.Contains(w.Body.String(), fill(not)) {
					t.Errorf("the answer has %s:\n%s", fill(not), w.Body)
				}
			}
			if s.after != nil {
				s.after(t, f, w)
			}
			if strings.Contains(f.Log.String(), apitest.Marked) {
				t.Errorf("a secret is in the log:\n%s", f.Log)
			}
		})
	}
}

// checkAnswer holds what is true of every answer.
func checkAnswer(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	header, _ := json.Marshal(w.Header())
	if strings.Contains(w.Body.String()+string(header), apitest.Marked) {
		t.Errorf("a secret is in the answer:\n%s\n%s", header, w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("headers %v", w.Header())
	}
	if w.Code < 400 {
		return
	}
	var e struct {
		Code    *int
		Message string
		Error   string
		Details []map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == nil || e.Message == "" || e.Message != e.Error || e.Details == nil {
		t.Errorf("not the error body (%v): %s", err, w.Body)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("an error of type %q", ct)
	}
}

// stored creates an integration and returns its ID.
func stored(t *testing.T, f *apitest.Fixture) string {
	t.Helper()
	w := f.Do(http.MethodPost, "/v1/imageintegrations", f.Docker("first", apitest.Marked), auth.Administrator)
	var in struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || in.ID == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return in.ID
}

func owned(t *testing.T, f *apitest.Fixture) string { return f.OwnedByFile(t, "first", "team.yaml") }

// keepsPassword checks what is stored, past the masks.
func keepsPassword(want string) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
	return func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
		t.Helper()
		list, err := f.Integrations.List(context.Background(), "", "")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if got := list[0].Config.Secret("password").Reveal(); got != want {
			t.Errorf("the stored password is %q, want %q", got, want)
		}
	}
}
