package workload_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/workload"
)

func read(t *testing.T, content string) workload.Manifests {
	t.Helper()
	found, err := workload.Read([]workload.File{{Name: "app.yaml", Content: content}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// one reads a manifest of one workload.
func one(t *testing.T, content string) policy.Workload {
	t.Helper()
	found := read(t, content)
	if len(found.Workloads) != 1 || len(found.Ignored) > 0 {
		t.Fatalf("%d workloads, ignored %v", len(found.Workloads), found.Ignored)
	}
	return found.Workloads[0].Workload
}

const pod = "{containers: [{name: c, image: app}]}"

func TestRead_knows_every_kind(t *testing.T) {
	template := "template: {metadata: {labels: {pod: 'yes'}}, spec: " + pod + "}"
	for kind, rest := range map[string]string{
		"v1 Pod":                                "spec: " + pod,
		"v1 PodTemplate":                        template,
		"v1 ReplicationController":              "spec: {replicas: 2, " + template + "}",
		"apps/v1 Deployment":                    "spec: {replicas: 2, " + template + "}",
		"extensions/v1beta1 Deployment":         "spec: {" + template + "}",
		"apps/v1 StatefulSet":                   "spec: {" + template + "}",
		"apps/v1 DaemonSet":                     "spec: {" + template + "}",
		"apps/v1 ReplicaSet":                    "spec: {" + template + "}",
		"batch/v1 Job":                          "spec: {" + template + "}",
		"batch/v1 CronJob":                      "spec: {schedule: '* * * * *', jobTemplate: {spec: {" + template + "}}}",
		"apps.openshift.io/v1 DeploymentConfig": "spec: {replicas: 2, " + template + "}",
		"argoproj.io/v1alpha1 Rollout":          "spec: {replicas: 2, " + template + "}",
		"serving.knative.dev/v1 Service":        "spec: {template: {spec: {containers: [{image: app}]}}}",
	} {
		t.Run(kind, func(t *testing.T) {
			version, name, _ := strings.Cut(kind, " ")
			w := one(t, "apiVersion: "+version+"\nkind: "+name+"\nmetadata: {name: x, namespace: ns, labels: {a: b}}\n"+rest+"\n")
			if w.APIVersion != version || w.Kind != name || w.Name != "x" || w.Namespace != "ns" || w.Labels["a"] != "b" || len(w.Containers) != 1 || w.Containers[0].Image != "app" {
				t.Errorf("%+v", w)
			}
			if want := int64(1 + strings.Count(rest, "replicas: 2")); w.Replicas != want {
				t.Errorf("%d replicas, want %d", w.Replicas, want)
			}
			if strings.Contains(rest, "pod:") && w.PodLabels["pod"] != "yes" {
				t.Errorf("the pod's labels are %v", w.PodLabels)
			}
		})
	}
}

func TestRead_fills_in_what_Kubernetes_would(t *testing.T) {
	w := one(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostNetwork: true, volumes: [{name: v}], containers: [{name: c, image: app:1, ports: [{containerPort: 80}], volumeMounts: [{name: v, mountPath: /v}]}]}\n")
	want := policy.Workload{
		APIVersion: "v1", Kind: "Pod", Name: "x", Namespace: "default", Replicas: 1, ServiceAccount: "default", AutomountToken: true, HostNetwork: true,
		Volumes: []policy.Volume{{Name: "v", Type: "emptyDir"}},
		Containers: []policy.Container{{
			Name: "c", Kind: policy.MainContainer, Image: "app:1", PullPolicy: "IfNotPresent", AllowEscalation: true, User: -1, Group: -1, ProcMount: "Default",
			Ports:  []policy.Port{{Container: 80, Host: 80, Protocol: "TCP"}},
			Mounts: []policy.Mount{{Volume: "v", Path: "/v", Propagation: "None"}},
		}},
	}
	if !reflect.DeepEqual(w, want) {
		t.Errorf("got  %+v\nwant %+v", w, want)
	}
	for image, want := range map[string]string{
		"app": "Always", "app:latest": "Always", "host:5000/app": "Always", "app:latest@sha256:" + strings.Repeat("a", 64): "Always",
		"app@sha256:" + strings.Repeat("a", 64): "IfNotPresent", "host:5000/app:1": "IfNotPresent", "${IMAGE}": "IfNotPresent", "": "IfNotPresent",
	} {
		w := one(t, fmt.Sprintf("apiVersion: v1\nkind: Pod\nspec: {containers: [{image: %q}]}\n", image))
		if got := w.Containers[0].PullPolicy; got != want {
			t.Errorf("%q is pulled %s, want %s", image, got, want)
		}
	}
}

// The files are manifests as they are in use, each with what it must be read as.
func TestRead_sees_everything(t *testing.T) {
	names, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found := read(t, string(content))
			got, err := json.MarshalIndent(found, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".yaml") + ".json"
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != string(got)+"\n" {
				t.Errorf("%v; got\n%s", err, got)
			}
		})
	}
}

