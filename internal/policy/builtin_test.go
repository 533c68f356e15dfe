package policy

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// cleanInput is an image that breaks no built-in policy, those that are off included.
func cleanInput() Input {
	base := Component{Name: "base-files", Version: "13.8", Type: "deb", Ecosystem: "Debian:13", LayerIndex: 0, Line: 1}
	return Input{
		Image: Image{
			Reference: "registry.example/team/app:1.2", Registry: "registry.example", Repository: "team/app", Tag: "1.2",
			Digest: "sha256:" + strings.Repeat("a", 64), Created: noon.AddDate(0, 0, -10), HasCreated: true, User: "1000",
			OS: "linux", Architecture: "amd64", Distribution: "debian:13", Entrypoint: []string{"/app"},
			Environment: []string{"PATH=/usr/bin:/bin"}, ExposedPorts: []string{"8080/tcp"},
			Labels: map[string]string{"org.opencontainers.image.source": "https://git.example/team/app"}, HasHealthcheck: true,
			Size: 1 << 20,
		},
		Layers: []Layer{
			{Line: 1, Keyword: "ADD", Value: "rootfs.tar.xz /", LayerIndex: 0},
			{Line: 2, Keyword: "ENV", Value: "PATH=/usr/bin:/bin", Empty: true, LayerIndex: -1},
			{Line: 3, Keyword: "COPY", Value: "app /app", LayerIndex: 1},
		},
		Components: []Component{base},
		Vulnerabilities: []Vulnerability{{
			ID: "DEBIAN-CVE-2020-0001", CVE: "CVE-2020-0001", Severity: "low", FixedVersion: "14", Component: base,
			Published: noon.AddDate(-1, 0, 0),
		}},
		Integration: Integration{Name: "Example", Type: "docker"},
		Scan:        Scan{Scanned: true, Complete: true, VulnsChecked: true, AdvisoryAge: 24 * time.Hour},
		Now:         noon,
	}
}

func withComponent(name, kind string) func(*Input) {
	return func(in *Input) {
		in.Components = append(in.Components, Component{Name: name, Version: "1.0", Type: kind, Line: 3, LayerIndex: 1})
	}
}

func withVulnerability(v Vulnerability) func(*Input) {
	return func(in *Input) {
		v.Component = Component{Name: "libx", Version: "1.0", Type: "deb", Line: 3}
		in.Components = append(in.Components, v.Component)
		in.Vulnerabilities = append(in.Vulnerabilities, v)
	}
}

func withLine(keyword, value string) func(*Input) {
	return func(in *Input) {
		in.Layers = append(in.Layers, Layer{Line: len(in.Layers) + 1, Keyword: keyword, Value: value, LayerIndex: 2})
	}
}

func withEnvironment(e string) func(*Input) {
	return func(in *Input) { in.Image.Environment = append(in.Image.Environment, e) }
}

func created(t time.Time) func(*Input) {
	return func(in *Input) { in.Image.Created, in.Image.HasCreated = t, !t.IsZero() }
}

