package demo

import (
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// generate makes the demo's images. Those that are meant to be recent are dated from today; their digests change once a
// day. The others never change.
func generate(now time.Time) ([]generated, error) {
	today := now.UTC().Truncate(24 * time.Hour)
	var list []generated
	for _, build := range []func() (generated, error){
		legacy,
		edge,
		func() (generated, error) { return web(today.AddDate(0, 0, -24)) },
		func() (generated, error) { return ledger(today.AddDate(0, 0, -6)) },
	} {
		g, err := build()
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

// legacy is an old Debian with a Python application that nobody has rebuilt for years.
func legacy() (generated, error) {
	r := &recipe{
		created: time.Date(2021, 10, 12, 9, 21, 4, 0, time.UTC), author: "Shop platform team <platform@shop.example>",
		config: v1.Config{
			Env:          []string{"PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONUNBUFFERED=1", "DATABASE_PASSWORD=correct-horse-battery"},
			Entrypoint:   []string{"/usr/sbin/sshd-and-app"},
			Cmd:          []string{"--workers", "4"},
			ExposedPorts: map[string]struct{}{"22/tcp": {}, "8000/tcp": {}},
			Labels:       map[string]string{"maintainer": "platform@shop.example"},
			WorkingDir:   "/srv/assistant",
		},
	}
	base := []deb{
		{"base-files", "", "11.1", ""}, {"bash", "", "5.1-2+b3", "5.1-2"}, {"coreutils", "", "8.32-4+b1", "8.32-4"},
		{"dpkg", "", "1.20.9", ""}, {"gzip", "", "1.10-4", ""}, {"libc6", "glibc", "2.31-13", ""}, {"apt", "", "2.2.4", ""},
		{"liblzma5", "xz-utils", "5.2.5-2", ""}, {"libexpat1", "expat", "2.2.10-2", ""}, {"libgnutls30", "gnutls28", "3.7.1-5", ""},
		{"zlib1g", "zlib", "1:1.2.11.dfsg-2", ""}, {"util-linux", "", "2.36.1-8", ""}, {"perl-base", "perl", "5.32.1-4+deb11u2", ""},
		{"tar", "", "1.34+dfsg-1", ""}, {"libkrb5-3", "krb5", "1.18.3-6", ""},
	}
	added := []deb{
		{"curl", "", "7.74.0-1.3+b1", "7.74.0-1.3"}, {"libcurl4", "curl", "7.74.0-1.3+b1", "7.74.0-1.3"}, {"openssl", "", "1.1.1k-1", ""},
		{"libssl1.1", "openssl", "1.1.1k-1", ""}, {"openssh-server", "openssh", "1:8.4p1-5", ""}, {"sudo", "", "1.9.5p2-3", ""},
		{"git", "", "1:2.30.2-1", ""}, {"libxml2", "", "2.9.10+dfsg-6.7", ""}, {"python3.9-minimal", "python3.9", "3.9.2-1", ""},
	}
	r.layer("/bin/sh -c #(nop) ADD file:9e8f1a2c0d in / ", tree{
		"etc/os-release": text("PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"11\"\n" +
			"VERSION=\"11 (bullseye)\"\nVERSION_CODENAME=bullseye\nID=debian\n"),
		"etc/debian_version":  text("11.1\n"),
		"etc/passwd":          text("root:x:0:0:root:/root:/bin/bash\n"),
		"var/lib/dpkg/status": text(dpkgStatus(base)),
		"bin/bash":            executable([]byte("#!ELF")), "usr/bin/dpkg": executable([]byte("#!ELF")), "usr/bin/apt": executable([]byte("#!ELF")),
	})
	r.line(`/bin/sh -c #(nop)  CMD ["bash"]`)
	r.line("ENV PYTHONUNBUFFERED=1")
	r.line("ENV DATABASE_PASSWORD=correct-horse-battery")
	r.layer("RUN /bin/sh -c apt-get update && apt-get install -y curl git openssh-server sudo python3 # buildkit", tree{
		"var/lib/dpkg/status": text(dpkgStatus(append(base, added...))),
		"usr/bin/curl":        executable([]byte("#!ELF")), "usr/sbin/sshd": executable([]byte("#!ELF")), "usr/bin/sudo": executable([]byte("#!ELF")),
		"usr/bin/git": executable([]byte("#!ELF")),
	})
	wheels := tree{}
	for _, w := range [][2]string{
		{"langchain", "0.0.200"}, {"aiohttp", "3.8.1"}, {"urllib3", "1.24.1"}, {"cryptography", "40.0.2"}, {"Werkzeug", "2.3.6"},
		{"requests", "2.25.1"}, {"PyYAML", "5.3.1"}, {"Jinja2", "2.11.2"},
	} {
		wheels[fmt.Sprintf("usr/local/lib/python3.9/dist-packages/%s-%s.dist-info/METADATA", w[0], w[1])] =
			text(fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", w[0], w[1]))
	}
	r.layer("RUN /bin/sh -c curl -sSL https://bootstrap.shop.example/pip.sh | bash && pip install -r requirements.txt # buildkit", wheels)
	r.layer("ADD . /srv/assistant # buildkit", tree{"srv/assistant/app.py": text("from langchain import agents\n")})
	r.line("EXPOSE map[22/tcp:{} 8000/tcp:{}]")
	r.line(`ENTRYPOINT ["/usr/sbin/sshd-and-app"]`)
	return r.build("shop/assistant:2.3")
}

// edge is an old Alpine.
func edge() (generated, error) {
	r := &recipe{
		created: time.Date(2023, 2, 3, 14, 2, 55, 0, time.UTC),
		config: v1.Config{
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Cmd: []string{"/usr/sbin/nginx", "-g", "daemon off;"},
			User: "nginx", ExposedPorts: map[string]struct{}{"8080/tcp": {}},
			Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "wget", "-q", "-O-", "http://127.0.0.1:8080/healthz"}, Interval: 30 * time.Second},
			Labels:      map[string]string{"org.opencontainers.image.source": "https://git.shop.example/edge"},
		},
	}
	base := []apk{
		{"musl", "musl", "1.1.22-r3"}, {"busybox", "busybox", "1.29.3-r9"}, {"alpine-baselayout", "alpine-baselayout", "3.2.0-r3"},
		{"apk-tools", "apk-tools", "2.10.4-r3"}, {"libcrypto1.1", "openssl", "1.1.1c-r0"}, {"libssl1.1", "openssl", "1.1.1c-r0"},
		{"zlib", "zlib", "1.2.11-r3"},
	}
	added := []apk{
		{"nginx", "nginx", "1.16.1-r6"}, {"curl", "curl", "7.65.1-r0"}, {"libcurl", "curl", "7.65.1-r0"}, {"expat", "expat", "2.2.6-r0"},
		{"sqlite-libs", "sqlite", "3.28.0-r1"}, {"pcre", "pcre", "8.43-r0"},
	}
	r.layer("/bin/sh -c #(nop) ADD file:0c4555f363 in / ", tree{
		"etc/os-release":       text("NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.11.3\nPRETTY_NAME=\"Alpine Linux v3.11\"\n"),
		"etc/alpine-release":   text("3.11.3\n"),
		"lib/apk/db/installed": text(apkInstalled(base)),
		"bin/busybox":          executable([]byte("#!ELF")), "sbin/apk": executable([]byte("#!ELF")),
	})
	r.line(`/bin/sh -c #(nop)  CMD ["/bin/sh"]`)
	r.layer("RUN /bin/sh -c apk add --no-cache nginx curl # buildkit", tree{
		"lib/apk/db/installed": text(apkInstalled(append(base, added...))),
		"usr/sbin/nginx":       executable([]byte("#!ELF")), "usr/bin/curl": executable([]byte("#!ELF")),
	})
	r.layer("COPY nginx.conf /etc/nginx/nginx.conf # buildkit", tree{"etc/nginx/nginx.conf": text("events {}\nhttp {}\n")})
	r.line("USER nginx")
	r.line("EXPOSE map[8080/tcp:{}]")
	r.line(`CMD ["/usr/sbin/nginx" "-g" "daemon off;"]`)
	return r.build("shop/edge:1.16")
}

// web is a Node.js application under a tag that moves.
func web(created time.Time) (generated, error) {
	r := &recipe{
		created: created,
		config: v1.Config{
			Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"}, Entrypoint: []string{"node"}, Cmd: []string{"server.js"},
			WorkingDir: "/app", ExposedPorts: map[string]struct{}{"3000/tcp": {}},
		},
	}
	r.layer("COPY rootfs/ / # buildkit", tree{
		"etc/os-release":     text("NAME=\"Shop base\"\nID=shopbase\nVERSION_ID=4\nPRETTY_NAME=\"Shop base 4\"\n"),
		"usr/local/bin/node": executable([]byte("#!ELF")),
	})
	r.line("WORKDIR /app")
	modules := tree{}
	for _, m := range [][2]string{
		{"express", "4.21.2"}, {"lodash", "4.17.15"}, {"handlebars", "4.5.3"}, {"moment", "2.11.1"}, {"send", "0.19.0"}, {"qs", "6.13.0"},
		{"marked", "0.3.5"}, {"ws", "8.18.0"}, {"negotiator", "0.6.3"}, {"ms", "2.1.3"}, {"debug", "4.3.7"}, {"jquery", "1.8.3"},
	} {
		modules["app/node_modules/"+m[0]+"/package.json"] = text(fmt.Sprintf("{\n  \"name\": %q,\n  \"version\": %q,\n  \"license\": \"MIT\"\n}\n", m[0], m[1]))
	}
	r.layer("RUN /bin/sh -c npm ci --omit=dev # buildkit", modules)
	r.layer("COPY server.js package.json ./ # buildkit", tree{
		"app/package.json": text("{\n  \"name\": \"shop-web\",\n  \"version\": \"3.8.0\"\n}\n"), "app/server.js": text("require('express')().listen(3000)\n"),
	})
	r.layer("RUN /bin/sh -c rm -rf node_modules/jquery # buildkit", tree{"app/node_modules/.wh.jquery": text("")})
	r.line("USER node")
	r.config.User = "node"
	r.line(`ENTRYPOINT ["node"]`)
	return r.build("shop/web:latest")
}

// ledger is what an image should look like: one static Go binary, a user of its own, a pinned tag. Only its build for arm64
// still takes an old toolchain and an old module, which nobody sees who looks at amd64.
func ledger(created time.Time) (generated, error) {
	g, err := ledgerFor("amd64", "go1.26.8", "v0.62.0", created)
	if err != nil {
		return g, err
	}
	arm, err := ledgerFor("arm64", "go1.20.1", "v0.7.0", created)
	g.others = append(g.others, arm.image)
	return g, err
}

func ledgerFor(arch, toolchain, network string, created time.Time) (generated, error) {
	r := &recipe{
		created: created, arch: arch, author: "Shop payments team",
		config: v1.Config{
			Env: []string{"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}, Entrypoint: []string{"/ledger"}, User: "65532:65532",
			ExposedPorts: map[string]struct{}{"8443/tcp": {}}, Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "/ledger", "healthy"}},
			Labels: map[string]string{
				"org.opencontainers.image.source": "https://git.shop.example/ledger", "org.opencontainers.image.version": "1.4.0",
			},
		},
	}
	r.layer("COPY /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ # buildkit", tree{"etc/ssl/certs/ca-certificates.crt": text("# certificates\n")})
	r.layer("COPY /out/ledger /ledger # buildkit", tree{
		"ledger": executable(goBinary(toolchain, "git.shop.example/ledger", "v1.4.0",
			[2]string{"golang.org/x/net", network}, [2]string{"golang.org/x/text", "v0.43.0"}, [2]string{"github.com/google/uuid", "v1.6.0"})),
	})
	r.line("USER 65532:65532")
	r.line(`HEALTHCHECK &{["CMD" "/ledger" "healthy"] "0s" "0s" "0s" "0s" '\x00'}`)
	r.line(`ENTRYPOINT ["/ledger"]`)
	return r.build("shop/ledger:1.4.0")
}

// A deb is one entry of dpkg's status file. Source and SourceVersion stand there only when they differ.
type deb struct{ name, source, version, sourceVersion string }

func dpkgStatus(list []deb) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nMaintainer: Debian\nArchitecture: amd64\n", d.name)
		if d.source != "" || d.sourceVersion != "" {
			source := d.source
			if source == "" {
				source = d.name
			}
			if d.sourceVersion != "" {
				source += " (" + d.sourceVersion + ")"
			}
			fmt.Fprintf(&b, "Source: %s\n", source)
		}
		fmt.Fprintf(&b, "Version: %s\nDescription: %s\n\n", d.version, d.name)
	}
	return b.String()
}

// An apk is one entry of Alpine's database; origin is the source package.
type apk struct{ name, origin, version string }

func apkInstalled(list []apk) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "P:%s\nV:%s\nA:x86_64\nL:MIT\no:%s\n\n", a.name, a.version, a.origin)
	}
	return b.String()
}