func TestRead_takes_streams_apart(t *testing.T) {
	found := read(t, "# Source: chart/empty.yaml\n---\n%YAML 1.1\n---\n# Source: chart/service.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"+
		"--- # the list\napiVersion: v1\nkind: List\nitems:\n- &one\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec: "+pod+"\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}\n"+
		"- <<: *one\n  metadata: {name: b}\n---\n\n---\napiVersion: apps/v1\nkind: DeploymentList\nitems:\n- {metadata: {name: c}, spec: {template: {spec: "+pod+"}}}\n---\n"+
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "d-"}, "spec": {"containers": [{"image": "app"}]}}`+"\n")
	var got []string
	for _, w := range found.Workloads {
		got = append(got, fmt.Sprintf("%s:%d %s %s", w.File, w.Line, w.Kind, w.Name))
	}
	want := []string{"app.yaml:13 Pod a", "app.yaml:19 Pod b", "app.yaml:27 Deployment c", "app.yaml:29 Pod d-"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("workloads %q, want %q", got, want)
	}
	if s := fmt.Sprint(found.Ignored); s != "[shop/web[/v1, Kind=Service] settings[/v1, Kind=ConfigMap]]" {
		t.Errorf("ignored %s", s)
	}
}

func TestRead_reads_values_as_Kubernetes_does(t *testing.T) {
	w := one(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {1: one, on: two}, annotations: {since: \"2026-01-01\", since: '2027-01-01'}}\n"+
		"spec: {hostPID: yes, HostIPC: true, containers: [{image: app, securityContext: {privileged: on, runAsUser: 0644}}]}\n")
	if !w.HostPID || w.HostIPC || !w.Containers[0].Privileged || w.Containers[0].User != 0o644 {
		t.Errorf("%+v", w)
	}
	if w.Labels["1"] != "one" || w.Labels["on"] != "two" || w.Annotations["since"] != "2027-01-01" {
		t.Errorf("labels %v, annotations %v", w.Labels, w.Annotations)
	}
}

func TestRead_says_what_is_wrong_and_where(t *testing.T) {
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	bomb := "a: &a [x,x,x,x,x,x,x,x]\n"
	for i := range 10 {
		bomb += fmt.Sprintf("%c: &%[1]c [%s*%c]\n", 'b'+i, strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 8), 'a'+i)
	}
	for content, want := range map[string]string{
		"---\n# x\n---\nkind: Pod\nmetadata:\n\tname: x\n": "app.yaml:6: not YAML",
		"a: 1\n":                               "app.yaml:1: it has no apiVersion or no kind",
		"- a\n":                                "app.yaml:1: this is no Kubernetes object",
		"just text\n":                          "app.yaml:1: this is no Kubernetes object",
		deployment + "spec: {replicas: 2}\n":   "app.yaml:1: Deployment web: it has no containers",
		deployment + "spec: {replicas: two}\n": "app.yaml:1: Deployment web: replicas cannot be of the type string",
		"apiVersion: v1\nkind: Pod\n":          "app.yaml:1: Pod: it has no containers",
		"apiVersion: v1\nkind: Pod\nspec: {containers: [x]}\n":                                      "spec.containers cannot be of the type string",
		"apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a, env: [{name: A, value: 1}]}]}\n": "spec.containers.env.value cannot be of the type number",
		"a: {{ .Values.image }}\n":                     "app.yaml:1: not YAML: a key is no text",
		"a: b\n{{- if .Values.x }}\nc: d\n{{ end }}\n": "not YAML",
		bomb:           "once aliases are followed",
		"a: &a [*a]\n": "more than 200 deep",
		strings.Repeat("[", 300) + strings.Repeat("]", 300): "more than 200 deep",
		strings.Repeat("-\n", 600_000):                      "more than 500000 lines and items",
		"a: *b\n":                                           "unknown anchor",
		strings.Repeat("---\napiVersion: v1\nkind: Namespace\n", 20_002):                        "more than 20000 objects",
		"a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 100) + "*a]\n": "once aliases are followed",
		strings.Repeat("--- ["+strings.Repeat("a,", 400_000)+"]\n", 6):                          "app.yaml:5: up to here there are more than 2000000 lines and items",
		strings.Repeat(" ", 17<<20): "more than 16 MiB",
	} {
		_, err := workload.Read([]workload.File{{Name: "app.yaml", Content: content}}, "")
		if err == nil || !strings.Contains(err.Error(), want) || fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
			t.Errorf("%.100q: %v (what to do: %s), want %q", content, err, fault.FixOf(err), want)
		}
		if strings.Contains(content, "{{") && !strings.Contains(fault.FixOf(err), "helm template") {
			t.Errorf("%.100q: what to do: %s", content, fault.FixOf(err))
		}
	}
}

func TestRead_tells_of_all_mistakes_at_once(t *testing.T) {
	_, err := workload.Read([]workload.File{{Name: "a.yaml", Content: "{\n---\nkind: x\n"}, {Content: "x\n"}}, "")
	if got := strings.Count(fmt.Sprint(err), "\n"); got != 2 {
		t.Errorf("%d lines more than one: %v", got, err)
	}
	_, err = workload.Read([]workload.File{{Content: strings.Repeat("--- x\n", 1000)}}, "")
	if got := strings.Count(fmt.Sprint(err), "\n"); got != 50 || !strings.HasSuffix(err.Error(), "and 950 mistakes more") {
		t.Errorf("%d lines more than one: %v", got, err)
	}
}

func TestReference_says_why_it_is_none(t *testing.T) {
	for name, want := range map[string]string{
		"": "it names no image", " ": "it names no image", "${IMAGE}": "holds a variable", "$(params.image)": "holds a variable", "registry/{{ .Values.image }}:1": "holds a variable",
		"<image>": "holds a variable", "App": "lower case", "%IMAGE%": "holds a variable",
	} {
		if _, err := workload.Reference(name); err == nil || !strings.Contains(err.Error(), want) || fault.FixOf(err) == "" {
			t.Errorf("%q: %v (what to do: %s), want %q", name, err, fault.FixOf(err), want)
		}
	}
	if ref, err := workload.Reference("nginx"); err != nil || ref.String() != "docker.io/library/nginx:latest" {
		t.Errorf("%s, %v", ref, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: " + pod + "\n", "--- {a: b}\n--- # x\n...\n", "kind: List\napiVersion: v1\nitems: [{a: *b}]\n",
		"&a {<<: *a}\n", "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{resources: {limits: {cpu: 1e9}}}]}}}\n", "\ufeff{\"kind\":\"Pod\"}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		found, err := workload.Read([]workload.File{{Name: "x", Content: content}}, "n")
		if err != nil && (fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "") {
			t.Errorf("%v", err)
		}
		lines := strings.Count(content, "\n") + 1
		for _, w := range found.Workloads {
			if w.Line < 1 || w.Line > lines || w.Namespace == "" || len(w.Containers) == 0 || w.Kind == "" {
				t.Errorf("%+v", w)
			}
		}
		if _, err := json.Marshal(found); err != nil {
			t.Error(err)
		}
	})
}
