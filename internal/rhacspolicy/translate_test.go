package rhacspolicy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/policy"
)

func TestTranslate_criteria_of_a_section_hold_of_one_thing(t *testing.T) {
	p := wholly(t, deployPolicy([]group{
		criterionGroup("Severity", "OR", false, "CRITICAL"), criterionGroup("Fixable", "OR", false, "true"),
		criterionGroup("Image Component", "OR", false, "libx="), criterionGroup("Privileged Container", "OR", false, "true"),
	}))
	if p.ForEach != "vulnerabilities" {
		t.Errorf("forEach is %q", p.ForEach)
	}
	split := newWorld()
	split.c.Privileged = true
	split.vulnerability(policy.Vulnerability{ID: "A", Severity: "critical"})
	split.vulnerability(policy.Vulnerability{ID: "B", Severity: "low", FixedVersion: "2"})
	if r := split.judge(t, p); len(r.Violations) != 0 {
		t.Error("two vulnerabilities together break it")
	}
	split.vulnerability(policy.Vulnerability{ID: "C", CVE: "CVE-1-1", Severity: "critical", FixedVersion: "2"})
	r := split.judge(t, p)
	if len(r.Violations) != 1 || len(r.Violations[0].Messages) != 1 || r.Violations[0].Messages[0].CVE != "CVE-1-1" {
		t.Errorf("%+v", r.Violations)
	}
	split.c.Privileged = false
	if r := split.judge(t, p); len(r.Violations) != 0 {
		t.Error("it is broken without the container being privileged")
	}
}

func TestTranslate_volume_criteria_hold_of_one_mount(t *testing.T) {
	p := wholly(t, deployPolicy([]group{criterionGroup("Volume Source", "OR", false, "/etc"), criterionGroup("Writable Mounted Volume", "OR", false, "true")}))
	w := newWorld()
	w.mount(policy.Volume{Name: "a", Type: "hostPath", Source: "/etc"}, policy.Mount{ReadOnly: true})
	w.mount(policy.Volume{Name: "b", Type: "emptyDir"}, policy.Mount{})
	if r := w.judge(t, p); len(r.Violations) != 0 {
		t.Error("two mounts together break it")
	}
}

