package vuln

import (
	"context"
	"maps"
	"strings"
	"testing"
)

// osvEcosystems are those that the OSV schema 1.7.5 defines.
const osvEcosystems = `AlmaLinux,Alpaquita,Alpine,Android,Azure Linux,BellSoft Hardened Containers,Bioconductor,Bitnami,Chainguard,CleanStart,ConanCenter,
CRAN,crates.io,Debian,Docker Hardened Images,Echo,FreeBSD,GHC,GitHub Actions,Go,Hackage,Hex,Julia,Kubernetes,Linux,Mageia,Maven,MinimOS,npm,NuGet,opam,openEuler,
openSUSE,OSS-Fuzz,Packagist,Photon OS,Pub,PyPI,Red Hat,Rocky Linux,Root,RubyGems,SUSE,SwiftURL,TuxCare,Ubuntu,VSCode,Wolfi`

func TestEveryEcosystemIsMatchedOrSaysWhyNot(t *testing.T) {
	for name := range strings.SplitSeq(strings.ReplaceAll(osvEcosystems, "\n", ""), ",") {
		if _, matched := ecosystems[name]; !matched && unmatched[name] == "" {
			t.Errorf("%s is neither matched nor said to be of no use", name)
		} else if !matched {
			continue
		}
		t.Run(name, func(t *testing.T) {
			x := indexOf(t, osv("TEST-1", name, "a", below("2.0.0")))
			if found := match(t, x, Package{name, "a", "1.0.0", ""}); len(found) != 1 || found[0].FixedVersion != "2.0.0" {
				t.Errorf("1.0.0: %+v", found)
			}
			if found := match(t, x, Package{name, "a", "2.0.0", ""}); len(found) != 0 {
				t.Errorf("2.0.0: %v", idsOf(found))
			}
		})
	}
}

func TestRecordsOfNoUse(t *testing.T) {
	git := `"ranges":[{"type":"GIT","repo":"https://example.com/x","events":[{"introduced":"0"}]}]`
	res := mustImport(t, t.TempDir(), writeFiles(t, map[string]string{
		"1.json": osv("GHSA-1", "npm", "a", below("2.0.0")), "2.json": osv("LINUX-1", "Linux", "Kernel", below("6.1.5")),
		"3.json": osv("OSV-1", "OSS-Fuzz", "x", git), "4.json": `{"id":"CVE-1","affected":[{` + git + `}]}`, "5.json": osv("X-1", "Plan9:4", "a", below("2")),
		"6.json": osv("GHSA-2", "GitHub Actions", "a/b", below("2.0.0")), "7.json": osv("NPM-1", "npm", "b", git),
		"8.json": strings.Replace(osv("MIX-1", "Linux", "Kernel", below("6")), `"affected":[`, `"affected":[{"package":{"ecosystem":"npm","name":"c"},`+below("2.0.0")+`},`, 1),
	}))
	want := map[string]int{
		"Linux: images hold no kernel that runs": 1, "OSS-Fuzz: its records are about commits": 1, aboutCommits: 2, "Plan9: not known here": 1,
		"GitHub Actions: actions run outside of images": 1,
	}
	if res.Records != 2 || res.Unusable != 6 || !maps.Equal(res.Reasons, want) {
		t.Errorf("%d records, %d of no use: %v", res.Records, res.Unusable, res.Reasons)
	}
}

func TestNamesOfWhatIsInstalled(t *testing.T) {
	x := indexOf(t, osv("CGA-1", "Chainguard", "libcrypto3", below("3.0.0-r1")), osv("CGA-2", "Chainguard", "openssl", below("3.0.0-r1")),
		osv("ALPINE-1", "Alpine:v3.20", "libcrypto3", below("3.0.0-r1")))
	for ecosystem, want := range map[string]int{"Chainguard": 2, "Alpine:v3.20": 0} {
		found, err := x.MatchBinary(context.Background(), Package{ecosystem, "openssl", "2.0.0-r0", ""}, Package{ecosystem, "libcrypto3", "2.0.0-r0", ""})
		if err != nil || len(found) != want {
			t.Errorf("%s: %v %v, want %d", ecosystem, idsOf(found), err, want)
		}
	}
}

