package assess_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestServe(t *testing.T) {
	t.Run("first_success_wins_and_every_failure_is_kept", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"robot": "right"}})
		pushed := registrytest.Push(t, r, "team/app", "1", debian())
		f := start(t, both(), nil)
		f.connect("a wrong one", r.URL+"/team/app", "robot", "not-the-password")
		right := f.connect("b right one", r.URL+"/team", "robot", "right")
		f.connect("c never asked", r.URL, "robot", "right")

		a := f.assess(r.Host+"/team/app:1", assess.Judge)
		if a.Facts.Digest != pushed.Digest {
			t.Errorf("digest %s, pushed %s", a.Facts.Digest, pushed.Digest)
		}
		if a.Source != (assess.Source{ID: right.ID, Name: "b right one", Type: "docker"}) {
			t.Errorf("served by %+v", a.Source)
		}
		if len(a.Attempts) != 2 {
			t.Fatalf("attempts: %+v", a.Attempts)
		}
		failed, served := a.Attempts[0], a.Attempts[1]
		if failed.Source.Name != "a wrong one" || failed.Code != fault.Unauthenticated || failed.Fix == "" ||
			!strings.Contains(failed.Error, "401") || len(failed.Reasons) == 0 {
			t.Errorf("failed attempt: %+v", failed)
		}
		if served.Source != a.Source || served.Code != "" || served.Error != "" || served.Fix != "" || len(served.Reasons) == 0 {
			t.Errorf("attempt that served: %+v", served)
		}
		if strings.Contains(mustJSON(t, a), "not-the-password") {
			t.Error("a secret is shown")
		}
		stored, err := f.store.Assessment(t.Context(), a.ID)
		must(t, err)
		if mustJSON(t, stored) != mustJSON(t, a) {
			t.Error("what is stored differs from the answer")
		}
	})

	t.Run("an_unchanged_image_costs_one_HEAD_and_a_look_for_referrers_and_no_layer_is_read_again", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		registrytest.Push(t, r, "team/app", "1", debian())
		f := start(t, both(), nil)
		f.connect("registry", r.URL, "", "")
		first := f.assess(r.Host+"/team/app:1", assess.Judge)
		blobs := 0
		for _, req := range r.Requests() {
			if strings.Contains(req.Path, "/blobs/") {
				blobs++
			}
		}
		if blobs != 3 { // the config and two layers
			t.Errorf("%d blobs were read the first time", blobs)
		}
		again := f.assess(r.Host+"/team/app:1", assess.Judge)
		referrers := "GET /v2/team/app/manifests/" + tagOf(first.Facts.Digest, "")
		if got := paths(r.Requests()); !slices.Equal(got, []string{"HEAD /v2/team/app/manifests/1", referrers}) {
			t.Errorf("requests of the second time: %q", got)
		}
		if len(again.Scan.Components) != len(first.Scan.Components) || len(again.Findings) != len(first.Findings) {
			t.Error("the second answer differs")
		}
		list, _, err := f.store.Assessments(t.Context(), "", 10, "")
		must(t, err)
		if len(list) != 1 || list[0].ID != again.ID {
			t.Errorf("stored: %+v", list)
		}

		registrytest.Push(t, r, "team/app", "1", registrytest.Image{})
		if moved := f.assess(r.Host+"/team/app:1", assess.Judge); moved.Facts.Digest == first.Facts.Digest {
			t.Error("a tag that moved is not noticed")
		}
	})

	t.Run("a_changed_integration_is_asked_anew", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		registrytest.Push(t, r, "team/app", "1", debian())
		f := start(t, nil, nil)
		in := f.connect("registry", r.URL, "", "")
		f.assess(r.Host+"/team/app:1", assess.Inspect)
		_, err := f.integrations.Replace(t.Context(), in.ID, draft("renamed", r.URL, "", ""))
		must(t, err)
		r.Requests()
		f.assess(r.Host+"/team/app:1", assess.Inspect)
		if got := paths(r.Requests()); len(got) < 2 {
			t.Errorf("requests: %q", got)
		}
	})

	t.Run("inspecting_reads_no_layer_and_stores_nothing", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		image := debian()
		registrytest.Push(t, r, "team/app", "1", image)
		f := start(t, both(), nil)
		a := f.assess(r.Host+"/team/app:1", assess.Inspect)
		for _, req := range r.Requests() {
			for _, layer := range image.Layers {
				if strings.HasSuffix(req.Path, string(digestOf(layer))) {
					t.Errorf("layer read: %s", req)
				}
			}
		}
		if a.Scan.Status != assess.NotScanned || a.Check.Status != assess.NotChecked || a.Scan.Reason == "" || a.Check.Reason == "" || a.Verdict != "" {
			t.Errorf("scan %+v, check %+v, verdict %q", a.Scan, a.Check, a.Verdict)
		}
		scanned := f.assess(r.Host+"/team/app:1", assess.ScanIt)
		if scanned.Verdict != "" || len(scanned.Findings) == 0 {
			t.Errorf("verdict %q, %d findings", scanned.Verdict, len(scanned.Findings))
		}
		if list, _, _ := f.store.Assessments(t.Context(), "", 10, ""); len(list) != 0 {
			t.Errorf("stored: %+v", list)
		}
	})

	t.Run("an_artifact_that_is_no_image_is_said_to_be_one", func(t *testing.T) {
		fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
		config := fake.PutBlob(t, "charts/app", "application/vnd.cncf.helm.config.v1+json", []byte(`{}`))
		raw := registrytest.Manifest("application/vnd.oci.image.manifest.v1+json", config, nil)
		fake.PutManifest(t, "charts/app", "1", "application/vnd.oci.image.manifest.v1+json", raw)
		f := start(t, nil, nil)
		err := f.fails(fake.Host + "/charts/app:1")
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "Helm chart") {
			t.Errorf("%v (%s)", err, fault.CodeOf(err))
		}
	})
}

