package rhacspolicy

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/policy"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// a Deployment of one container, which the cases change.
type world struct {
	w policy.Workload
	c policy.Container
	i policy.Input
}

func newWorld() *world {
	base := policy.Component{Name: "bash", Version: "5.2", Type: "deb"}
	return &world{
		w: policy.Workload{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop", Namespace: "shop", Replicas: 2, ServiceAccount: "shop",
			Labels: map[string]string{"app": "shop"}, Annotations: map[string]string{"contact": "a@shop.example"}},
		c: policy.Container{Name: "web", Kind: policy.MainContainer, Image: "quay.io/shop/web:1.2", PullPolicy: "Always", NonRoot: true,
			ReadOnlyRoot: true, User: -1, Group: -1, DroppedCapabilities: []string{"ALL"}, CPURequest: 1, CPULimit: 1,
			MemoryRequest: 256 << 20, MemoryLimit: 256 << 20, HasLivenessProbe: true, HasReadinessProbe: true, ProcMount: "Default"},
		i: policy.Input{
			Image: policy.Image{Reference: "quay.io/shop/web:1.2", Registry: "quay.io", Repository: "shop/web", Tag: "1.2",
				Digest: "sha256:" + strings.Repeat("a", 64), Created: noon.AddDate(0, 0, -10), HasCreated: true, User: "1000", OS: "linux",
				Architecture: "amd64", Distribution: "debian:13", Labels: map[string]string{"team": "shop"}},
			Layers:     []policy.Layer{{Line: 1, Keyword: "COPY", Value: "web /web"}},
			Components: []policy.Component{base},
			Vulnerabilities: []policy.Vulnerability{{ID: "DEBIAN-CVE-2020-1", CVE: "CVE-2020-1", Severity: "low", Score: 3, Component: base,
				Published: noon.AddDate(0, 0, -5)}},
			Scan: policy.Scan{Scanned: true, Complete: true, VulnsChecked: true, AdvisoryAge: time.Hour},
			Now:  noon,
		},
	}
}

func (w *world) mount(v policy.Volume, m policy.Mount) {
	m.Volume = v.Name
	w.w.Volumes, w.c.Mounts = append(w.w.Volumes, v), append(w.c.Mounts, m)
}

func (w *world) vulnerability(v policy.Vulnerability) {
	v.Component = policy.Component{Name: "libx", Version: "1.0"}
	w.i.Components, w.i.Vulnerabilities = append(w.i.Components, v.Component), append(w.i.Vulnerabilities, v)
}

func (w *world) variable(v policy.Variable) { w.c.Environment = append(w.c.Environment, v) }

func (w *world) port(p policy.Port) { w.c.Ports = append(w.c.Ports, p) }

// judge says what a policy says of the Deployment.
func (w *world) judge(t *testing.T, p policy.Policy) policy.Result {
	t.Helper()
	set, err := policy.Compile([]policy.Policy{p})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Condition)
	}
	w.w.Containers = []policy.Container{w.c}
	result := set.EvaluateWorkload(context.Background(), policy.Deployment{Workload: w.w, Images: []policy.Input{w.i}, Now: noon})
	for _, u := range result.Undecided {
		t.Errorf("undecided: %s\n%s", u.Reason, p.Condition)
	}
	for _, v := range result.Violations {
		for _, m := range v.Messages {
			if strings.Contains(m.Text, "could not be evaluated") {
				t.Errorf("%s\n%s", m.Text, p.Message)
			}
		}
	}
	return result
}

type change = func(*world)

func criterionGroup(field, operator string, negate bool, values ...string) group {
	g := group{FieldName: field, BooleanOperator: operator, Negate: negate}
	for _, v := range values {
		g.Values = append(g.Values, groupValue{v})
	}
	return g
}

func deployPolicy(sections ...[]group) Policy {
	p := Policy{Name: "Test", Severity: "LOW_SEVERITY", LifecycleStages: []string{"DEPLOY"}}
	for _, groups := range sections {
		p.PolicySections = append(p.PolicySections, section{PolicyGroups: groups})
	}
	return p
}

func one(t *testing.T, p Policy, o Options) Translation {
	t.Helper()
	return Translate([]Policy{p}, o)[0]
}

