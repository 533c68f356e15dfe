package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/pflag"
	admissionv1 "k8s.io/api/admission/v1"
	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/admission"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/policy"
	v1 "github.com/landwaiter/landwaiter/internal/rhacs/v1"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// category is that of the random policies, which are asked beside the built-in ones but compared alone.
const category = "Random"

// TestWaysIn_agree asks about random images by random policies, with random exclusions and exceptions, in every way that there is, and
// wants the same policies violated, for the same reasons, and the same ones undecided.
func TestWaysIn_agree(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue { // which takes minutes here
		if err := checks.Value.Set("12"); err != nil {
			t.Fatal(err)
		}
		defer checks.Value.Set(checks.DefValue)
	}
	w := startWorld(t)
	n, answered := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		w.decide(t)
		ref := w.push(t, n)
		alone := w.cli(t, false, ref)
		answered += len(alone)
		for name, got := range map[string]answers{
			"CLI to server": w.cli(t, true, ref), "REST": w.rest(t, ref), "RHACS's REST": w.rhacsREST(t, ref).from(alone), "gRPC": w.gRPC(t, ref).from(alone),
			"admission": w.admission(t, ref).from(alone),
		} {
			if !maps.Equal(alone, got) {
				t.Errorf("%s says %v, the CLI alone says %v", name, got, alone)
			}
		}
	})
	if answered == 0 {
		t.Error("no policy had anything to say")
	}
}

// answers are what was said, by policy.
type answers map[string]string

// from lets short answers stand for longer ones that begin as they do.
func (a answers) from(longer answers) answers {
	for id, said := range a {
		if strings.HasPrefix(longer[id], said) {
			a[id] = longer[id]
		}
	}
	return a
}

const (
	violated  = "violated"
	undecided = "undecided"
)

func said(what string, enforced bool) string { return fmt.Sprintf("%s, enforced: %t", what, enforced) }

func answersOf(r policy.Result) answers {
	a := answers{}
	for _, v := range r.Violations {
		if slices.Contains(v.Categories, category) {
			var reasons []string
			for _, m := range v.Messages {
				reasons = append(reasons, m.Text)
			}
			a[v.PolicyID] = said(violated, v.Enforced) + fmt.Sprintf(", %d reasons: %q", len(reasons), reasons)
		}
	}
	for _, u := range r.Undecided {
		if strings.HasPrefix(u.PolicyID, "random-") {
			a[u.PolicyID] = said(undecided, u.Stops())
		}
	}
	return a
}

// A world has a registry, a server, and a data directory to work alone with.
type world struct {
	tb       testing.TB
	registry *registrytest.Registry
	server   *running
	data     string
	client   *client.Client
	grpc     *connect.Client[v1.BuildDetectionRequest, v1.BuildDetectionResponse]
	policies []string // on the server

	exception string // in force in both places, if any
}

func startWorld(t *testing.T) *world {
	w := &world{tb: t, registry: registrytest.Start(t, registrytest.Options{}), data: t.TempDir()}
	environment := map[string]string{"LANDWAITER_ADMIN_PASSWORD": marked, "LANDWAITER_ALLOW_ADDRESSES": "loopback", "LANDWAITER_HEALTH_INTERVAL": "0"}
	var err error
	w.server, err = serve([]string{"--data", t.TempDir(), "--listen", "127.0.0.1:0"}, func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.server.stop(); err != nil {
			t.Error(err)
		}
	})
	if w.client, err = client.New(client.Options{URL: w.server.url, Username: "admin", Password: secret.New(marked)}); err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	w.grpc = connect.NewClient[v1.BuildDetectionRequest, v1.BuildDetectionResponse](
		&http.Client{Transport: &http.Transport{Protocols: &protocols}}, w.server.url+"/v1.DetectionService/DetectBuildTime", connect.WithGRPC())
	records := t.TempDir()
	for i, record := range []string{
		`"ecosystem":"Alpine:v3.18","name":"busybox"|{"introduced":"0"},{"fixed":"1.36.1-r5"}|CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`,
		`"ecosystem":"Alpine:v3.18","name":"openssl"|{"introduced":"0"}|CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N`,
		`"ecosystem":"Debian:12","name":"zlib"|{"introduced":"0"},{"fixed":"1:1.3"}|CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`,
		`"ecosystem":"npm","name":"lodash"|{"introduced":"0"},{"fixed":"4.17.21"}|CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N`,
	} {
		parts := strings.Split(record, "|")
		w.write(t, filepath.Join(records, fmt.Sprintf("%d.json", i)), fmt.Sprintf(
			`{"id":"TEST-%d","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2026-000%d"],"severity":[{"type":"CVSS_V3","score":%q}],"affected":[{"package":{%s},"ranges":[{"type":"ECOSYSTEM","events":[%s]}]}]}`,
			i, i, parts[2], parts[0], parts[1]))
	}
	w.run(t, false, 0, "vuln", "import", records)
	w.run(t, true, 0, "vuln", "import", records)
	return w
}