func TestServe_hosts_without_integration(t *testing.T) {
	t.Run("loopback_falls_back_to_plain_HTTP", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		registrytest.Push(t, r, "app", "1", registrytest.Image{})
		f := start(t, nil, nil)
		a := f.assess(r.Host+"/app:1", assess.Inspect)
		if len(a.Attempts) != 2 || a.Attempts[0].Error == "" || a.Attempts[1].Error != "" || a.Source.ID != "" ||
			!strings.Contains(a.Source.Name, "anonymous, http") {
			t.Errorf("source %+v, attempts %+v", a.Source, a.Attempts)
		}
	})

	t.Run("an_answer_over_TLS_stands", func(t *testing.T) {
		authority := registrytest.NewAuthority(t)
		fake := registrytest.NewFake(t, authority, registrytest.Quirks{})
		f := start(t, nil, func(o *assess.Options) {
			o.Client = distribution.New(distribution.Options{Now: time.Now, MaxAttempts: 1, Addresses: distribution.Addresses{Loopback: true}, Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: authority.Pool()},
			}})
		})
		err := f.fails(fake.Host + "/app:1")
		var unserved *assess.Unserved
		if !errors.As(err, &unserved) || len(unserved.Attempts) != 1 || fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
	})

	t.Run("no_other_host_is_asked_in_plain", func(t *testing.T) {
		network := &deadNetwork{}
		f := start(t, nil, func(o *assess.Options) {
			o.Client = distribution.New(distribution.Options{Now: time.Now, MaxAttempts: 1, Addresses: distribution.Addresses{Loopback: true}, Transport: network})
		})
		for host, schemes := range map[string][]string{
			"registry.example": {"https"}, "localhost.example": {"https"}, "127.0.0.1.example:5000": {"https"}, "10.0.0.1:5000": {"https"},
			"localhost:5000": {"https", "http"}, "127.8.9.1": {"https", "http"}, "[::1]:5000": {"https", "http"}, "app.localhost": {"https", "http"},
		} {
			network.schemes = nil
			var unserved *assess.Unserved
			if err := f.fails(host + "/team/app:1"); !errors.As(err, &unserved) || fault.CodeOf(err) != fault.Unavailable {
				t.Fatalf("%v", err)
			}
			if !slices.Equal(network.schemes, schemes) || len(unserved.Attempts) != len(schemes) {
				t.Errorf("%s: asked by %q, attempts %+v", host, network.schemes, unserved.Attempts)
			}
		}
	})

	t.Run("not_when_an_integration_was_refused", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"robot": "right"}, Tokens: true})
		registrytest.Push(t, r, "app", "1", registrytest.Image{})
		f := start(t, nil, nil)
		f.connect("only one", r.URL, "robot", "wrong")
		var unserved *assess.Unserved
		if err := f.fails(r.Host + "/app:1"); !errors.As(err, &unserved) || len(unserved.Attempts) != 1 {
			t.Errorf("%v", err)
		}
	})
}

