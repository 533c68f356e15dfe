package policy

import (
	"slices"
	"strings"
	"testing"
)

// cleanDeployment breaks no built-in policy, those that are off included.
func cleanDeployment() Deployment {
	in := cleanInput()
	in.Image.Reference = "registry.example/team/app:1.2@" + in.Image.Digest
	return Deployment{
		Workload: Workload{
			APIVersion: "apps/v1", Kind: "Deployment", Name: "app", Namespace: "shop", Replicas: 2, ServiceAccount: "app",
			Labels: map[string]string{"owner": "team"}, Annotations: map[string]string{"contact": "team@shop.example"},
			Volumes: []Volume{{Name: "data", Type: "persistentVolumeClaim", Source: "data"}, {Name: "tmp", Type: "emptyDir"}},
			Containers: []Container{{
				Name: "app", Kind: MainContainer, Image: in.Image.Reference, PullPolicy: "IfNotPresent", ReadOnlyRoot: true, NonRoot: true, User: 1000, Group: 1000,
				DroppedCapabilities: []string{"ALL"}, AddedCapabilities: []string{"NET_BIND_SERVICE"}, Seccomp: "RuntimeDefault", AppArmor: "RuntimeDefault", ProcMount: "Default",
				CPURequest: 0.1, MemoryRequest: 64 << 20, MemoryLimit: 64 << 20, HasLivenessProbe: true, HasReadinessProbe: true,
				Environment: []Variable{{Name: "MODE", Value: "fast"}}, Ports: []Port{{Container: 8080, Protocol: "TCP"}},
				Mounts: []Mount{{Volume: "data", Path: "/data", Propagation: "None"}, {Volume: "tmp", Path: "/tmp", Propagation: "None"}},
			}},
		},
		Images: []Input{in}, Now: noon,
	}
}

func inContainer(change func(*Container)) func(*Deployment) {
	return func(d *Deployment) { change(&d.Workload.Containers[0]) }
}

func inWorkload(change func(*Workload)) func(*Deployment) {
	return func(d *Deployment) { change(&d.Workload) }
}

func inImage(change func(*Input)) func(*Deployment) {
	return func(d *Deployment) { change(&d.Images[0]) }
}

func mounted(kind, source, propagation string) func(*Deployment) {
	return func(d *Deployment) {
		d.Workload.Volumes = append(d.Workload.Volumes, Volume{Name: "x", Type: kind, Source: source})
		c := &d.Workload.Containers[0]
		c.Mounts = append(c.Mounts, Mount{Volume: "x", Path: "/x", Propagation: propagation})
	}
}

func adding(capabilities ...string) func(*Deployment) {
	return inContainer(func(c *Container) { c.AddedCapabilities = capabilities })
}

func withVariable(v Variable) func(*Deployment) {
	return inContainer(func(c *Container) { c.Environment = append(c.Environment, v) })
}

func withPort(p Port) func(*Deployment) {
	return inContainer(func(c *Container) { c.Ports = append(c.Ports, p) })
}

func all(changes ...func(*Deployment)) func(*Deployment) {
	return func(d *Deployment) {
		for _, change := range changes {
			change(d)
		}
	}
}