func wholly(t *testing.T, p Policy) policy.Policy {
	t.Helper()
	translated := one(t, p, Options{})
	if translated.Outcome != Whole {
		t.Fatalf("%s: %v", translated.Outcome, translated.Losses)
	}
	return *translated.Policy
}

// Every criterion that is translated, with what breaks the policy and what does not.
var criteriaCases = []struct {
	group  group
	breaks []change
	holds  []change
}{
	{criterionGroup("Add Capabilities", "OR", false, "CAP_SYS_ADMIN", "NET_ADMIN"),
		[]change{func(w *world) { w.c.AddedCapabilities = []string{"NET_ADMIN"} }, func(w *world) { w.c.AddedCapabilities = []string{"SYS_ADMIN"} }},
		[]change{func(w *world) { w.c.AddedCapabilities = []string{"CHOWN"} }}},
	{criterionGroup("Add Capabilities", "AND", false, "SYS_ADMIN", "NET_ADMIN"),
		[]change{func(w *world) { w.c.AddedCapabilities = []string{"NET_ADMIN", "SYS_ADMIN"} }},
		[]change{func(w *world) { w.c.AddedCapabilities = []string{"NET_ADMIN"} }}},
	{criterionGroup("Allow Privilege Escalation", "OR", false, "true"), []change{func(w *world) { w.c.AllowEscalation = true }}, []change{nil}},
	{criterionGroup("AppArmor Profile", "OR", false, "unconfined"),
		[]change{func(w *world) { w.c.AppArmor = "Unconfined" }}, []change{nil, func(w *world) { w.c.AppArmor = "RuntimeDefault" }}},
	{criterionGroup("AppArmor Profile", "OR", true, "runtime/default"), []change{nil}, []change{func(w *world) { w.c.AppArmor = "RuntimeDefault" }}},
	{criterionGroup("Automount Service Account Token", "OR", false, "TRUE"), []change{func(w *world) { w.w.AutomountToken = true }}, []change{nil}},
	{criterionGroup("CVE", "OR", false, "CVE-2021-44228", "cve-2021-4504."),
		[]change{
			func(w *world) { w.vulnerability(policy.Vulnerability{ID: "GHSA-1", CVE: "CVE-2021-44228"}) },
			func(w *world) {
				w.vulnerability(policy.Vulnerability{ID: "GHSA-1", Aliases: []string{"CVE-2021-45046"}})
			},
		},
		[]change{nil, func(w *world) { w.vulnerability(policy.Vulnerability{ID: "GHSA-1", CVE: "CVE-2021-442280"}) }}},
	{criterionGroup("CVSS", "OR", false, ">= 7.000000"),
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Score: 7}) }},
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Score: 6.9}) }}},
	{criterionGroup("CVSS", "AND", false, "> 4", "< 5"),
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Score: 4.5}) }},
		[]change{func(w *world) {
			w.vulnerability(policy.Vulnerability{ID: "A", Score: 6})
			w.vulnerability(policy.Vulnerability{ID: "B", Score: 3})
		}}},
	{criterionGroup("Container CPU Limit", "OR", false, "> 2"), []change{func(w *world) { w.c.CPULimit = 2.5 }}, []change{nil}},
	{criterionGroup("Container CPU Request", "OR", false, "0.000000"), []change{func(w *world) { w.c.CPURequest = 0 }}, []change{nil}},
	{criterionGroup("Container Memory Limit", "OR", false, ">256"), []change{func(w *world) { w.c.MemoryLimit = 257 << 20 }}, []change{nil}},
	{criterionGroup("Container Memory Request", "OR", false, "0"), []change{func(w *world) { w.c.MemoryRequest = 0 }}, []change{nil}},
	{criterionGroup("Container Name", "OR", false, "WEB|api"), []change{nil}, []change{func(w *world) { w.c.Name = "web2" }}},
	{criterionGroup("Days Since CVE Was Published", "OR", false, "30"),
		[]change{func(w *world) {
			w.vulnerability(policy.Vulnerability{ID: "A", Published: noon.AddDate(0, 0, -31)})
		}},
		[]change{nil, func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A"}) }}},
	{criterionGroup("Disallowed Annotation", "OR", false, "break-glass="),
		[]change{func(w *world) { w.w.Annotations = map[string]string{"break-glass": ""} }}, []change{nil}},
	{criterionGroup("Disallowed Image Label", "OR", false, "team=ship|shop"), []change{nil}, []change{func(w *world) { w.i.Image.Labels["team"] = "other" }}},
	{criterionGroup("Dockerfile Line", "OR", false, "RUN=.*curl.*", "add="),
		[]change{
			func(w *world) {
				w.i.Layers = append(w.i.Layers, policy.Layer{Line: 2, Keyword: "RUN", Value: "apt-get install curl"})
			},
			func(w *world) {
				w.i.Layers = append(w.i.Layers, policy.Layer{Line: 2, Keyword: "ADD", Value: "x /"})
			},
		},
		[]change{nil, func(w *world) {
			w.i.Layers = append(w.i.Layers, policy.Layer{Line: 2, Keyword: "COPY", Value: "curl /"})
		}}},
	{criterionGroup("Dockerfile Line", "OR", false, `RUN=/bin/sh -c apt update`),
		[]change{func(w *world) {
			w.i.Layers = append(w.i.Layers, policy.Layer{Line: 2, Keyword: "RUN", Value: "apt update"})
		}}, []change{nil}},
	{criterionGroup("Dockerfile Line", "OR", false, "=.*secret.*"),
		[]change{func(w *world) {
			w.i.Layers = append(w.i.Layers, policy.Layer{Line: 2, Keyword: "COPY", Value: "secret /"})
		}}, []change{nil}},
	{criterionGroup("Drop Capabilities", "OR", false, "NET_RAW", "CHOWN"),
		[]change{func(w *world) { w.c.DroppedCapabilities = nil }},
		[]change{nil, func(w *world) { w.c.DroppedCapabilities = []string{"NET_RAW"} }}},
	{criterionGroup("Drop Capabilities", "AND", false, "NET_RAW", "CHOWN"),
		[]change{func(w *world) { w.c.DroppedCapabilities = []string{"NET_RAW"} }},
		[]change{nil, func(w *world) { w.c.DroppedCapabilities = []string{"NET_RAW", "CHOWN"} }}},
	{criterionGroup("Drop Capabilities", "OR", false, "ALL"),
		[]change{func(w *world) { w.c.DroppedCapabilities = []string{"NET_RAW"} }}, []change{nil}},
	{criterionGroup("Environment Variable", "OR", false, "RAW=.*PASSWORD.*=", "SECRET_KEY=TOKEN="),
		[]change{
			func(w *world) { w.variable(policy.Variable{Name: "DB_PASSWORD", Value: "x"}) },
			func(w *world) { w.variable(policy.Variable{Name: "TOKEN", Source: "secret"}) },
		},
		[]change{
			nil, func(w *world) { w.variable(policy.Variable{Name: "DB_PASSWORD", Source: "secret"}) },
			func(w *world) { w.variable(policy.Variable{Name: "TOKEN", Value: "x"}) },
		}},
	{criterionGroup("Environment Variable", "OR", false, "=DEBUG=true|1"),
		[]change{func(w *world) { w.variable(policy.Variable{Name: "debug", Value: "1"}) }},
		[]change{func(w *world) { w.variable(policy.Variable{Name: "DEBUG", Value: "0"}) }}},
	{criterionGroup("Exposed Node Port", "AND", false, "<= 1024", "> 0"),
		[]change{func(w *world) { w.port(policy.Port{Container: 80, Host: 80, Protocol: "TCP"}) }},
		[]change{nil, func(w *world) { w.port(policy.Port{Container: 80, Protocol: "TCP"}) }, func(w *world) { w.port(policy.Port{Container: 80, Host: 8080}) }}},
	{criterionGroup("Exposed Port", "OR", false, "22", ">9000"),
		[]change{func(w *world) { w.port(policy.Port{Container: 22}) }, func(w *world) { w.port(policy.Port{Container: 9001}) }},
		[]change{nil, func(w *world) { w.port(policy.Port{Container: 80}) }}},
	{criterionGroup("Exposed Port Protocol", "OR", true, "tcp"),
		[]change{func(w *world) { w.port(policy.Port{Container: 53, Protocol: "UDP"}) }},
		[]change{nil, func(w *world) { w.port(policy.Port{Container: 53, Protocol: "TCP"}) }}},
	{criterionGroup("Fixable", "OR", false, "true"),
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", FixedVersion: "2"}) }}, []change{nil}},
	{criterionGroup("Fixable", "OR", false, "false"), []change{nil}, []change{func(w *world) { w.i.Vulnerabilities[0].FixedVersion = "2" }}},
	{criterionGroup("Fixed By", "OR", false, ".*"),
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", FixedVersion: "2"}) }}, []change{nil}},
	{criterionGroup("Fixed By", "OR", false, `2\..*`),
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", FixedVersion: "2.1"}) }},
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", FixedVersion: "3"}) }}},
	{criterionGroup("Host IPC", "OR", false, "true"), []change{func(w *world) { w.w.HostIPC = true }}, []change{nil}},
	{criterionGroup("Host Network", "OR", false, "true"), []change{func(w *world) { w.w.HostNetwork = true }}, []change{nil}},
	{criterionGroup("Host PID", "OR", false, "true"), []change{func(w *world) { w.w.HostPID = true }}, []change{nil}},
	{criterionGroup("Image Age", "OR", false, "30"),
		[]change{func(w *world) { w.i.Image.Created = noon.AddDate(0, 0, -31) }}, []change{nil, func(w *world) { w.i.Image.HasCreated = false }}},
	{criterionGroup("Image Component", "OR", false, "apt|dpkg=", "log4j=2[.]1.*"),
		[]change{
			func(w *world) {
				w.i.Components = append(w.i.Components, policy.Component{Name: "dpkg", Version: "1"})
			},
			func(w *world) {
				w.i.Components = append(w.i.Components, policy.Component{Name: "log4j", Version: "2.14"})
			},
		},
		[]change{nil, func(w *world) {
			w.i.Components = append(w.i.Components, policy.Component{Name: "log4j", Version: "2.2"}, policy.Component{Name: "apt-utils"})
		}}},
	{criterionGroup("Image OS", "OR", false, "rhel:9", "debian:12"),
		[]change{func(w *world) { w.i.Image.Distribution = "rhel:9.4" }, func(w *world) { w.i.Image.Distribution = "debian:12" }}, []change{nil}},
	{criterionGroup("Image Registry", "OR", true, "quay.io", "registry.example"), []change{func(w *world) { w.i.Image.Registry = "docker.io" }}, []change{nil}},
	{criterionGroup("Image Remote", "OR", false, "r/.*web"), []change{nil}, []change{func(w *world) { w.i.Image.Repository = "shop/web2" }}},
	{criterionGroup("Image Scan Age", "OR", false, "30"),
		[]change{func(w *world) { w.i.Scan.AdvisoryAge = 31 * 24 * time.Hour }}, []change{nil, func(w *world) { w.i.Scan.AdvisoryAge = 0 }}},
	{criterionGroup("Image Tag", "OR", false, "latest"), []change{func(w *world) { w.i.Image.Tag = "latest" }}, []change{nil}},
	{criterionGroup("Image User", "OR", false, "0", "root"), []change{func(w *world) { w.i.Image.User = "root" }}, []change{nil}},
	{criterionGroup("Liveness Probe Defined", "OR", false, "false"), []change{func(w *world) { w.c.HasLivenessProbe = false }}, []change{nil}},
	{criterionGroup("Mount Propagation", "OR", false, "BIDIRECTIONAL"),
		[]change{func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "hostPath"}, policy.Mount{Propagation: "Bidirectional"})
		}},
		[]change{nil, func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "hostPath"}, policy.Mount{Propagation: "None"})
		}}},
	{criterionGroup("NVD CVSS", "OR", false, ">=9"), []change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Score: 9.8}) }}, []change{nil}},
	{criterionGroup("Namespace", "OR", false, "shop|default"), []change{nil}, []change{func(w *world) { w.w.Namespace = "test" }}},
	{criterionGroup("Port Exposure Method", "OR", false, "HOST"),
		[]change{func(w *world) { w.port(policy.Port{Container: 80, Host: 80}) }}, []change{nil, func(w *world) { w.port(policy.Port{Container: 80}) }}},
	{criterionGroup("Privileged Container", "OR", false, "true"), []change{func(w *world) { w.c.Privileged = true }}, []change{nil}},
	{criterionGroup("Read-Only Root Filesystem", "OR", false, "false"), []change{func(w *world) { w.c.ReadOnlyRoot = false }}, []change{nil}},
	{criterionGroup("Readiness Probe Defined", "OR", true, "true"), []change{func(w *world) { w.c.HasReadinessProbe = false }}, []change{nil}},
	{criterionGroup("Replicas", "OR", false, "< 2"), []change{func(w *world) { w.w.Replicas = 1 }}, []change{nil}},
	{criterionGroup("Required Annotation", "OR", false, `contact|email=.+@.+`),
		[]change{func(w *world) { w.w.Annotations = nil }, func(w *world) { w.w.Annotations["contact"] = "nobody" }}, []change{nil}},
	{criterionGroup("Required Annotation", "AND", false, "contact=", "email="),
		[]change{func(w *world) { w.w.Annotations = nil }}, []change{nil}},
	{criterionGroup("Required Image Label", "OR", false, "team=.+"), []change{func(w *world) { w.i.Image.Labels = nil }}, []change{nil}},
	{criterionGroup("Required Label", "OR", false, "owner=", "app=shop"), []change{func(w *world) { w.w.Labels["app"] = "x" }}, []change{nil}},
	{criterionGroup("Runtime Class", "OR", false, "kata"), []change{func(w *world) { w.w.RuntimeClass = "kata" }}, []change{nil}},
	{criterionGroup("Seccomp Profile Type", "OR", false, "UNCONFINED"), []change{func(w *world) { w.c.Seccomp = "Unconfined" }}, []change{nil}},
	{criterionGroup("Seccomp Profile Type", "OR", true, "RUNTIME_DEFAULT"),
		[]change{func(w *world) { w.c.Seccomp = "Localhost" }}, []change{nil, func(w *world) { w.c.Seccomp = "RuntimeDefault" }}},
	{criterionGroup("Service Account", "OR", false, "default"), []change{func(w *world) { w.w.ServiceAccount = "default" }}, []change{nil}},
	{criterionGroup("Severity", "OR", false, ">= IMPORTANT"),
		[]change{func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Severity: "critical"}) }},
		[]change{nil, func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Severity: "moderate"}) }}},
	{criterionGroup("Severity", "OR", false, "<LOW", "moderate"),
		[]change{
			func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Severity: "unknown"}) },
			func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Severity: "moderate"}) },
		}, []change{nil, func(w *world) { w.vulnerability(policy.Vulnerability{ID: "A", Severity: "negligible"}) }}},
	{criterionGroup("Unscanned Image", "OR", false, "true"), []change{func(w *world) { w.i.Scan = policy.Scan{} }}, []change{nil}},
	{criterionGroup("Volume Destination", "OR", false, "/etc.*"),
		[]change{func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "emptyDir"}, policy.Mount{Path: "/etc/shop"})
		}},
		[]change{nil, func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "secret"}, policy.Mount{Path: "/etc/shop"})
		}}},
	{criterionGroup("Volume Name", "OR", true, "data"),
		[]change{func(w *world) { w.mount(policy.Volume{Name: "v", Type: "emptyDir"}, policy.Mount{}) }},
		[]change{nil, func(w *world) { w.mount(policy.Volume{Name: "data", Type: "emptyDir"}, policy.Mount{}) }}},
	{criterionGroup("Volume Source", "OR", false, "/var/run/docker.sock", "/etc/.*"),
		[]change{func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "hostPath", Source: "/etc/ssl"}, policy.Mount{})
		}},
		[]change{nil, func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "hostPath", Source: "/data"}, policy.Mount{})
		}}},
	{criterionGroup("Volume Type", "OR", false, "HostPath"),
		[]change{func(w *world) { w.mount(policy.Volume{Name: "v", Type: "hostPath"}, policy.Mount{}) }},
		[]change{nil, func(w *world) { w.mount(policy.Volume{Name: "v", Type: "configMap"}, policy.Mount{}) }}},
	{criterionGroup("Writable Host Mount", "OR", false, "true"),
		[]change{func(w *world) { w.mount(policy.Volume{Name: "v", Type: "hostPath"}, policy.Mount{}) }},
		[]change{
			nil, func(w *world) {
				w.mount(policy.Volume{Name: "v", Type: "hostPath"}, policy.Mount{ReadOnly: true})
			},
			func(w *world) { w.mount(policy.Volume{Name: "v", Type: "emptyDir"}, policy.Mount{}) },
		}},
	{criterionGroup("Writable Mounted Volume", "OR", false, "true"),
		[]change{func(w *world) { w.mount(policy.Volume{Name: "v", Type: "emptyDir"}, policy.Mount{}) }},
		[]change{nil, func(w *world) {
			w.mount(policy.Volume{Name: "v", Type: "emptyDir"}, policy.Mount{ReadOnly: true})
		}}},
}