// builtinCases give every built-in policy of the stage build images that break it, with what the message says, and images that only look like it.
var builtinCases = map[string]struct {
	broken map[string]func(*Input) // by part of the message
	intact []func(*Input)
}{
	"image-from-unapproved-registry": {
		broken: map[string]func(*Input){"quay.io/team/app is in no approved registry": func(in *Input) { in.Image.Registry = "quay.io" }},
		intact: []func(*Input){func(in *Input) { in.Image.Repository = "other" }},
	},
	"high-score-vulnerability": {
		broken: map[string]func(*Input){"CVE-1-1 (score 7.5) in libx 1.0, fixed in 2": withVulnerability(Vulnerability{
			ID: "A", CVE: "CVE-1-1", Score: 7.5, FixedVersion: "2"})},
		intact: []func(*Input){
			withVulnerability(Vulnerability{ID: "A", Score: 6.9, FixedVersion: "2"}), withVulnerability(Vulnerability{ID: "A", Score: 9}),
		},
	},
	"package-index-updated-alone": {
		broken: map[string]func(*Input){
			"line 4 updates the package index alone: apt-get update": withLine("RUN", "apt-get update"),
			"apk -q update": withLine("RUN", " apk -q update "), "dnf makecache --refresh": withLine("RUN", "dnf makecache --refresh"),
		},
		intact: []func(*Input){
			withLine("RUN", "apt-get update && apt-get install -y nginx"), withLine("RUN", "apk add --update nginx"), withLine("CMD", "apt update"),
		},
	},
	"insecure-option": {
		broken: map[string]func(*Input){
			"started with --insecure-skip-tls-verify": func(in *Input) { in.Image.Command = []string{"serve", "--insecure-skip-tls-verify"} },
			"/app -insecure": func(in *Input) { in.Image.Entrypoint = []string{"sh", "-c", "/app -insecure"} },
		},
		intact: []func(*Input){func(in *Input) { in.Image.Command = []string{"insecure", "--secure"} }},
	},
	"secrets-volume-in-image": {
		broken: map[string]func(*Input){"the volume /run/secrets": func(in *Input) { in.Image.Volumes = []string{"/data", "/run/secrets"} }},
		intact: []func(*Input){func(in *Input) { in.Image.Volumes = []string{"/run/secretsfile"} }},
	},
	"latest-tag": {
		broken: map[string]func(*Input){"app:latest can point": func(in *Input) {
			in.Image.Tag, in.Image.Reference = "latest", "registry.example/team/app:latest"
		}},
		intact: []func(*Input){func(in *Input) {
			in.Image.Tag, in.Image.Reference = "latest", "registry.example/team/app:latest@"+in.Image.Digest
		}},
	},
	"image-older-than-90-days": {
		broken: map[string]func(*Input){"created 91 days ago": created(noon.AddDate(0, 0, -91))},
		intact: []func(*Input){created(noon.AddDate(0, 0, -89)), created(time.Time{}), created(time.Unix(0, 0).UTC())},
	},
	"creation-date-missing": {
		broken: map[string]func(*Input){
			"no creation date":                   created(time.Time{}),
			"1970-01-01T00:00:00Z is a stand-in": created(time.Unix(0, 0).UTC()),
			"1980-01-01T00:00:01Z is a stand-in": created(time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)),
			"the image has no creation date":     func(in *Input) { in.Image.HasCreated = false },
			"image has no creation date":         func(in *Input) { in.Image.Created = time.Time{} }, // written as year 1
		},
		intact: []func(*Input){created(time.Date(2013, 6, 1, 0, 0, 0, 0, time.UTC))},
	},
	"runs-as-root": {
		broken: map[string]func(*Input){
			"no USER line":                   func(in *Input) { in.Image.User, in.Image.UserDefaulted = "root", true },
			"runs as root":                   func(in *Input) { in.Image.User = "root" },
			"runs as 0:1000":                 func(in *Input) { in.Image.User = "0:1000" },
			"runs as ContainerAdministrator": func(in *Input) { in.Image.OS, in.Image.User = "windows", "ContainerAdministrator" },
		},
		intact: []func(*Input){
			func(in *Input) { in.Image.User = "nobody" }, func(in *Input) { in.Image.User = "1000:0" },
			func(in *Input) { in.Image.User = "rootless" }, func(in *Input) { in.Image.OS, in.Image.User = "windows", "ContainerUser" },
		},
	},
	"notorious-vulnerability": {
		broken: map[string]func(*Input){
			"libx 1.0 has CVE-2021-44228 (Log4Shell), fixed in 2.15": withVulnerability(Vulnerability{
				ID: "GHSA-jfh8-c2jp-5v3q", CVE: "CVE-2021-44228", Severity: "critical", FixedVersion: "2.15"}),
			"libx 1.0 has CVE-2024-3094 (xz backdoor)": withVulnerability(Vulnerability{
				ID: "USN-1", CVE: "CVE-2024-0001", Aliases: []string{"CVE-2024-0001", "CVE-2024-3094"}, Severity: "unknown"}),
			"Heartbleed": withVulnerability(Vulnerability{ID: "CVE-2014-0160"}),
		},
		intact: []func(*Input){withVulnerability(Vulnerability{ID: "X", CVE: "CVE-2021-44229", Severity: "critical"})},
	},
	"known-exploited-vulnerability": {
		broken: map[string]func(*Input){
			"libx 1.0 has CVE-2021-44228, which is known to be exploited, fixed in 2.15": withVulnerability(Vulnerability{
				ID: "GHSA-jfh8-c2jp-5v3q", CVE: "CVE-2021-44228", Severity: "low", FixedVersion: "2.15", KnownExploited: true}),
			"libx 1.0 has DSA-1, which is known to be exploited": withVulnerability(Vulnerability{ID: "DSA-1", Severity: "low", KnownExploited: true}),
		},
		intact: []func(*Input){withVulnerability(Vulnerability{ID: "X", CVE: "CVE-2021-44229", Severity: "critical", EPSS: 0.9})},
	},
	"fixable-critical-vulnerability": {
		broken: map[string]func(*Input){"libx 1.0 has CVE-1-1 (critical, fixed in 1.1)": withVulnerability(Vulnerability{
			ID: "A", CVE: "CVE-1-1", Severity: "critical", FixedVersion: "1.1"})},
		intact: []func(*Input){
			withVulnerability(Vulnerability{ID: "A", Severity: "critical"}),
			withVulnerability(Vulnerability{ID: "A", Severity: "important", FixedVersion: "1.1"}),
		},
	},
	"fixable-important-vulnerability": {
		broken: map[string]func(*Input){"(important, fixed in 1.1)": withVulnerability(Vulnerability{
			ID: "A", Severity: "important", FixedVersion: "1.1"})},
		intact: []func(*Input){
			withVulnerability(Vulnerability{ID: "A", Severity: "important"}),
			withVulnerability(Vulnerability{ID: "A", Severity: "moderate", FixedVersion: "1.1"}),
		},
	},
	"unfixed-critical-vulnerability": {
		broken: map[string]func(*Input){"no fixed version is known": withVulnerability(Vulnerability{ID: "A", Severity: "critical"})},
		intact: []func(*Input){withVulnerability(Vulnerability{ID: "A", Severity: "critical", FixedVersion: "1.1"})},
	},
	"end-of-life-distribution": {
		broken: map[string]func(*Input){
			"debian:10 has had no security updates since 2024-06-30":   func(in *Input) { in.Image.Distribution = "debian:10" },
			"alpine:3.16 has had no security updates since 2024-05-23": func(in *Input) { in.Image.Distribution = "alpine:3.16.2" },
			"centos:7 has had": func(in *Input) { in.Image.Distribution = "centos:7" },
		},
		intact: []func(*Input){
			func(in *Input) { in.Image.Distribution = "debian:12" }, // in the table, but not yet
			func(in *Input) { in.Image.Distribution = "alpine:3.100.1" },
			func(in *Input) { in.Image.Distribution = "amzn:2023" },
			func(in *Input) { in.Image.Distribution = "" },
			func(in *Input) { // still the last day
				in.Image.Distribution, in.Now = "debian:10", time.Date(2024, 6, 30, 23, 0, 0, 0, time.UTC)
				in.Image.Created = in.Now.AddDate(0, 0, -10)
			},
		},
	},
	"secret-in-image": {
		broken: map[string]func(*Input){
			"environment variable DB_PASSWORD looks like a secret": withEnvironment("DB_PASSWORD=hunter2"),
			"label api.token looks like a secret": func(in *Input) {
				in.Image.Labels = map[string]string{"api.token": "9f8e7d6c5b"}
			},
			"build argument NPM_TOKEN looks like a secret": func(in *Input) {
				in.Layers = append(in.Layers, Layer{Line: 4, Keyword: "RUN", Value: "make", Arguments: []string{"NPM_TOKEN=abcdef123"}})
			},
		},
		intact: []func(*Input){
			withEnvironment("DB_PASSWORD_FILE=/run/secrets/db"), withEnvironment("DB_PASSWORD="), withEnvironment("DB_PASSWORD"),
		},
	},
	"package-manager-in-image": {
		broken: map[string]func(*Input){
			"apt 1.0 can install":       withComponent("apt", "deb"),
			"apk-tools 1.0 can install": withComponent("apk-tools", "apk"),
			"microdnf 1.0 can install":  withComponent("microdnf", "rpm"),
		},
		intact: []func(*Input){withComponent("apt", "npm"), withComponent("libapt-pkg6.0", "deb")},
	},
	"download-tool-in-image": {
		broken: map[string]func(*Input){"curl 1.0 can fetch": withComponent("curl", "apk"), "wget 1.0": withComponent("wget", "deb")},
		intact: []func(*Input){withComponent("libcurl4", "deb"), withComponent("curl", "cargo")},
	},
	"network-tool-in-image": {
		broken: map[string]func(*Input){"nmap 1.0": withComponent("nmap", "deb"), "netcat-openbsd 1.0": withComponent("netcat-openbsd", "deb")},
		intact: []func(*Input){withComponent("john-doe-theme", "deb"), withComponent("socat", "golang")},
	},
	"compiler-in-image": {
		broken: map[string]func(*Input){
			"gcc 1.0": withComponent("gcc", "apk"), "g++-12 1.0": withComponent("g++-12", "deb"), "gcc-c++ 1.0": withComponent("gcc-c++", "rpm"),
		},
		intact: []func(*Input){withComponent("gcc-12-base", "deb"), withComponent("libgcc-s1", "deb")},
	},
	"remote-login-server": {
		broken: map[string]func(*Input){"openssh-server 1.0": withComponent("openssh-server", "deb")},
		intact: []func(*Input){withComponent("openssh-client", "deb")},
	},
	"shell-in-image": {
		broken: map[string]func(*Input){"busybox 1.0": withComponent("busybox", "apk")},
		intact: []func(*Input){withComponent("bash-completion", "deb")},
	},
	"add-instead-of-copy": {
		broken: map[string]func(*Input){
			"ADD app /app":               withLine("ADD", "app /app"),
			"ADD --chown=1:1 conf /etc/": withLine("ADD", "--chown=1:1 conf /etc/"),
			"ADD dir:0123abcd in /srv":   withLine("ADD", "dir:0123abcd in /srv"),
		},
		intact: []func(*Input){
			withLine("ADD", "file:0123abcd in /"), withLine("ADD", "rootfs.tar.gz /"), withLine("ADD", "src.tgz /src/"),
			withLine("ADD", "alpine-minirootfs-3.20.0-x86_64.tar.gz / "), withLine("COPY", "app /app"),
			withLine("ADD", "--checksum=sha256:00 https://example.com/a /a"),
		},
	},
	"unverified-remote-add": {
		broken: map[string]func(*Input){"ADD https://example.com/a /a": withLine("ADD", "https://example.com/a /a")},
		intact: []func(*Input){withLine("ADD", "--checksum=sha256:00 https://example.com/a /a"), withLine("ADD", "a /https://x")},
	},
	"download-piped-to-shell": {
		broken: map[string]func(*Input){
			"RUN curl -fsSL https://x.example/i.sh | sh":       withLine("RUN", "curl -fsSL https://x.example/i.sh | sh"),
			"RUN set -e && wget -qO- https://x.example/?a=1&b": withLine("RUN", "set -e && wget -qO- https://x.example/?a=1&b=2 | sudo -E bash -"),
			"python3 -":            withLine("RUN", "curl https://x.example/get.py | python3 -"),
			"RUN bash <(curl -s":   withLine("RUN", "bash <(curl -s https://x.example)"),
			`RUN sh -c "$(curl -f`: withLine("RUN", `sh -c "$(curl -fsSL https://x.example)"`),
		},
		intact: []func(*Input){
			withLine("RUN", "curl -o a.tgz https://x.example && tar xf a.tgz"),
			withLine("RUN", "curl https://x.example | gpg --dearmor > /etc/key"),
			withLine("RUN", "curl -o i.sh https://x.example; cat i.sh | sh"),
			withLine("RUN", "wget https://x.example/a.sh && sha256sum -c sums && sh a.sh"),
			withLine("CMD", "curl https://x.example | sh"),
		},
	},
	"verification-switched-off": {
		broken: map[string]func(*Input){
			"curl -fsSkL":      withLine("RUN", "curl -fsSkL https://x.example -o a"),
			"--no-check-cert":  withLine("RUN", "wget --no-check-certificate https://x.example"),
			"--nogpgcheck":     withLine("RUN", "yum install -y --nogpgcheck a"),
			"strict-ssl false": withLine("RUN", "npm config set strict-ssl false"),
		},
		intact: []func(*Input){
			withLine("RUN", "curl --keepalive-time 3 https://x.example"), withLine("RUN", "curl -fsSL https://x.example -o a"),
			withLine("RUN", "tar -k x; apk add --no-cache a"),
		},
	},
	"sudo-in-build": {
		broken: map[string]func(*Input){"RUN sudo make": withLine("RUN", "sudo make install"), "&& sudo": withLine("RUN", "a && sudo b")},
		intact: []func(*Input){withLine("RUN", "apt-get install -y sudo curl"), withLine("RUN", "echo sudo")},
	},
	"world-writable-files": {
		broken: map[string]func(*Input){
			"chmod -R 777": withLine("RUN", "chmod -R 777 /srv"), "chmod a+rwx": withLine("RUN", "chmod a+rwx /srv"),
			"chmod o+w": withLine("RUN", "mkdir /a && chmod o+w /a"),
		},
		intact: []func(*Input){withLine("RUN", "chmod 1777 /tmp"), withLine("RUN", "chmod 0755 /srv"), withLine("RUN", "chmod a+x /run.sh")},
	},
	"ssh-port-exposed": {
		broken: map[string]func(*Input){"exposes port 22": func(in *Input) { in.Image.ExposedPorts = []string{"80/tcp", "22/tcp"} }},
		intact: []func(*Input){func(in *Input) { in.Image.ExposedPorts = []string{"2222/tcp", "22/udp"} }},
	},
	"no-healthcheck": {
		broken: map[string]func(*Input){"no HEALTHCHECK": func(in *Input) { in.Image.HasHealthcheck = false }},
		intact: []func(*Input){func(*Input) {}},
	},
	"source-label-missing": {
		broken: map[string]func(*Input){
			"is not set": func(in *Input) { in.Image.Labels = nil },
			"image.source is not set": func(in *Input) {
				in.Image.Labels = map[string]string{"org.opencontainers.image.source": ""}
			},
		},
		intact: []func(*Input){func(*Input) {}},
	},
	"image-not-scanned": {
		broken: map[string]func(*Input){"nothing is known": func(in *Input) { in.Scan = Scan{}; in.Components = nil }},
		intact: []func(*Input){func(in *Input) { in.Scan.Complete = false }},
	},
	"image-partly-read": {
		broken: map[string]func(*Input){"components may be missing": func(in *Input) { in.Scan.Complete = false }},
		intact: []func(*Input){func(in *Input) { in.Scan = Scan{} }},
	},
	"no-advisory-data": {
		broken: map[string]func(*Input){"no advisory data": func(in *Input) { in.Scan.VulnsChecked = false }},
		intact: []func(*Input){func(in *Input) { in.Scan = Scan{} }},
	},
	"unchecked-components": {
		broken: map[string]func(*Input){
			"1 component was not checked":   func(in *Input) { in.Scan.UncheckedCount = 1 },
			"7 components were not checked": func(in *Input) { in.Scan.UncheckedCount = 7 },
		},
		intact: []func(*Input){func(in *Input) { in.Scan.VulnsChecked, in.Scan.UncheckedCount = false, 7 }},
	},
	"stale-advisory-data": {
		broken: map[string]func(*Input){"8 days old": func(in *Input) { in.Scan.AdvisoryAge = 8 * 24 * time.Hour }},
		intact: []func(*Input){
			func(in *Input) { in.Scan.AdvisoryAge = 7 * 24 * time.Hour }, func(in *Input) { in.Scan.AdvisoryAge = 0 },
		},
	},
}