// deadNetwork notes by which schemes it was asked.
type deadNetwork struct{ schemes []string }

func (n *deadNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	n.schemes = append(n.schemes, r.URL.Scheme)
	return nil, errors.New("nobody is there")
}

func TestAssess_unreadable_layers(t *testing.T) {
	broken := map[string]func(*registrytest.Fake, []byte){
		"missing": func(f *registrytest.Fake, layer []byte) {
			f.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
				return isBlob(r, layer) && refuse(w, http.StatusNotFound, "BLOB_UNKNOWN")
			}})
		},
		"failing": func(f *registrytest.Fake, layer []byte) {
			f.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
				return isBlob(r, layer) && refuse(w, http.StatusInternalServerError, "UNKNOWN")
			}})
		},
		"forged": func(f *registrytest.Fake, layer []byte) {
			other := slices.Clone(layer)
			other[len(other)-1] ^= 1
			f.Corrupt(digestOf(layer), other)
		},
	}
	for name, breakIt := range broken {
		t.Run(name, func(t *testing.T) {
			fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
			image := debian()
			registrytest.Push(t, fake, "app", "1", image)
			breakIt(fake, image.Layers[1])
			f := start(t, both(), nil)
			a := f.assess(fake.Host+"/app:1", assess.Judge)
			if a.Scan.Status != assess.NotScanned || !strings.Contains(a.Scan.Reason, "layer 2 of 2") || a.Scan.Fix == "" {
				t.Errorf("scan: %+v", a.Scan)
			}
			if a.Check.Status != assess.NotChecked || a.Check.Reason == "" || len(a.Scan.Components) != 0 {
				t.Errorf("check: %+v, %d components", a.Check, len(a.Scan.Components))
			}
			if a.Verdict != assess.Undecided || a.Verdict.ExitStatus() != 2 {
				t.Errorf("verdict %s", a.Verdict)
			}
			if !violates(a, "image-not-scanned") || len(a.Policy.Undecided) == 0 {
				t.Errorf("policies: %+v", a.Policy)
			}
			if s := assess.Summarize(a); s.ScanStatus != assess.NotScanned || s.CheckStatus != assess.NotChecked {
				t.Errorf("summary: %+v", s)
			}
		})
	}

	t.Run("truncated_archive_is_partly_read", func(t *testing.T) {
		fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
		image := debian()
		config := registrytest.Image{Layers: slices.Clone(image.Layers)}
		registrytest.Push(t, fake, "whole", "1", config)
		cut := image.Layers[1][:len(image.Layers[1])/2]
		raw := fake.PutBlob(t, "app", registrytest.MediaTypeLayer, cut)
		doc := []byte(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("a", 64) +
			`","sha256:` + strings.Repeat("b", 64) + `"]}}`)
		d := fake.PutBlob(t, "app", "application/vnd.oci.image.config.v1+json", doc)
		base := fake.PutBlob(t, "app", registrytest.MediaTypeLayer, image.Layers[0])
		m := registrytest.Manifest("application/vnd.oci.image.manifest.v1+json", d, descriptors(base, raw))
		fake.PutManifest(t, "app", "1", "application/vnd.oci.image.manifest.v1+json", m)
		f := start(t, both(), nil)
		a := f.assess(fake.Host+"/app:1", assess.Judge)
		if a.Scan.Status != string(scan.Partial) || len(a.Scan.Notes) == 0 || len(a.Scan.Components) == 0 || !violates(a, "image-partly-read") {
			t.Errorf("scan: %s %+v, %d components", a.Scan.Status, a.Scan.Notes, len(a.Scan.Components))
		}
	})
}