func TestCriteria(t *testing.T) {
	shown := map[string]bool{}
	for _, c := range criteriaCases {
		shown[c.group.FieldName] = true
		name, _ := json.Marshal(c.group)
		t.Run(string(name), func(t *testing.T) {
			p := wholly(t, deployPolicy([]group{c.group}))
			judge := func(change change) policy.Result {
				w := newWorld()
				if change != nil {
					change(w)
				}
				return w.judge(t, p)
			}
			for i, change := range c.breaks {
				if r := judge(change); len(r.Violations) != 1 {
					t.Errorf("case %d does not break it: %s", i, p.Condition)
				} else if text := r.Violations[0].Messages[0].Text; text == p.Title {
					t.Errorf("case %d: the message says nothing: %s", i, text)
				}
			}
			for i, change := range c.holds {
				if r := judge(change); len(r.Violations) != 0 {
					t.Errorf("case %d breaks it: %s: %v", i, p.Condition, r.Violations[0].Messages)
				}
			}
		})
	}
	for field := range criteria {
		if !shown[field] {
			t.Errorf("%s is not shown", field)
		}
	}
}

// rhacsFields are all that a policy of RHACS can ask for.
const rhacsFields = "Add Capabilities|Allow Privilege Escalation|AppArmor Profile|Automount Service Account Token|CVE|CVSS|" +
	"Container CPU Limit|Container CPU Request|Container Memory Limit|Container Memory Request|Container Name|" +
	"Days Since CVE Was Published|Days Since CVE Fix Was Available|Days Since CVE Was First Discovered In Image|" +
	"Days Since CVE Was First Discovered In System|Disallowed Annotation|Disallowed Image Label|Dockerfile Line|Drop Capabilities|" +
	"Environment Variable|Exposed Node Port|Exposed Port|Exposed Port Protocol|File Operation|File Path|Fixable|Fixed By|" +
	"Has Ingress Network Policy|Has Egress Network Policy|Host IPC|Host Network|Host PID|Image Age|Image Component|Image OS|" +
	"Image Registry|Image Remote|Image Scan Age|Image Signature Verified By|Image Tag|Image User|Is Impersonated User|" +
	"Kubernetes Resource|Kubernetes API Verb|Kubernetes Resource Name|Kubernetes User Name|Kubernetes User Groups|" +
	"Liveness Probe Defined|Minimum RBAC Permissions|Mount Propagation|Namespace|NVD CVSS|Port Exposure Method|Privileged Container|" +
	"Process Ancestor|Process Arguments|Process Name|Process UID|Read-Only Root Filesystem|Replicas|Readiness Probe Defined|" +
	"Required Annotation|Required Image Label|Required Label|Runtime Class|Seccomp Profile Type|Service Account|Severity|" +
	"Source IP Address|Unexpected Network Flow Detected|Unexpected Process Executed|Unscanned Image|User Agent|Volume Destination|" +
	"Volume Name|Volume Source|Volume Type|Writable Host Mount|Writable Mounted Volume"

func TestCriteria_all_are_known(t *testing.T) {
	fields := strings.Split(rhacsFields, "|")
	for _, field := range fields {
		_, translated := criteria[field]
		_, never := untranslatable[field]
		if translated == never {
			t.Errorf("%s is neither translated nor named as untranslatable, or both", field)
		}
	}
	if len(criteria)+len(untranslatable) != len(fields) {
		for field := range criteria {
			if !slices.Contains(fields, field) {
				t.Errorf("RHACS has no %s", field)
			}
		}
		t.Errorf("%d + %d criteria, not %d", len(criteria), len(untranslatable), len(fields))
	}
}