// workloadCases are builtinCases of the policies that only workloads can break.
var workloadCases = map[string]struct {
	broken map[string]func(*Deployment)
	intact []func(*Deployment)
}{
	"privileged-container": {
		broken: map[string]func(*Deployment){"container app is privileged": inContainer(func(c *Container) { c.Privileged = true })},
		intact: []func(*Deployment){adding("CHOWN")},
	},
	"host-network": {
		broken: map[string]func(*Deployment){"Deployment app uses the network of the machine": inWorkload(func(w *Workload) { w.HostNetwork = true })},
		intact: []func(*Deployment){inWorkload(func(w *Workload) { w.HostPID = true })},
	},
	"host-pid": {
		broken: map[string]func(*Deployment){"Deployment app sees the processes": inWorkload(func(w *Workload) { w.HostPID = true })},
		intact: []func(*Deployment){inWorkload(func(w *Workload) { w.ShareProcesses = true })},
	},
	"host-ipc": {
		broken: map[string]func(*Deployment){"Deployment app shares the IPC": inWorkload(func(w *Workload) { w.HostIPC = true })},
		intact: []func(*Deployment){inWorkload(func(w *Workload) { w.HostPID = true })},
	},
	"container-runtime-socket": {
		broken: map[string]func(*Deployment){
			"container app mounts /var/run/docker.sock":                mounted("hostPath", "/var/run/docker.sock", "None"),
			"container app mounts /run/containerd/containerd.sock":     mounted("hostPath", "/run/containerd/containerd.sock", "None"),
			"container app mounts /var/run/crio/crio.sock":             mounted("hostPath", "/var/run/crio/crio.sock", "None"),
			"container app mounts /run/k3s/containerd/containerd.sock": mounted("hostPath", "/run/k3s/containerd/containerd.sock", "None"),
			"container app mounts /run/user/1000/podman/podman.sock":   mounted("hostPath", "/run/user/1000/podman/podman.sock", "None"),
		},
		intact: []func(*Deployment){mounted("hostPath", "/var/run/app.sock", "None"), mounted("configMap", "/var/run/docker.sock", "None")},
	},
	"sensitive-host-path": {
		broken: map[string]func(*Deployment){
			"container app mounts /etc/kubernetes": mounted("hostPath", "/etc/kubernetes", "None"), "mounts /": mounted("hostPath", "/", "None"),
			"mounts /proc": mounted("hostPath", "/proc", "None"), "mounts /run": mounted("hostPath", "/run", "None"),
		},
		intact: []func(*Deployment){
			mounted("hostPath", "/data", "None"), mounted("hostPath", "/etcetera", "None"), mounted("hostPath", "/run/docker.sock", "None"),
			mounted("secret", "/etc", "None"),
		},
	},
	"privilege-escalation-allowed": {
		broken: map[string]func(*Deployment){"container app may raise": inContainer(func(c *Container) { c.AllowEscalation = true })},
		intact: []func(*Deployment){inContainer(func(c *Container) { c.User = 0 })},
	},
	"cap-sys-admin": {
		broken: map[string]func(*Deployment){"container app adds SYS_ADMIN": adding("CHOWN", "SYS_ADMIN"), "container app adds ALL": adding("ALL")},
		intact: []func(*Deployment){adding("NET_ADMIN")},
	},
	"dangerous-capability": {
		broken: map[string]func(*Deployment){
			"container app adds NET_ADMIN, with which it can change the network; SYS_TIME, with which it can set": adding("NET_ADMIN", "CHOWN", "SYS_TIME"),
		},
		intact: []func(*Deployment){adding("SYS_ADMIN")},
	},
	"capabilities-not-dropped": {
		broken: map[string]func(*Deployment){"container app does not drop": inContainer(func(c *Container) { c.DroppedCapabilities = []string{"NET_RAW"} })},
		intact: []func(*Deployment){adding()},
	},
	"writable-root-file-system": {
		broken: map[string]func(*Deployment){"container app can write": inContainer(func(c *Container) { c.ReadOnlyRoot = false })},
		intact: []func(*Deployment){adding()},
	},
	"no-resource-limits": {
		broken: map[string]func(*Deployment){
			"container app has no request of CPU":                        inContainer(func(c *Container) { c.CPURequest = 0 }),
			"container app has no limit of memory":                       inContainer(func(c *Container) { c.MemoryLimit = 0 }),
			"container app has no request of CPU and no limit of memory": inContainer(func(c *Container) { c.CPURequest, c.MemoryLimit = 0, 0 }),
		},
		intact: []func(*Deployment){
			inContainer(func(c *Container) { c.CPULimit = 0 }),
			inContainer(func(c *Container) { c.Kind, c.CPURequest = EphemeralContainer, 0 }),
		},
	},
	"bidirectional-mount": {
		broken: map[string]func(*Deployment){"container app mounts /x in both directions": mounted("hostPath", "/data", "Bidirectional")},
		intact: []func(*Deployment){mounted("hostPath", "/data", "HostToContainer")},
	},
	"unmasked-proc": {
		broken: map[string]func(*Deployment){"container app sees all of /proc": inContainer(func(c *Container) { c.ProcMount = "Unmasked" })},
		intact: []func(*Deployment){adding()},
	},
	"seccomp-unconfined": {
		broken: map[string]func(*Deployment){"container app has the seccomp profile Unconfined": inContainer(func(c *Container) { c.Seccomp = "Unconfined" })},
		intact: []func(*Deployment){inContainer(func(c *Container) { c.Seccomp = "" })},
	},
	"apparmor-unconfined": {
		broken: map[string]func(*Deployment){"container app has the AppArmor profile Unconfined": inContainer(func(c *Container) { c.AppArmor = "Unconfined" })},
		intact: []func(*Deployment){inContainer(func(c *Container) { c.AppArmor = "" })},
	},
	"privileged-host-port": {
		broken: map[string]func(*Deployment){"container app takes port 443 of the machine": withPort(Port{Container: 8443, Host: 443, Protocol: "TCP"})},
		intact: []func(*Deployment){withPort(Port{Container: 80, Protocol: "TCP"}), withPort(Port{Container: 80, Host: 8080, Protocol: "TCP"})},
	},
	"default-service-account-token": {
		broken: map[string]func(*Deployment){"Deployment app gets the token": inWorkload(func(w *Workload) { w.ServiceAccount, w.AutomountToken = "default", true })},
		intact: []func(*Deployment){
			inWorkload(func(w *Workload) { w.AutomountToken = true }), inWorkload(func(w *Workload) { w.ServiceAccount = "default" }),
			inWorkload(func(w *Workload) { w.ServiceAccount, w.AutomountToken, w.Namespace = "default", true, "kube-system" }),
		},
	},
	"container-ssh-port": {
		broken: map[string]func(*Deployment){"container app opens port 22": withPort(Port{Container: 22, Protocol: "TCP"})},
		intact: []func(*Deployment){withPort(Port{Container: 2222, Host: 22, Protocol: "TCP"})},
	},
	"container-runs-as-root": {
		broken: map[string]func(*Deployment){
			"container app runs as user 0, which the workload asks for": inContainer(func(c *Container) { c.User = 0 }),
			"container app runs as root, which its image asks for": all(inContainer(func(c *Container) { c.User, c.NonRoot = -1, false }),
				inImage(func(in *Input) { in.Image.User = "root" })),
		},
		intact: []func(*Deployment){
			inImage(func(in *Input) { in.Image.User = "root" }), inContainer(func(c *Container) { c.User, c.NonRoot = -1, false }),
			all(inContainer(func(c *Container) { c.User = -1 }), inImage(func(in *Input) { in.Image.User = "root" })),
		},
	},
	"secret-in-environment": {
		broken: map[string]func(*Deployment){
			"container app sets DB_PASSWORD, which looks like a secret": withVariable(Variable{Name: "DB_PASSWORD", Value: "hunter22"}),
			"container app sets DATABASE_URL":                           withVariable(Variable{Name: "DATABASE_URL", Value: "postgres://app:" + "hunter22@db/app"}),
		},
		intact: []func(*Deployment){
			withVariable(Variable{Name: "DB_PASSWORD", Source: "secret"}), withVariable(Variable{Name: "DB_PASSWORD_FILE", Value: "/run/p"}),
			withVariable(Variable{Name: "DB_PASSWORD", Value: "$(OTHER)"}), withVariable(Variable{Name: "DB_PASSWORD"}),
		},
	},
	"secret-as-variable": {
		broken: map[string]func(*Deployment){"container app has variables from a Secret: DB_PASSWORD": withVariable(Variable{Name: "DB_PASSWORD", Source: "secret"})},
		intact: []func(*Deployment){withVariable(Variable{Name: "DB_PASSWORD", Source: "configMap"})},
	},
	"latest-not-pulled": {
		broken: map[string]func(*Deployment){"container app runs registry.example/team/app:latest with the pull policy IfNotPresent": inImage(func(in *Input) {
			in.Image.Tag, in.Image.Reference = "latest", "registry.example/team/app:latest"
		})},
		intact: []func(*Deployment){
			inImage(func(in *Input) { in.Image.Tag = "latest" }),
			all(inContainer(func(c *Container) { c.PullPolicy = "Always" }), inImage(func(in *Input) {
				in.Image.Tag, in.Image.Reference = "latest", "registry.example/team/app:latest"
			})),
		},
	},
	"image-not-pinned": {
		broken: map[string]func(*Deployment){"container app runs registry.example/team/app:1.2, which has no digest": inImage(func(in *Input) {
			in.Image.Reference = "registry.example/team/app:1.2"
		})},
		intact: []func(*Deployment){adding()},
	},
	"default-namespace": {
		broken: map[string]func(*Deployment){"Deployment app is in the namespace default": inWorkload(func(w *Workload) { w.Namespace = "default" })},
		intact: []func(*Deployment){inWorkload(func(w *Workload) { w.Namespace = "default-2" })},
	},
	"liveness-probe-missing": {
		broken: map[string]func(*Deployment){"container app has no liveness probe": inContainer(func(c *Container) { c.HasLivenessProbe = false })},
		intact: []func(*Deployment){
			inContainer(func(c *Container) { c.Kind, c.HasLivenessProbe = InitContainer, false }),
			all(inWorkload(func(w *Workload) { w.Kind = "CronJob" }), inContainer(func(c *Container) { c.HasLivenessProbe = false })),
		},
	},
	"readiness-probe-missing": {
		broken: map[string]func(*Deployment){"container app has no readiness probe": inContainer(func(c *Container) { c.HasReadinessProbe = false })},
		intact: []func(*Deployment){inContainer(func(c *Container) { c.Kind, c.HasReadinessProbe = InitContainer, false })},
	},
	"required-label-missing": {
		broken: map[string]func(*Deployment){
			"Deployment app lacks owner": inWorkload(func(w *Workload) { w.Labels = nil }),
			"app lacks owner":            inWorkload(func(w *Workload) { w.Labels = map[string]string{"owner": ""} }),
		},
		intact: []func(*Deployment){inWorkload(func(w *Workload) { w.Labels["x"] = "y" })},
	},
	"required-annotation-missing": {
		broken: map[string]func(*Deployment){"Deployment app lacks contact": inWorkload(func(w *Workload) { w.Annotations = nil })},
		intact: []func(*Deployment){inWorkload(func(w *Workload) { w.Labels = nil })},
	},
	"privileged-with-fixable-vulnerability": {
		broken: map[string]func(*Deployment){"container app is privileged and has CVE-1-1 in libx 1.0, fixed in 2": all(
			inContainer(func(c *Container) { c.Privileged = true }),
			inImage(withVulnerability(Vulnerability{ID: "A", CVE: "CVE-1-1", Severity: "important", FixedVersion: "2"})))},
		intact: []func(*Deployment){
			inImage(withVulnerability(Vulnerability{ID: "A", Severity: "critical", FixedVersion: "2"})),
			all(inContainer(func(c *Container) { c.Privileged = true }), inImage(withVulnerability(Vulnerability{ID: "A", Severity: "critical"}))),
		},
	},
	"known-cluster-infrastructure": {
		broken: map[string]func(*Deployment){
			"container app runs kubernetesui/dashboard": inImage(func(in *Input) { in.Image.Repository = "kubernetesui/dashboard" }),
			"container app runs kubernetes-helm/tiller": inImage(func(in *Input) { in.Image.Repository = "kubernetes-helm/tiller" }),
		},
		intact: []func(*Deployment){inImage(func(in *Input) { in.Image.Repository = "team/dashboard" })},
	},
}