func TestTranslate_ports_are_the_workload_s(t *testing.T) {
	p := wholly(t, deployPolicy([]group{criterionGroup("Exposed Port", "OR", false, "22"), criterionGroup("Privileged Container", "OR", false, "true")}))
	set, err := policy.Compile([]policy.Policy{p})
	if err != nil {
		t.Fatal(err)
	}
	a, b := newWorld(), newWorld()
	a.c.Privileged, b.c.Name, b.c.Ports = true, "sidecar", []policy.Port{{Container: 22, Protocol: "TCP"}}
	a.w.Containers = []policy.Container{a.c, b.c}
	r := set.EvaluateWorkload(context.Background(), policy.Deployment{Workload: a.w, Images: []policy.Input{a.i, b.i}, Now: noon})
	if len(r.Violations) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestTranslate_sections_are_alternatives(t *testing.T) {
	p := wholly(t, deployPolicy([]group{criterionGroup("Host PID", "OR", false, "true")},
		[]group{criterionGroup("Privileged Container", "OR", false, "true")}, []group{criterionGroup("CVE", "OR", false, "CVE-1-1")}))
	for name, change := range map[string]change{
		"host PID": func(w *world) { w.w.HostPID = true }, "privileged": func(w *world) { w.c.Privileged = true },
		"CVE": func(w *world) { w.vulnerability(policy.Vulnerability{ID: "CVE-1-1"}) },
	} {
		w := newWorld()
		change(w)
		if r := w.judge(t, p); len(r.Violations) != 1 {
			t.Errorf("%s does not break it: %s", name, p.Condition)
		}
	}
	if r := newWorld().judge(t, p); len(r.Violations) != 0 {
		t.Error("nothing breaks it")
	}
}

// losses says what a translation lacks, with the effects.
func losses(t Translation) string {
	var b strings.Builder
	for _, l := range t.Losses {
		fmt.Fprintln(&b, l)
	}
	return b.String()
}

func TestTranslate_names_what_it_cannot_say(t *testing.T) {
	registry := criterionGroup("Image Registry", "OR", false, "quay.io")
	signature := criterionGroup("Image Signature Verified By", "OR", false, "io.stackrox.signatureintegration.1")
	runtime := deployPolicy([]group{criterionGroup("Process Name", "OR", false, "nmap")})
	runtime.LifecycleStages = []string{"RUNTIME"}
	build := deployPolicy([]group{criterionGroup("Privileged Container", "OR", false, "true")})
	build.LifecycleStages = []string{"BUILD"}
	for name, c := range map[string]struct {
		policy  Policy
		lost    string
		partial string // outcome
	}{
		"a criterion among others": {deployPolicy([]group{registry, signature}),
			`the criterion "Image Signature Verified By" cannot be translated: signatures are not verified for policies; without it ` + Stricter, Partial},
		"the only criterion of a section": {deployPolicy([]group{signature}, []group{registry}),
			`the criterion "Image Signature Verified By" cannot be translated: signatures are not verified for policies; without it ` + Weaker, Partial},
		"the only criterion": {deployPolicy([]group{signature}), "none of its criteria", Refused},
		"one of several values": {deployPolicy([]group{criterionGroup("Port Exposure Method", "OR", false, "HOST", "ROUTE")}),
			`the value "ROUTE" of the criterion "Port Exposure Method" cannot be translated: whether a port is exposed as ROUTE takes Services, ` +
				`Routes and Ingresses, and only the workload is looked at; without it ` + Weaker, Partial},
		"a value that must not be": {deployPolicy([]group{criterionGroup("Port Exposure Method", "OR", true, "HOST", "ROUTE")}), Stricter, Partial},
		"a broken expression":      {deployPolicy([]group{criterionGroup("Image Tag", "OR", false, "(", "x")}), `"(" is no regular expression`, Partial},
		"node ports":               {deployPolicy([]group{criterionGroup("Exposed Node Port", "OR", false, "> 1024")}), "node ports of Services", Partial},
		"something new":            {deployPolicy([]group{registry, criterionGroup("Phase Of The Moon", "OR", false, "full")}), `"Phase Of The Moon" cannot be translated: it is not known`, Partial},
		"a component of a vulnerability": {deployPolicy([]group{criterionGroup("Image Component", "OR", false, "bash="), criterionGroup("CVSS", "OR", false, "x")}),
			`the value "x" of the criterion "CVSS" cannot be translated`, Partial},
		"no values":               {deployPolicy([]group{registry, criterionGroup("Image Tag", "OR", false)}), "it has no values", Partial},
		"runtime":                 {runtime, "the lifecycle stage RUNTIME cannot be translated: it is about what runs already", Refused},
		"workload at build":       {build, "the lifecycle stage BUILD cannot be translated: it asks for things that only a workload has", Refused},
		"no sections":             {deployPolicy(), "none of its criteria", Refused},
		"wrong number":            {deployPolicy([]group{criterionGroup("CVSS", "OR", false, "NaN")}), `"NaN" is not a number`, Refused},
		"wrong boolean":           {deployPolicy([]group{criterionGroup("Host PID", "OR", false, "perhaps")}), "neither true nor false", Refused},
		"too long a value":        {deployPolicy([]group{criterionGroup("Image Tag", "OR", false, strings.Repeat("x", 5000))}), "it has more than 4096 bytes", Refused},
		"too many values":         {deployPolicy([]group{criterionGroup("Exposed Node Port", "OR", false, slices.Repeat([]string{"80"}, 2000)...)}), "it has more than 1000 values", Refused},
		"too large an expression": {deployPolicy([]group{criterionGroup("Image Tag", "OR", false, "(x{1,100}){1,10}(y{1,500}){1,2}")}), "spec.condition", Refused},
	} {
		t.Run(name, func(t *testing.T) {
			strict := one(t, c.policy, Options{})
			if strict.Outcome != Refused || strict.Policy != nil {
				t.Errorf("without being asked it is %s", strict.Outcome)
			}
			got := one(t, c.policy, Options{Partial: true})
			if got.Outcome != c.partial || (got.Policy == nil) != (c.partial == Refused) {
				t.Errorf("in part it is %s", got.Outcome)
			}
			if !strings.Contains(losses(got), c.lost) {
				t.Errorf("not named: %s\nbut: %s", c.lost, losses(got))
			}
		})
	}
}

func TestTranslate_carries_over(t *testing.T) {
	from := Policy{
		ID: "1a4e1e5a-0000-4000-8000-000000000001", Name: " Only signed, please: (v2) ", Description: "What", Rationale: "Why", Remediation: "How", Disabled: true,
		Categories: []string{"Privileges", "Privileges", "Docker CIS"}, LifecycleStages: []string{"DEPLOY", "BUILD"}, Severity: "HIGH_SEVERITY",
		EnforcementActions: []string{"FAIL_DEPLOYMENT_CREATE_ENFORCEMENT", "FAIL_BUILD_ENFORCEMENT", "FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT"},
		PolicySections:     []section{{PolicyGroups: []group{criterionGroup("Image Tag", "OR", false, "latest")}}},
		Notifiers:          []string{"n"}, unknown: []string{"moon"},
	}
	from.MitreAttackVectors = append(from.MitreAttackVectors, struct {
		Techniques []string `json:"techniques"`
	}{[]string{"T1059.004", "x"}})
	got := one(t, from, Options{})
	p := *got.Policy
	want := policy.Policy{
		ID: "only-signed-please-v2", Title: "Only signed, please: (v2)", Description: "What", Rationale: "Why", Remediation: "How", Disabled: true,
		Severity: policy.High, Stages: []policy.Stage{policy.Build, policy.Deploy}, Enforce: []policy.Stage{policy.Deploy, policy.Build},
		Categories: []string{"Privileges", "Docker CIS"}, References: []string{"https://attack.mitre.org/techniques/T1059/004/"},
		Condition: `image.tag.matches("^(?i:latest)$")`, Message: `image.reference + ": tag " + image.tag`,
	}
	if string(policy.Format(p)) != string(policy.Format(want)) {
		t.Errorf("%s", policy.Format(p))
	}
	if got.ID != from.ID || !slices.Contains(got.Notes, `the key "moon" is not known here; what it says is not carried over`) ||
		!slices.Contains(got.Notes, "its notifiers are not carried over") {
		t.Errorf("%+v", got)
	}
	if _, err := policy.Parse(policy.Format(p)); err != nil {
		t.Error(err)
	}
}

func TestTranslate_names_do_not_collide(t *testing.T) {
	var from []Policy
	for range 3 {
		p := deployPolicy([]group{criterionGroup("Image Tag", "OR", false, "latest")})
		p.Name = "Latest tag"
		from = append(from, p)
	}
	long := deployPolicy([]group{criterionGroup("Image Tag", "OR", false, "latest")})
	long.Name = strings.Repeat("Ü long name ", 10)
	from = append(from, long)
	var ids []string
	kept := []policy.Entry{
		{Policy: policy.Policy{ID: "latest-tag", Title: "Latest tag"}, Source: policy.SourceBuiltIn},
		{Policy: policy.Policy{ID: "latest-tag-rhacs-2", Title: "Somebody's own"}, Source: policy.SourceOwn},
		{Policy: policy.Policy{ID: "latest-tag-rhacs-3", Title: "Latest tag"}, Source: policy.SourceOwn},
	}
	for _, translated := range Translate(from, Options{Kept: kept}) {
		ids = append(ids, translated.Policy.ID)
		if translated.Replaces != (translated.Policy.ID == "latest-tag-rhacs-3") {
			t.Errorf("%s replaces: %v", translated.Policy.ID, translated.Replaces)
		}
	}
	if got := strings.Join(ids, " "); got != "latest-tag-rhacs latest-tag-rhacs-3 latest-tag-rhacs-4 long-name-long-name-long-name-long-name-long-name-long-name-lon" {
		t.Error(got)
	}
}

func TestTranslate_scope(t *testing.T) {
	base := []group{criterionGroup("Host PID", "OR", false, "true")}
	applies := func(p policy.Policy, namespace, name string, labels map[string]string, cluster string) bool {
		w := newWorld()
		w.w.HostPID, w.w.Namespace, w.w.Name, w.w.Labels = true, namespace, name, labels
		set, err := policy.Compile([]policy.Policy{p})
		if err != nil {
			t.Fatal(err)
		}
		w.w.Containers = []policy.Container{w.c}
		r := set.EvaluateWorkload(context.Background(), policy.Deployment{Workload: w.w, Images: []policy.Input{w.i}, Now: noon,
			Cluster: policy.Cluster{Name: cluster}})
		return len(r.Violations) > 0
	}
	p := deployPolicy(base)
	p.Scope = []scope{{Namespace: "shop|team-.*"}, {Namespace: "infra", Label: label{"Tier", "front.*"}}, {Cluster: "prod-1", Namespace: "x"}}
	got := wholly(t, p)
	for _, c := range []struct {
		namespace, cluster string
		labels             map[string]string
		want               bool
	}{
		{"shop", "c", nil, true}, {"team-a", "c", nil, true}, {"other", "c", nil, false}, {"infra", "c", nil, false},
		{"infra", "c", map[string]string{"Tier": "frontend"}, true}, {"infra", "c", map[string]string{"Tier": "back"}, false},
		{"x", "prod-1", nil, true}, {"x", "prod-2", nil, false},
	} {
		if applies(got, c.namespace, "shop", c.labels, c.cluster) != c.want {
			t.Errorf("%+v: %v", c, !c.want)
		}
	}
	p.Scope = []scope{{Namespace: `team-\d+`}}
	got = wholly(t, p)
	if !applies(got, "team-12", "shop", nil, "c") || applies(got, "team-a", "shop", nil, "c") {
		t.Error(got.Condition)
	}
	p.Scope = []scope{{Cluster: "1a4e1e5a-0000-4000-8000-000000000001"}}
	if named := one(t, p, Options{Clusters: map[string]string{"1a4e1e5a-0000-4000-8000-000000000001": "prod"}}); named.Outcome != Whole ||
		!applies(*named.Policy, "shop", "shop", nil, "prod") || applies(*named.Policy, "shop", "shop", nil, "test") {
		t.Errorf("%+v", named)
	}
	p.Scope = append(p.Scope, scope{ClusterLabel: label{"env", "prod"}}, scope{NamespaceLabel: label{"env", "prod"}})
	if lost := losses(one(t, p, Options{})); strings.Count(lost, Stricter) != 3 {
		t.Error(lost)
	}
	if everywhere := one(t, p, Options{Partial: true}); !applies(*everywhere.Policy, "shop", "shop", nil, "c") {
		t.Error("without its scope it does not apply everywhere")
	}
}

func TestTranslate_exclusions(t *testing.T) {
	from := deployPolicy([]group{criterionGroup("Host PID", "OR", false, "true")})
	add := func(name, deployment string, s scope, until string) {
		e := exclusion{Name: name, Expiration: until}
		e.Deployment.Name, e.Deployment.Scope = deployment, s
		from.Exclusions = append(from.Exclusions, e)
	}
	add("system", "", scope{Namespace: "kube-.*"}, "")
	add("system", "", scope{Namespace: "openshift-.*"}, "")
	add("agents", "agent-[ab]", scope{Namespace: "infra"}, "")
	add("numbered", `node-\d+`, scope{}, noon.Add(time.Hour).Format(time.RFC3339))
	add("old", "shop", scope{}, noon.Add(-time.Hour).Format(time.RFC3339))
	add("old and numbered", `shop.\d+`, scope{}, noon.Add(-time.Hour).Format(time.RFC3339))
	p := wholly(t, from)
	for _, c := range []struct {
		namespace, name string
		excluded, want  int
	}{
		{"kube-system", "x", 1, 0}, {"openshift-dns", "x", 1, 0}, {"infra", "agent-a", 1, 0}, {"infra", "agent-c", 0, 1}, {"x", "agent-a", 0, 1}, {"x", "node-7", 0, 0},
		{"x", "shop", 0, 1}, {"x", "shop-1", 0, 1},
	} {
		w := newWorld()
		w.w.HostPID, w.w.Namespace, w.w.Name = true, c.namespace, c.name
		if r := w.judge(t, p); len(r.Excluded) != c.excluded || len(r.Violations) != c.want {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	from.LifecycleStages = []string{"BUILD", "DEPLOY"}
	from.PolicySections[0].PolicyGroups[0] = criterionGroup("Image Tag", "OR", false, "1.*")
	if lost := losses(one(t, from, Options{})); strings.Count(lost, Stricter) != 2 || !strings.Contains(lost, `the exclusion "numbered": the deployment "node-\\d+"`) {
		t.Error(lost)
	}
	from.Exclusions = []exclusion{{Name: "base"}}
	from.Exclusions[0].Image.Name = "quay.io/shop"
	p = wholly(t, from)
	set, err := policy.Compile([]policy.Policy{p})
	if err != nil {
		t.Fatal(err)
	}
	for registry, want := range map[string]int{"quay.io": 0, "docker.io": 1} {
		in := newWorld().i
		in.Image.Registry, in.Image.Reference = registry, registry+"/shop/web:1.2"
		if r := set.Evaluate(context.Background(), policy.Build, in); len(r.Violations) != want {
			t.Errorf("%s: %+v", registry, r)
		}
	}
}

func TestTranslate_skipped_containers(t *testing.T) {
	p := deployPolicy([]group{criterionGroup("Privileged Container", "OR", false, "true")})
	p.EvaluationFilter.SkipContainerTypes = []string{"INIT"}
	got := wholly(t, p)
	w := newWorld()
	w.c.Privileged = true
	if r := w.judge(t, got); len(r.Violations) != 1 {
		t.Error("it skips containers")
	}
	w.c.Kind = policy.InitContainer
	if r := w.judge(t, got); len(r.Violations) != 0 {
		t.Error("it does not skip init containers")
	}
}

func TestGlobs(t *testing.T) {
	for expression, want := range map[string]string{
		"kube-system": "kube-system", "kube-.*": "kube-*", ".*-Test": "*-test", "^openshift-.+$": "openshift-?*", "a|b-.*": "a b-*",
		"(dev|test)-[12]": "dev-1 dev-2 test-1 test-2", "colou?r": "color colour", "a.c": "a?c", `kube\.system`: "kube.system",
		`node-\d+`: "", "a*": "", "[a-z0-9]{3,}": "", "(": "", `a\*`: "", "": "", `\w\w`: "",
	} {
		got, ok := globs(expression)
		if slices.Sort(got); !ok {
			got = nil
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
