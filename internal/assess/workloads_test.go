package assess_test

import (
	"context"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/workload"
)

const deployPolicies = `
apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: lodash}
spec: {title: Lodash, severity: high, categories: [Components], stages: [deploy], enforce: [deploy], forEach: components, condition: component.name == 'lodash'}
---
apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: privileged}
spec: {title: Privileged, severity: low, categories: [Settings], stages: [deploy], condition: container.privileged}
---
apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: production}
spec: {title: Production, severity: medium, categories: [Settings], stages: [deploy], enforce: [deploy], condition: cluster.name == 'production' && workload.namespace == 'default'}
---
apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: build}
spec: {title: Build, severity: low, categories: [Building], stages: [build], condition: 'true'}
`

func startDeploy(t *testing.T, change func(*assess.Options)) *flow {
	read, err := policy.Parse([]byte(deployPolicies))
	must(t, err)
	set, err := policy.Compile(read)
	must(t, err)
	return start(t, both(), func(o *assess.Options) {
		o.Policies = policy.Fixed(set)
		if change != nil {
			change(o)
		}
	})
}

func manifests(t *testing.T, content string) workload.Manifests {
	t.Helper()
	read, err := workload.Read([]workload.File{{Name: "app.yaml", Content: content}}, "")
	must(t, err)
	return read
}

func pod(name string, images ...string) string {
	s := "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec:\n  containers:\n"
	for i, image := range images {
		s += "  - {name: c" + string(rune('0'+i)) + ", image: \"" + image + "\", securityContext: {privileged: true}}\n"
	}
	return s
}

func outcome(r policy.Result) string {
	var list []string
	for _, v := range r.Violations {
		text := v.PolicyID
		for _, m := range v.Messages {
			text += " " + m.Container
		}
		list = append(list, text)
	}
	for _, u := range r.Undecided {
		list = append(list, "?"+u.PolicyID)
	}
	return strings.Join(list, ", ")
}

func TestCheckWorkloads(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Options{})
	registrytest.Push(t, registry, "team/app", "1", debian())
	registrytest.Push(t, registry, "team/base", "1", registrytest.Image{Layers: [][]byte{registrytest.Layer(map[string]string{"a": "b"})}})
	app, base := registry.Host+"/team/app:1", registry.Host+"/team/base:1"
	f := startDeploy(t, nil)
	f.connect("Team", registry.URL, "", "")

	check := func(t *testing.T, req assess.WorkloadsRequest) *assess.WorkloadsReport {
		t.Helper()
		r, err := f.CheckWorkloads(t.Context(), req, assess.Progress{})
		must(t, err)
		return r
	}

	t.Run("each_workload_is_judged_with_its_images", func(t *testing.T) {
		r := check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("good", base)+pod("bad", base, app)+"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n")})
		if got := outcome(r.Workloads[0].Policy); got != "privileged c0" || r.Workloads[0].Verdict != assess.Violations {
			t.Errorf("good: %s, %s", got, r.Workloads[0].Verdict)
		}
		if got := outcome(r.Workloads[1].Policy); got != "lodash c1, privileged c0 c1" || r.Workloads[1].Verdict != assess.Fail || r.Verdict != assess.Fail {
			t.Errorf("bad: %s, %s, all %s", got, r.Workloads[1].Verdict, r.Verdict)
		}
		if len(r.Ignored) != 1 || r.Ignored[0].String() != "s[/v1, Kind=Secret]" {
			t.Errorf("ignored %v", r.Ignored)
		}
		if w := r.Workloads[1]; w.Workload.File != "app.yaml" || w.Workload.Line != 9 || w.Images[1].Container != "c1" || w.Images[1].ScanStatus != "complete" {
			t.Errorf("%+v", w)
		}
		stored, err := f.Stored(t.Context(), r.Workloads[1].Images[1].AssessmentID)
		must(t, err)
		if stored.Reference != app || outcome(stored.Policy) != "build " {
			t.Errorf("stored is %s with %s", stored.Reference, outcome(stored.Policy))
		}
	})

	t.Run("each_image_is_had_once_however_it_is_written", func(t *testing.T) {
		registry.Requests()
		check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("a", app, app)+pod("b", app)+pod("c", strings.ToUpper(registry.Host)+"/team/app:1"))})
		n := 0
		for _, p := range paths(registry.Requests()) {
			if strings.Contains(p, "/manifests/1") {
				n++
			}
		}
		if n == 0 || n > 2 {
			t.Errorf("the manifest was asked for %d times", n)
		}
	})

	t.Run("an_image_that_cannot_be_had_leaves_only_what_looks_into_it_undecided", func(t *testing.T) {
		r := check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("x", registry.Host+"/team/gone:1", "${IMAGE}", ""))})
		w := r.Workloads[0]
		if got := outcome(w.Policy); got != "privileged c0 c1 c2, ?lodash" || r.Verdict != assess.Undecided {
			t.Errorf("%s, %s", got, r.Verdict)
		}
		for i, want := range []string{"404 Not Found", "variable that nothing has filled in", "names no image"} {
			if image := w.Images[i]; !strings.Contains(image.Error, want) || image.Fix == "" || image.ScanStatus != assess.NotScanned || image.AssessmentID != "" {
				t.Errorf("%+v", image)
			}
		}
	})

	t.Run("what_is_violated_fails_even_if_another_image_cannot_be_had", func(t *testing.T) {
		r := check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("x", registry.Host+"/team/gone:1", app))})
		if got := outcome(r.Workloads[0].Policy); got != "lodash c1, privileged c0 c1" || r.Verdict != assess.Fail {
			t.Errorf("%s, %s", got, r.Verdict)
		}
	})

	t.Run("cluster_and_namespace_count", func(t *testing.T) {
		r := check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("x", base)), Cluster: policy.Cluster{Name: "production"}})
		if got := outcome(r.Workloads[0].Policy); got != "production , privileged c0" {
			t.Error(got)
		}
	})

	t.Run("only_the_named_categories_are_asked", func(t *testing.T) {
		r := check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("x", app)), Categories: []string{" settings"}})
		if got := outcome(r.Workloads[0].Policy); got != "privileged c0" {
			t.Error(got)
		}
		_, err := f.CheckWorkloads(t.Context(), assess.WorkloadsRequest{Categories: []string{"Settings", "Sttings"}}, assess.Progress{})
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fault.FixOf(err), "Building, Components, Settings") {
			t.Errorf("%v (%s)", err, fault.FixOf(err))
		}
	})

	t.Run("nothing_to_check_passes", func(t *testing.T) {
		if r := check(t, assess.WorkloadsRequest{}); r.Verdict != assess.Pass || r.Workloads == nil {
			t.Errorf("%+v", r)
		}
	})

	t.Run("a_platform_that_an_image_is_not_for_is_a_reason", func(t *testing.T) {
		r := check(t, assess.WorkloadsRequest{Manifests: manifests(t, pod("x", app)), Platform: image.Platform{OS: "linux", Architecture: "s390x"}})
		if e := r.Workloads[0].Images[0].Error; !strings.Contains(e, "s390x") {
			t.Error(e)
		}
	})

	t.Run("whoever_stops_waiting_gets_no_verdict", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r, err := f.CheckWorkloads(ctx, assess.WorkloadsRequest{Manifests: manifests(t, pod("x", registry.Host+"/team/other:1"))}, assess.Progress{}); err == nil || fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