// only compiles one built-in policy, switched on.
func only(t testing.TB, id string) *Set {
	t.Helper()
	for _, p := range Builtin() {
		if p.ID == id {
			p.Disabled = false
			set, err := Compile([]Policy{p})
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
	}
	t.Fatalf("there is no built-in policy %q", id)
	return nil
}

func TestBuiltin(t *testing.T) {
	for _, p := range Builtin() {
		if !slices.Contains(p.Stages, Build) {
			continue // TestBuiltin_workloads
		}
		t.Run(p.ID, func(t *testing.T) {
			c, ok := builtinCases[p.ID]
			if !ok || len(c.broken) == 0 || len(c.intact) == 0 {
				t.Fatal("the policy needs an image that breaks it and one that does not in builtinCases")
			}
			set := only(t, p.ID)
			judge := func(change func(*Input)) Result {
				in := cleanInput()
				change(&in)
				r := set.Evaluate(context.Background(), Build, in)
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
				if m := r.Violations[0].Messages[0]; !strings.Contains(m.Text, want) || strings.Contains(m.Text, "could not be evaluated") {
					t.Errorf("want a message with %q, got %q", want, m.Text)
				}
			}
			for i, change := range append(c.intact, func(*Input) {}) {
				if r := judge(change); len(r.Violations) > 0 {
					t.Errorf("intact image %d breaks it: %+v", i, r.Violations[0].Messages)
				}
			}
		})
	}
}

func TestBuiltin_every_policy_explains_itself(t *testing.T) {
	for _, p := range Builtin() {
		for what, text := range map[string]string{
			"description": p.Description, "rationale": p.Rationale, "remediation": p.Remediation, "categories": strings.Join(p.Categories, ""),
		} {
			if len(text) < 8 {
				t.Errorf("%s has no %s", p.ID, what)
			}
		}
	}
	for id := range builtinCases {
		only(t, id)
	}
}

func TestBuiltin_enforces_exactly_three(t *testing.T) {
	var enforced []string
	for _, p := range Builtin() {
		if len(p.Enforce) > 0 {
			enforced = append(enforced, p.ID)
			if p.Disabled {
				t.Errorf("%s is enforced but off", p.ID)
			}
		}
	}
	if want := []string{"fixable-critical-vulnerability", "notorious-vulnerability", "secret-in-image"}; !slices.Equal(enforced, want) {
		t.Errorf("enforced: %v, want %v", enforced, want)
	}
}

func TestBuiltin_clean_image_passes_everything(t *testing.T) {
	policies := Builtin()
	for i := range policies {
		policies[i].Disabled = false
	}
	set, err := Compile(policies)
	if err != nil {
		t.Fatal(err)
	}
	r := set.Evaluate(context.Background(), Build, cleanInput())
	policies = slices.DeleteFunc(policies, func(p Policy) bool { return !slices.Contains(p.Stages, Build) })
	if len(r.Violations)+len(r.Undecided)+len(r.Notes) > 0 || r.Evaluated != len(policies) {
		t.Errorf("%+v", r)
	}
}

func TestBuiltin_secrets(t *testing.T) {
	set := only(t, "secret-in-image")
	found := func(setting string) bool {
		in := cleanInput()
		in.Image.Environment = []string{setting}
		r := set.Evaluate(context.Background(), Build, in)
		_, value, _ := strings.Cut(setting, "=")
		for _, v := range r.Violations {
			for _, m := range v.Messages {
				if len(value) > 3 && strings.Contains(m.Text, value) {
					t.Errorf("the message gives the value away: %q", m.Text)
				}
			}
		}
		return len(r.Violations) == 1
	}
	letters := strings.Repeat("Ab1", 30)
	// The credentials are put together here so that no scanner of this repository takes them for real ones.
	for _, setting := range []string{
		"MYSQL_ROOT_PASSWORD=root", "dbPassword=letmein99", "DB_PASS=letmein99", "GITHUB_TOKEN=abc123def", "AWS_SECRET_ACCESS_KEY=abc/def+ghi",
		"STRIPE_API_KEY=abc", "signing-key=abc", "CLIENT_SECRET=abc", "GOOGLE_CREDENTIALS=abc",
		"A=" + "AKIA" + "ABCDEFGHIJKLMNOP", "A=" + "ghp_" + letters[:36], "A=" + "github_pat_" + letters[:60], "A=" + "glpat-" + letters[:20],
		"A=" + "xoxb-" + letters[:12], "A=" + "AIza" + letters[:35], "A=" + "sk_live_" + letters[:24], "A=" + "npm_" + letters[:36],
		"A=" + "dckr_pat_" + letters[:27], "A=" + "hvs." + letters[:24], "A=-----BEGIN RSA " + "PRIVATE KEY-----\nx",
		"DATABASE_URL=postgres://app:" + "hunter22@db.example/app", "A=AccountName=x;AccountKey=" + letters[:44] + "==",
	} {
		if !found(setting) {
			t.Errorf("not found: %s", setting)
		}
	}
	for _, setting := range []string{
		"GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", "PYTHON_SHA256=" + letters[:64], "NODE_VERSION=20.1.0", "PUBLIC_KEY=abc",
		"PASSWORD_FILE=/run/secrets/p", "DB_PASSWORD=/run/secrets/p", "DB_PASSWORD=${DB_PASSWORD}", "DB_PASSWORD=<your password>",
		"DB_PASSWORD=", "ENABLE_TOKEN=true", "MAX_TOKEN=128", "API_TOKEN=vault:secret/app#token", "DB_PASSWORD=********", "BYPASS=abc",
		"TOKEN_URL=https://sso.example/token", "HOMEPAGE=https://user@host.example/", "EXAMPLE=postgres://user:password@host/db",
		"URL=http://[::1]:8080/@scope", "KEYCLOAK_ADMIN=admin", "SSH_AUTH_SOCK=/agent", "SECRET_NAME=app", "MONKEY=banana",
	} {
		if found(setting) {
			t.Errorf("wrongly found: %s", setting)
		}
	}
}

func TestBuiltin_secret_message_names_the_line(t *testing.T) {
	in := cleanInput()
	in.Image.Environment = []string{"A=1", "DB_PASSWORD=hunter22"}
	in.Layers = []Layer{
		{Line: 1, Keyword: "ENV", Value: "DB_PASSWORD=old"},
		{Line: 2, Keyword: "ENV", Value: `A=1 NOTE="has DB_PASSWORD=x in it"`},
		{Line: 3, Keyword: "ENV", Value: "A=1 DB_PASSWORD=hunter22"},
		{Line: 4, Keyword: "LABEL", Value: "DB_PASSWORD=hunter22"},
		{Line: 5, Keyword: "RUN", Value: "make"},
	}
	r := only(t, "secret-in-image").Evaluate(context.Background(), Build, in)
	if len(r.Violations) != 1 || r.Violations[0].Messages[0].Line != 3 {
		t.Errorf("%+v", r.Violations)
	}
}
