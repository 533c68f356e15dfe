package typestest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/integrations/docker"
)

func typeOf(t testing.TB, id string) integration.Type {
	t.Helper()
	list := integrations.All()
	i := slices.IndexFunc(list, func(typ integration.Type) bool { return typ.ID == id })
	if i < 0 {
		t.Fatalf("there is no type %s", id)
	}
	return list[i]
}

func TestWays_are_there_for_every_type(t *testing.T) {
	for _, typ := range integrations.All() {
		if !slices.ContainsFunc(Ways(), func(w Way) bool { return w.Type == typ.ID }) {
			t.Errorf("no way to sign in to %s", typ.ID)
		}
	}
}

// coldResolve resolves a tag that nobody asked for before. It returns the requests to the registry and its token service, and
// counts those to whoever lends the credential.
func coldResolve(t testing.TB, way Way) (registry []string, lender int) {
	t.Helper()
	w := way.Start(t)
	c := w.Open(typeOf(t, way.Type), w.Settings, w.Machine)
	client := distribution.New(distribution.Options{Now: time.Now, Transport: w.Transport(), Observe: func(x distribution.Exchange) {
		registry = append(registry, x.Method+" "+string(x.Kind))
	}})
	ref := integrationtest.Reference(t, w.Image)
	if _, err := client.Resolve(t.Context(), c.Source(t.Context(), ref), ref); err != nil {
		t.Fatalf("%s, %s: %v (%s)", way.Type, way.Name, err, fault.FixOf(err))
	}
	return registry, len(w.Requests()) - len(registry)
}

func TestColdResolve_takes_few_requests(t *testing.T) {
	const byToken, byPassword, unasked = "HEAD challenge, GET token, HEAD manifest", "HEAD challenge, HEAD manifest", "GET token, HEAD manifest"
	registry := map[string]string{"ecr": byPassword, "ecrpublic": byPassword, "nexus": byPassword, "huawei": byPassword, "artifactory": unasked, "zot": unasked}
	lender := map[string]int{
		"password": 0, "robot": 0, "federation of Quay": 1, "workload identity": 3, "managed identity": 2,
		"key": 1, "metadata server": 1, "federation of Google": 2,
		"access keys": 1, "access keys and a role": 2, "web identity": 2, "instance": 4,
	}
	for _, way := range Ways() {
		t.Run(way.Type+"_"+way.Name, func(t *testing.T) {
			want, ok := registry[way.Type]
			if !ok {
				want = byToken
			}
			requests, lent := coldResolve(t, way)
			if got := strings.Join(requests, ", "); got != want {
				t.Errorf("asks the registry %s; want %s", got, want)
			}
			if n, ok := lender[way.Name]; !ok || lent != n {
				t.Errorf("asks %d times for the credential, want %d (known: %t)", lent, n, ok)
			}
		})
	}
}

// BenchmarkColdResolve reports how many requests a tag costs that nobody asked for before.
func BenchmarkColdResolve(b *testing.B) {
	for _, way := range Ways() {
		b.Run(way.Type+"/"+way.Name, func(b *testing.B) {
			registry, lender := coldResolve(b, way)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(len(registry)), "registry-requests")
			b.ReportMetric(float64(lender), "sign-in-requests")
		})
	}
}

// An image that another registry serves costs the cloud nothing, also where it comes from a registry that fails.
func TestClouds_are_not_asked_for_images_of_others(t *testing.T) {
	for _, way := range Ways() {
		t.Run(way.Type+"_"+way.Name, func(t *testing.T) {
			w := way.Start(t)
			w.Add("other.example", w.Forward(w.Registry.URL))
			w.Add("broken.example", http.NotFoundHandler())
			opened := []integration.Candidate{
				w.Open(typeOf(t, way.Type), w.Settings, w.Machine),
				w.Open(docker.Type(), map[string]any{"endpoint": "other.example"}, nil),
				w.Open(docker.Type(), map[string]any{"endpoint": "broken.example"}, nil),
			}
			client := w.Client()
			for _, host := range []string{"other.example", "broken.example", "unknown.example"} {
				ref := integrationtest.Reference(t, host+"/team/app:1")
				for _, c := range integration.Candidates(opened, ref) {
					if _, err := client.Resolve(t.Context(), c.Source(t.Context(), ref), ref); (err == nil) != (host == "other.example") {
						t.Errorf("%s: %v", host, err)
					}
				}
			}
			for _, r := range w.Requests() {
				if r.Host != "other.example" && r.Host != "broken.example" {
					t.Errorf("%s was asked", r.Host)
				}
			}
		})
	}
}