func (w *world) write(t rapid.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command alone or to the server, and wants a status unless it is negative.
func (w *world) run(t rapid.TB, remote bool, want int, args ...string) string {
	t.Helper()
	environment := map[string]string{"LANDWAITER_DATA": w.data, "LANDWAITER_AUTHOR": "tests", "XDG_CACHE_HOME": w.data}
	if remote {
		environment = map[string]string{"LANDWAITER_SERVER": w.server.url, "LANDWAITER_ADMIN_PASSWORD": marked}
	}
	var out, errs bytes.Buffer
	status := run(context.Background(), args, streams{strings.NewReader(""), &out, &errs}, func(name string) string { return environment[name] })
	if want >= 0 && status != want {
		t.Fatalf("%q: status %d, want %d\n%s%s", args, status, want, &out, &errs)
	}
	return out.String()
}

// decide replaces the policies and the exception by random ones, in both places.
func (w *world) decide(t *rapid.T) {
	var documents []string
	now := time.Now()
	for i := range rapid.IntRange(1, 6).Draw(t, "policies") {
		documents = append(documents, randomPolicy(t, i, now))
	}
	dir := filepath.Join(w.data, "policies")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, document := range documents {
		w.write(t, filepath.Join(dir, fmt.Sprintf("random-%d.yaml", i)), document)
	}
	for _, id := range w.policies {
		if err := w.client.Policies().Delete(context.Background(), id); err != nil {
			t.Fatal(err)
		}
	}
	w.policies = nil
	applied, err := w.client.Policies().Apply(context.Background(), []byte(strings.Join(documents, "---\n")))
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(documents, "---\n"))
	}
	for _, p := range applied {
		w.policies = append(w.policies, p.ID)
	}
	if w.exception != "" {
		w.run(t, false, 0, "exception", "revoke", w.exception)
		w.run(t, true, 0, "exception", "revoke", w.exception)
		w.exception = ""
	}
	if !rapid.Bool().Draw(t, "exception") {
		return
	}
	name := fmt.Sprint("random-", time.Now().UnixNano()) // one that was revoked is not taken again
	args := []string{
		"exception", "add", "--name", name, "--kind", "false-positive", "--justification", "component_not_present", "--reason", "It is random.",
		"--cve", fmt.Sprintf("CVE-2026-000%d", rapid.IntRange(0, 3).Draw(t, "CVE")), "--image", rapid.SampledFrom([]string{"**", "**/random/app", "elsewhere.example/**"}).Draw(t, "exception's image"),
	}
	w.run(t, false, 0, args...)
	w.run(t, true, 0, args...)
	w.exception = name
}

func (w *world) cli(t *rapid.T, remote bool, ref string) answers {
	var a assess.Assessment
	if err := json.Unmarshal([]byte(w.run(t, remote, -1, "image", "check", "-o", "json", ref)), &a); err != nil {
		t.Fatal(err)
	}
	return answersOf(a.Policy)
}

func (w *world) post(t *rapid.T, path string, in, out any) {
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.server.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", marked)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, answer.Status, err)
	}
}

