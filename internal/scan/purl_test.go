package scan

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestOfPURL(t *testing.T) {
	debian := &OS{ID: "debian", VersionID: "12", Codename: "bookworm"}
	for text, want := range map[string]string{
		"pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=bookworm":          "openssl 3.0.11-1 Debian:12",
		"pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12.5&upstream=openssl": "libssl3 3.0.11-1 Debian:12 openssl",
		"pkg:deb/debian/libc6@2.36-9?distro=debian-11&upstream=glibc%402.36":  "libc6 2.36-9 Debian:11 glibc 2.36",
		"pkg:deb/debian/tar@1.34":                                                        "tar 1.34 Debian:12",
		"pkg:deb/ubuntu/tar@1.34":                                                        "tar 1.34 Ubuntu",
		"pkg:deb/ubuntu/tar@1.34?distro=jammy":                                           "tar 1.34 Ubuntu:22.04:LTS",
		"pkg:deb/ubuntu/tar@1.34?distro=ubuntu-23.10":                                    "tar 1.34 Ubuntu:23.10",
		"pkg:deb/debian/zlib1g@1.2?distro=debian-12&epoch=1":                             "zlib1g 1:1.2 Debian:12",
		"pkg:apk/alpine/musl@1.2.4-r1?distro=3.18.4":                                     "musl 1.2.4-r1 Alpine:v3.18",
		"pkg:apk/alpine/musl@1.2.4-r1?distro=alpine-3.19.1&upstream=musl":                "musl 1.2.4-r1 Alpine:v3.19",
		"pkg:apk/wolfi/bash@5":                                                           "bash 5 Wolfi",
		"pkg:rpm/redhat/bash@5.1.8-6.el9?distro=redhat-9.2":                              "bash 5.1.8-6.el9 Red Hat:enterprise_linux:9",
		"pkg:rpm/rhel/krb5-libs@1.1?epoch=1&distro=rhel-8.4&upstream=krb5-1.1-2.src.rpm": "krb5-libs 1:1.1 Red Hat:enterprise_linux:8 krb5 1.1-2",
		"pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?distro=almalinux-9.3&epoch=0":       "openssl-libs 3.0.7-24.el9 AlmaLinux:9",
		"pkg:rpm/opensuse/bash@4.4?distro=opensuse-leap-15.5":                            "bash 4.4 openSUSE:Leap 15.5",
		"pkg:rpm/opensuse/bash@4.4?distro=opensuse-tumbleweed":                           "bash 4.4 openSUSE:Tumbleweed",
		"pkg:npm/%40scope/name@1.0.0":                                                    "@scope/name 1.0.0 npm",
		"pkg:maven/org.apache/commons@1.0":                                               "org.apache:commons 1.0 Maven",
		"pkg:golang/github.com/x/y@v1.2.3":                                               "github.com/x/y v1.2.3 Go",
		"pkg:cargo/serde@1.0.1":                                                          "serde 1.0.1 crates.io",
		"pkg:generic/thing@1":                                                            "thing 1",
	} {
		c, err := OfPURL(text, debian)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := strings.Join(strings.Fields(strings.Join([]string{c.Name, c.Version, c.Ecosystem, c.SourceName, c.SourceVersion}, " ")), " ")
		if got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}

	t.Run("reads what scans write", func(t *testing.T) {
		for _, c := range []Component{
			{Type: "deb", Name: "bash", Version: "5.2-1", Architecture: "amd64"},
			{Type: "deb", Name: "zlib1g", Version: "1:1.2", Architecture: "amd64"},
			{Type: "npm", Name: "@s/a", Version: "1"},
			{Type: "maven", Name: "a.b:c", Version: "1"},
			{Type: "golang", Name: "github.com/a/b/v2", Version: "v2.0.0"},
		} {
			got, err := OfPURL(packageURL(&c, &osRelease{ID: "debian", VersionID: "12", Codename: "bookworm"}), nil)
			if err != nil || got.Name != c.Name || got.Version != c.Version || got.Architecture != c.Architecture {
				t.Errorf("%+v is read as %+v (%v)", c, got, err)
			}
		}
		rpm := Component{Type: "rpm", Name: "a", Version: "1:2-3", Architecture: "x86_64"}
		if got, err := OfPURL(packageURL(&rpm, &osRelease{ID: "rocky", VersionID: "9.1"}), nil); err != nil || got.Version != "1:2-3" || got.Ecosystem != "Rocky Linux:9" {
			t.Errorf("%+v (%v)", got, err)
		}
	})

	for _, bad := range []string{"", "openssl", "pkg:", "pkg:deb/" + strings.Repeat("x", 5000) + "@1"} {
		if _, err := OfPURL(bad, nil); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}
