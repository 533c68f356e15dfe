// Package diagnosistest tests connections to registries of tests, and lets a type's probe look at them by itself.
package diagnosistest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Steps are those of one probe.
type Steps []diagnosis.Step

// Probe lets a registry that network reaches look at itself, with an image unless ref is the zero reference. It fails the test if
// one of the secrets is shown, or a finding tells nothing.
func Probe(t testing.TB, r integration.Registry, ref image.Reference, network http.RoundTripper, secrets ...string) Steps {
	t.Helper()
	prober, ok := r.(diagnosis.Prober)
	if !ok {
		t.Fatal("the registry is no Prober")
	}
	var steps Steps
	prober.Probe(t.Context(), diagnosis.Probing{
		Ref: ref, Report: func(s diagnosis.Step) { steps = append(steps, s) }, Get: get(t, r.Endpoint(ref), network),
	})
	steps.check(t, secrets)
	return steps
}

// Diagnose tests the connection of an integration of a type as Probe does, with all the other steps.
func Diagnose(t testing.TB, typ integration.Type, c integration.Candidate, ref image.Reference, network http.RoundTripper, secrets ...string) Steps {
	t.Helper()
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatal(err)
	}
	c.Integration.Type = typ.ID
	doctor := diagnosis.New(diagnosis.Options{Client: client(network), Types: types, Now: time.Now, NewID: func() string { return "0" }, Program: "test"})
	steps := Steps(doctor.Diagnose(t.Context(), c, ref, func(diagnosis.Step) {}).Steps)
	steps.check(t, secrets)
	return steps
}

func client(network http.RoundTripper) *distribution.Client {
	return distribution.New(distribution.Options{Now: time.Now, Transport: network})
}

func get(t testing.TB, e distribution.Endpoint, network http.RoundTripper) func(context.Context, string, distribution.Credential) (distribution.Answer, error) {
	probe, err := client(network).Probe(e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(probe.Close)
	return func(ctx context.Context, path string, as distribution.Credential) (distribution.Answer, error) {
		probe.Know(as)
		answer, _, err := probe.Look(ctx, distribution.Look{Method: http.MethodGet, Path: path, Authorization: as.Authorization()})
		return answer, err
	}
}

// check logs the steps, for who reads the test's output.
func (list Steps) check(t testing.TB, secrets []string) {
	t.Helper()
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", raw)
	for _, secret := range secrets {
		if strings.Contains(string(raw), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	for _, s := range list {
		for _, f := range s.Findings {
			if f.Cause == "" || f.Fix == "" {
				t.Errorf("%s: cause %q, fix %q", f.Name, f.Cause, f.Fix)
			}
		}
	}
}

// Wrong are the steps that did not pass, without those that were skipped.
func (list Steps) Wrong() Steps {
	return slices.DeleteFunc(slices.Clone(list), func(s diagnosis.Step) bool { return s.Verdict == diagnosis.Passed || s.Verdict == diagnosis.Skipped })
}

// String writes for each step how it came out and what was found: "ecr-token failed ecr-wrong-region", parted by "; ".
func (list Steps) String() string {
	var came []string
	for _, s := range list {
		line := s.ID + " " + string(s.Verdict)
		for _, f := range s.Findings {
			line += " " + f.Name
		}
		came = append(came, line)
	}
	return strings.Join(came, "; ")
}

// Fact is what a step has seen under a name.
func (list Steps) Fact(step, name string) string {
	for _, s := range list {
		for _, f := range s.Seen {
			if s.ID == step && f.Name == name {
				return f.Value
			}
		}
	}
	return ""
}