func TestAssess_advisories(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	registrytest.Push(t, r, "app", "1", debian())
	registrytest.Push(t, r, "empty", "1", registrytest.Image{})
	registrytest.Push(t, r, "odd", "1", registrytest.Image{Layers: [][]byte{registrytest.Layer(map[string]string{
		"a/node_modules/lodash/package.json": `{"name":"lodash","version":"4.17.15"}`,
		"a/node_modules/odd/package.json":    `{"name":"odd","version":"latest"}`,
	})}})

	t.Run("none_is_not_checked_and_never_passed", func(t *testing.T) {
		a := start(t, nil, nil).assess(r.Host+"/app:1", assess.Judge)
		if a.Check.Status != assess.NotChecked || !strings.Contains(a.Check.Reason, "vuln import") || a.Check.DataFrom != nil ||
			a.Check.Checked != 0 || a.Check.Unchecked != len(a.Scan.Components) || len(a.Scan.Components) == 0 {
			t.Errorf("%+v", a.Check)
		}
		if !violates(a, "no-advisory-data") {
			t.Errorf("violations: %+v", a.Policy.Violations)
		}
		enforced := 0
		for _, u := range a.Policy.Undecided {
			if !u.LacksAdvisories {
				t.Errorf("undecided for another reason: %+v", u)
			}
			if u.Enforced {
				enforced++
			}
		}
		if enforced == 0 || a.Verdict != assess.Violations || a.Verdict.ExitStatus() != 0 {
			t.Errorf("%d enforced policies undecided, verdict %s", enforced, a.Verdict)
		}
	})

	t.Run("for_all_is_checked", func(t *testing.T) {
		a := start(t, both(), nil).assess(r.Host+"/app:1", assess.Judge)
		if a.Check.Status != assess.Checked || a.Check.Reason != "" || a.Check.Checked != 4 || a.Check.Unchecked != 0 {
			t.Errorf("%+v", a.Check)
		}
		if a.Check.DataFrom == nil || !a.Check.DataFrom.Equal(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)) || !a.Check.ImportedAt.Equal(now) {
			t.Errorf("data from %v, imported %v", a.Check.DataFrom, a.Check.ImportedAt)
		}
		if a.Verdict != assess.Fail || a.Verdict.ExitStatus() != 1 || !violates(a, "fixable-critical-vulnerability") {
			t.Errorf("verdict %s", a.Verdict)
		}
		type row struct {
			CVE, Component, Version, Fixed string
			Layer, Line                    int
		}
		var got []row
		for _, v := range a.Findings {
			got = append(got, row{v.CVE, v.Component, v.Version, v.FixedVersion, v.LayerIndex, v.Line})
		}
		want := []row{
			{"CVE-2026-0002", "lodash", "4.17.15", "4.17.21", 1, 2},
			{"CVE-2026-0001", "libssl1.1", "1.1.1k-1", "1.1.1n-0+deb11u1", 0, 1}, // by its source package
			{"CVE-2026-0001", "openssl", "1.1.1k-1", "1.1.1n-0+deb11u1", 0, 1},
		}
		if !slices.Equal(got, want) {
			t.Errorf("findings:\n%+v\nwant\n%+v", got, want)
		}
		for _, c := range a.Scan.Components {
			if want := map[string]int{"deb": 1, "npm": 2}[c.Type]; c.Line != want || a.Facts.LineText(c.Line) == "" {
				t.Errorf("%s is of line %d", c.Name, c.Line)
			}
		}
	})

	t.Run("for_some_is_partly_checked_and_names_the_rest", func(t *testing.T) {
		some := both()
		delete(some, "Debian/1.json")
		a := start(t, some, nil).assess(r.Host+"/app:1", assess.Judge)
		if a.Check.Status != assess.PartlyChecked || a.Check.Reason != "3 of 4 components were not checked: no advisory data for Debian:11" ||
			a.Check.Checked != 1 || a.Check.Unchecked != 3 {
			t.Errorf("%+v", a.Check)
		}
		for _, c := range a.Scan.Components {
			if (c.Unchecked == "") != (c.Type == "npm") {
				t.Errorf("%s: %q", c.Name, c.Unchecked)
			}
		}
		if !violates(a, "unchecked-components") {
			t.Errorf("violations: %+v", a.Policy.Violations)
		}
	})

	t.Run("for_others_is_not_checked", func(t *testing.T) {
		index := both()
		delete(index, "Debian/1.json")
		index["npm/1.json"] = record("PYSEC-1", "", "PyPI", "flask", "2", lowVector)
		a := start(t, index, nil).assess(r.Host+"/app:1", assess.Judge)
		if a.Check.Status != assess.NotChecked || !strings.Contains(a.Check.Reason, "no advisory data for Debian:11, npm") {
			t.Errorf("%+v", a.Check)
		}
	})

	t.Run("a_version_that_cannot_be_compared_is_unchecked", func(t *testing.T) {
		a := start(t, both(), nil).assess(r.Host+"/odd:1", assess.Judge)
		if a.Check.Status != assess.PartlyChecked || !strings.Contains(a.Check.Reason, "1 of 2 components were not checked: 1 could not be matched (") ||
			!strings.Contains(a.Check.Reason, "odd") {
			t.Errorf("%+v", a.Check)
		}
	})

	t.Run("an_image_without_components_says_there_was_nothing_to_check", func(t *testing.T) {
		a := start(t, both(), nil).assess(r.Host+"/empty:1", assess.Judge)
		if a.Check.Status != assess.Checked || !strings.Contains(a.Check.Reason, "nothing to check") {
			t.Errorf("%+v", a.Check)
		}
	})
}