func TestBuiltin_workloads(t *testing.T) {
	for _, p := range Builtin() {
		if slices.Contains(p.Stages, Build) {
			continue
		}
		t.Run(p.ID, func(t *testing.T) {
			c := workloadCases[p.ID]
			if len(c.broken) == 0 || len(c.intact) == 0 {
				t.Fatal("the policy needs a workload that breaks it and one that does not in workloadCases")
			}
			set := only(t, p.ID)
			judge := func(change func(*Deployment)) Result {
				d := cleanDeployment()
				change(&d)
				r := set.EvaluateWorkload(t.Context(), d)
				if len(r.Undecided) > 0 {
					t.Fatalf("undecided: %+v", r.Undecided)
				}
				return r
			}
			for want, change := range c.broken {
				r := judge(change)
				if len(r.Violations) != 1 || len(r.Violations[0].Messages) != 1 {
					t.Fatalf("%q: want one violation with one message, got %+v", want, r.Violations)
				}
				if m := r.Violations[0].Messages[0]; !strings.Contains(m.Text, want) || strings.Contains(m.Text, "could not be evaluated") ||
					strings.Contains(m.Text, "hunter22") {
					t.Errorf("want a message with %q, got %q", want, m.Text)
				}
			}
			for i, change := range c.intact {
				if r := judge(change); len(r.Violations) > 0 {
					t.Errorf("intact workload %d breaks it: %+v", i, r.Violations[0].Messages)
				}
			}
		})
	}
	for id := range workloadCases {
		only(t, id)
	}
}

func TestBuiltin_clean_workload_passes_everything(t *testing.T) {
	policies := slices.DeleteFunc(Builtin(), func(p Policy) bool { return !slices.Contains(p.Stages, Deploy) })
	for i := range policies {
		policies[i].Disabled = false
	}
	set, err := Compile(policies)
	if err != nil {
		t.Fatal(err)
	}
	r := set.EvaluateWorkload(t.Context(), cleanDeployment())
	if len(r.Violations)+len(r.Undecided)+len(r.Notes) > 0 || r.Evaluated != len(policies) {
		t.Errorf("%+v", r)
	}
}