func TestReleases(t *testing.T) {
	for _, c := range []struct {
		record, pkg string
		want        bool
	}{
		{"Debian:12", "Debian:12", true}, {"Debian:12", "Debian:12.5", true}, {"Debian:12", "Debian:11", false}, {"Debian", "Debian:12", true},
		{"Debian:12", "Debian", false}, {"Debian:3.1", "Debian:3.0", false}, {"Debian:12", "Ubuntu:12", false},
		{"Alpine:v3.18", "Alpine:v3.18", true}, {"Alpine:v3.18", "Alpine:3.18.4", true}, {"Alpine:v3.18", "Alpine:v3.1", false}, {"Alpine:v3.18", "Alpine:edge", false},
		{"Ubuntu:22.04:LTS", "Ubuntu:22.04", true}, {"Ubuntu:22.04", "Ubuntu:22.04:LTS", true}, {"Ubuntu:Pro:16.04:LTS", "Ubuntu:16.04", true},
		{"Ubuntu:Pro:16.04:LTS", "Ubuntu:Pro:16.04:LTS", true}, {"Ubuntu:22.04:LTS", "Ubuntu:24.04", false},
		{"Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9::baseos", true}, {"Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9.4:GA", true},
		{"Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:8::baseos", false}, {"Red Hat:rhel_eus:9.2::baseos", "Red Hat:enterprise_linux:9::baseos", false},
		{"AlmaLinux:9", "AlmaLinux:9.4", true}, {"Rocky Linux:9", "Rocky Linux:9", true}, {"Rocky Linux:9", "Rocky Linux", false},
		{"SUSE:Linux Enterprise Server 15 SP4", "SUSE:15.4", true}, {"SUSE:Linux Enterprise Server 15 SP4-LTSS", "SUSE:15.4", true},
		{"SUSE:Linux Enterprise Module for Basesystem 15 SP4", "SUSE:15.5", false}, {"SUSE:Linux Enterprise Micro 5.3", "SUSE:5.3", true},
		{"openSUSE:Leap 15.4", "openSUSE:Leap 15.4", true}, {"Wolfi", "Wolfi", true}, {"Maven:https://repo.example", "Maven", true}, {"npm", "npm", true},
		{"Packagist:https://packages.drupal.org/8", "Packagist", true},
	} {
		t.Run(c.record+"_for_"+c.pkg, func(t *testing.T) {
			x := indexOf(t, osv("TEST-1", c.record, "a", below("2.0-1")))
			if got := x.Covers(c.pkg); got != c.want {
				t.Errorf("covers: %v", got)
			}
			if !c.want {
				return
			}
			if found := match(t, x, Package{c.pkg, "a", "1.0-1", ""}); len(found) != 1 || found[0].Source != c.record {
				t.Errorf("found %+v", found)
			}
		})
	}
}

func TestUbuntuProSpeaksOnlyWhereTheReleaseIsSilent(t *testing.T) {
	both := `{"id":"UBUNTU-CVE-2024-1","affected":[` +
		`{"package":{"ecosystem":"Ubuntu:20.04:LTS","name":"a"},` + below("1.0-1ubuntu1") + `},` +
		`{"package":{"ecosystem":"Ubuntu:Pro:20.04:LTS","name":"a"},` + below("1.0-1ubuntu1+esm2") + `}]}`
	x := indexOf(t, both)
	if found := match(t, x, Package{"Ubuntu:20.04", "a", "1.0-1ubuntu1", ""}); len(found) != 0 {
		t.Errorf("without Pro: %v", idsOf(found))
	}
	found := match(t, x, Package{"Ubuntu:Pro:20.04", "a", "1.0-1ubuntu1", ""})
	if len(found) != 1 || found[0].FixedVersion != "1.0-1ubuntu1+esm2" || found[0].Source != "Ubuntu:Pro:20.04:LTS" {
		t.Errorf("with Pro: %+v", found)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		ecosystem, record, pkg string
		want                   bool
	}{
		{"PyPI", "zope.interface", "Zope_Interface", true}, {"PyPI", "a--b", "a.b", true}, {"NuGet", "Newtonsoft.Json", "newtonsoft.json", true},
		{"Packagist", "Symfony/Http", "symfony/http", true}, {"Go", "github.com/Sirupsen/logrus", "github.com/sirupsen/logrus", false},
		{"npm", "JSONStream", "jsonstream", false}, {"npm", "@scope/a", "@scope/a", true}, {"Maven", "g:a", "g:a", true},
		{"SwiftURL", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio", true}, {"Debian:12", "glibc", "Glibc", false},
	} {
		t.Run(c.ecosystem+"_"+c.record, func(t *testing.T) {
			x := indexOf(t, osv("TEST-1", c.ecosystem, c.record, below("2.0.0")))
			if found := match(t, x, Package{c.ecosystem, c.pkg, "1.0.0", ""}); (len(found) == 1) != c.want {
				t.Errorf("found %v", idsOf(found))
			}
		})
	}
}

func TestGoToolchainVersions(t *testing.T) {
	for in, want := range map[string]string{
		"go1.20": "1.20.0", "1.20": "1.20.0", "go1.21rc2": "1.21.0-rc.2", "go1.9beta1": "1.9.0-beta.1", "go1.22.5": "1.22.5", "v1.22.5": "1.22.5",
		"1.21.0-rc.2": "1.21.0-rc.2", "1.21.0-0": "1.21.0-0", "go1.22.5 X:boringcrypto": "1.22.5", "go1.22.1-vendor": "1.22.1", "go1.23.4+auto": "1.23.4",
	} {
		if got, err := cleanVersion("Go", "stdlib", in); got != want || err != nil {
			t.Errorf("%s: got %q %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"devel go1.24-abc", "devel +abc", "(devel)", "", "go1.22-devel_abc"} {
		if got, err := cleanVersion("Go", "stdlib", in); err == nil {
			t.Errorf("%s: got %q", in, got)
		}
	}
}