func (w *world) rest(t *rapid.T, ref string) answers {
	var a assess.Assessment
	w.post(t, "/v1/assessments", map[string]string{"image": ref}, &a)
	return answersOf(a.Policy)
}

// add reads an alert of RHACS's, which says in its ID whether a policy could be decided. Policies that stop nothing have one alert
// together.
func (a answers) add(id string, enforced bool, reasons []string) {
	if id == "undecided" {
		for _, id := range randomID.FindAllString(strings.Join(reasons, "\n"), -1) {
			a[id] = said(undecided, false)
		}
	}
	if !strings.HasPrefix(id, "random-") {
		return
	}
	if id, is := strings.CutSuffix(id, "-undecided"); is {
		a[id] = said(undecided, enforced)
		return
	}
	a[id] = said(violated, enforced) + fmt.Sprintf(", %d reasons", len(reasons))
}

var randomID = regexp.MustCompile(`random-\d+`)

func (w *world) rhacsREST(t *rapid.T, ref string) answers {
	var out struct {
		Alerts []struct {
			Policy struct {
				ID                 string
				EnforcementActions []string
			}
			Violations []struct{ Message string }
		}
	}
	w.post(t, "/v1/detect/build", map[string]string{"imageName": ref}, &out)
	a := answers{}
	for _, alert := range out.Alerts {
		var reasons []string
		for _, v := range alert.Violations {
			reasons = append(reasons, v.Message)
		}
		a.add(alert.Policy.ID, slices.Contains(alert.Policy.EnforcementActions, "FAIL_BUILD_ENFORCEMENT"), reasons)
	}
	return a
}

func (w *world) gRPC(t *rapid.T, ref string) answers {
	request := connect.NewRequest(&v1.BuildDetectionRequest{Resource: &v1.BuildDetectionRequest_ImageName{ImageName: ref}})
	(&http.Request{Header: request.Header()}).SetBasicAuth("admin", marked)
	answer, err := w.grpc.CallUnary(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	a := answers{}
	for _, alert := range answer.Msg.GetAlerts() {
		var reasons []string
		for _, v := range alert.GetViolations() {
			reasons = append(reasons, v.GetMessage())
		}
		a.add(alert.GetPolicy().GetId(), len(alert.GetPolicy().GetEnforcementActions()) > 0, reasons)
	}
	return a
}

// ofCategory has a checker ask no other policies, whose warnings would leave no room.
type ofCategory struct{ *assess.Service }

func (s ofCategory) CheckWorkloads(ctx context.Context, req assess.WorkloadsRequest, progress assess.Progress) (*assess.WorkloadsReport, error) {
	req.Categories = []string{category}
	return s.Service.CheckWorkloads(ctx, req, progress)
}

var sentence = regexp.MustCompile(`Policy "(random-\d+)" (is violated|could not be decided): `)

// admission asks for a pod of the image, by the policies of the data directory.
func (w *world) admission(t *rapid.T, ref string) answers {
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{streams: streams{err: io.Discard}, getenv: func(string) string { return "" }, types: types}
	var f imageFlags
	f.declareFlow(pflag.NewFlagSet("", pflag.ContinueOnError))
	*f.data, f.noCache = w.data, true
	review := fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"default","object":
		{"apiVersion":"v1","kind":"Pod","metadata":{"name":"random"},"spec":{"containers":[{"name":"app","image":%q}]}}}}`, ref)
	var answer admissionv1.AdmissionReview
	err = p.alone(context.Background(), f, assess.Judge, func(s *assess.Service, _ assess.Progress) error {
		body, err := admission.Evaluator{Checker: ofCategory{s}}.Review(context.Background(), []byte(review))
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &answer)
	})
	if err != nil {
		t.Fatal(err)
	}
	a := answers{}
	add := func(text string, enforced bool) {
		for _, m := range sentence.FindAllStringSubmatch(text, -1) {
			what := violated
			if m[2] != "is violated" {
				what = undecided
			}
			a[m[1]] = said(what, enforced)
		}
	}
	if r := answer.Response; r.Result != nil {
		add(r.Result.Message, true)
	}
	add(strings.Join(answer.Response.Warnings, "\n"), false)
	return a
}