func TestAssess_cancellation(t *testing.T) {
	// The layer is not sent before the test ends.
	stalled := func(t *testing.T) (*registrytest.Fake, <-chan struct{}) {
		image := debian()
		asked, end := make(chan struct{}, 16), make(chan struct{})
		fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
		registrytest.Push(t, fake, "app", "1", image)
		fake.Set(registrytest.Quirks{Answer: func(_ http.ResponseWriter, r *http.Request) bool {
			if !isBlob(r, image.Layers[0]) {
				return false
			}
			asked <- struct{}{}
			select {
			case <-r.Context().Done():
			case <-end:
			}
			return true
		}})
		t.Cleanup(func() { close(end) })
		return fake, asked
	}
	within := func(t *testing.T, errs <-chan error) error {
		t.Helper()
		select {
		case err := <-errs:
			return err
		case <-time.After(5 * time.Second):
			t.Fatal("it goes on")
			return nil
		}
	}

	t.Run("while_scanning_and_while_waiting_for_another_scan", func(t *testing.T) {
		fake, asked := stalled(t)
		f := start(t, both(), func(o *assess.Options) { o.Parallel = 1 })
		req := assess.Request{Reference: reference(t, fake.Host+"/app:1"), Depth: assess.Judge}
		run := func(ctx context.Context) <-chan error {
			errs := make(chan error, 1)
			go func() {
				_, err := f.Assess(ctx, req, assess.Progress{})
				errs <- err
			}()
			return errs
		}
		scanning, stopScanning := context.WithCancel(t.Context())
		defer stopScanning()
		first := run(scanning)
		<-asked

		waiting, stopWaiting := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer stopWaiting()
		err := within(t, run(waiting))
		if fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for other scans") {
			t.Errorf("waiting: %v", err)
		}
		if a := f.assess(fake.Host+"/app:1", assess.Inspect); a.Facts.Digest == "" {
			t.Error("inspecting waits for scans")
		}

		stopScanning()
		if err := within(t, first); fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("scanning: %v", err)
		}
		if list, _, _ := f.store.Assessments(t.Context(), "", 10, ""); len(list) != 0 {
			t.Errorf("stored: %+v", list)
		}
		fake.Set(registrytest.Quirks{})
		if a := f.assess(fake.Host+"/app:1", assess.Judge); a.Scan.Status != string(scan.Complete) {
			t.Errorf("the slot was not given back, or the failure is remembered: %+v", a.Scan)
		}
	})

	t.Run("while_pulling", func(t *testing.T) {
		fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
		registrytest.Push(t, fake, "app", "1", registrytest.Image{})
		f := start(t, nil, nil)
		ctx, cancel := context.WithCancel(t.Context())
		fake.Set(registrytest.Quirks{Answer: func(http.ResponseWriter, *http.Request) bool { cancel(); return false }})
		_, err := f.Assess(ctx, assess.Request{Reference: reference(t, fake.Host+"/app:1"), Depth: assess.Judge}, assess.Progress{})
		var unserved *assess.Unserved
		if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unavailable || errors.As(err, &unserved) {
			t.Errorf("%v", err)
		}
	})

	t.Run("while_judging_gives_no_verdict", func(t *testing.T) {
		fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
		registrytest.Push(t, fake, "app", "1", debian())
		ctx, cancel := context.WithCancel(t.Context())
		f := start(t, both(), func(o *assess.Options) { o.Advisories, o.Store = cancelling{o.Advisories, cancel}, nil })
		a, err := f.Assess(ctx, assess.Request{Reference: reference(t, fake.Host+"/app:1"), Depth: assess.Judge}, assess.Progress{})
		if a != nil || fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "judge") {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// cancelling lends advisories and cancels a context when they are given back.
type cancelling struct {
	assess.Advisories
	cancel func()
}

func (c cancelling) Acquire() (*vuln.Index, func()) {
	index, release := c.Advisories.Acquire()
	return index, func() { release(); c.cancel() }
}

func TestProgress_tells_every_step(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	image := debian()
	registrytest.Push(t, r, "app", "1", image)
	f := start(t, both(), nil)
	f.connect("my registry", r.URL, "", "")
	steps := make(chan string, 16)
	read := make(chan int64, 1024)
	progress := assess.Progress{
		Step:  func(what string) { steps <- what },
		Layer: func(_ layerDigest, n, total int64) { read <- total - n },
	}
	_, err := f.Assess(t.Context(), assess.Request{Reference: reference(t, r.Host+"/app:1"), Depth: assess.Judge}, progress)
	must(t, err)
	close(steps)
	var got []string
	for s := range steps {
		got = append(got, s)
	}
	want := []string{"Asking my registry for " + r.Host + "/app:1", "Reading 2 layers", "Matching 4 components with advisories"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if len(read) == 0 {
		t.Error("no layer's progress was told")
	}
}

func TestDepth(t *testing.T) {
	for d := assess.Inspect; d <= assess.Judge; d++ {
		if got, err := assess.ParseDepth(d.String()); err != nil || got != d {
			t.Errorf("%s is read as %v, %v", d, got, err)
		}
	}
	if _, err := assess.ParseDepth("deep"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

func violates(a *assess.Assessment, policy string) bool {
	for _, v := range a.Policy.Violations {
		if v.PolicyID == policy {
			return true
		}
	}
	return false
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}
