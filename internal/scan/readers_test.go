package scan

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

func TestDpkg(t *testing.T) {
	status := "Package: openssl\nStatus: install ok installed\nSource: openssl\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u2\n\n" +
		"Package: libssl3\nStatus: install ok installed\nSource: openssl (3.0.11-1)\nArchitecture: amd64\nVersion: 3.0.11-1+b1\n\n" +
		"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n" +
		"this line is odd\nPackage: odd\nStatus: install ok half-configured\nVersion: 2\nDescription: " + strings.Repeat("x", 200_000) + "\n\n" +
		"Package: noversion\nStatus: install ok installed\n\n" +
		"Package: last\nStatus: install ok installed\nVersion: 1:3-4"
	r := scanned(t, layer(t, file("etc/os-release", bookworm), file("var/lib/dpkg/status", status)))
	at := " @0 /var/lib/dpkg/status"
	expect(t, r, "deb last 1:3-4"+at, "deb libssl3 3.0.11-1+b1"+at, "deb odd 2"+at, "deb openssl 3.0.11-1~deb12u2"+at)
	expectComplete(t, r)
	ssl := component(t, r, "libssl3")
	if ssl.SourceName != "openssl" || ssl.SourceVersion != "3.0.11-1" || ssl.Ecosystem != "Debian:12" || ssl.Architecture != "amd64" {
		t.Errorf("%+v", ssl)
	}
	if c := component(t, r, "openssl"); c.SourceName != "" || c.SourceVersion != "" {
		t.Errorf("source repeats the package: %+v", c)
	}
	if *r.OS != (OS{ID: "debian", VersionID: "12", Codename: "bookworm", Name: "Debian GNU/Linux 12 (bookworm)"}) {
		t.Errorf("%+v", *r.OS)
	}
}

func TestApk(t *testing.T) {
	db := "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\np:" + strings.Repeat("so:x=1 ", 20_000) + "\nF:lib\nR:ld-musl-x86_64.so.1\n\n" +
		"P:libcrypto3\nV:3.1.4-r5\nA:x86_64\nL:Apache-2.0\no:openssl\n\n\nnonsense\nP:last\nV:1-r0"
	r := scanned(t, layer(t, file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\nNAME='Alpine Linux'\n"), file("lib/apk/db/installed", db)))
	at := " @0 /lib/apk/db/installed"
	expect(t, r, "apk last 1-r0"+at, "apk libcrypto3 3.1.4-r5"+at, "apk musl 1.2.4-r2"+at)
	c := component(t, r, "libcrypto3")
	if c.SourceName != "openssl" || c.Ecosystem != "Alpine:v3.18" || c.PURL != "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=3.18.4" ||
		!slices.Equal(c.Licenses, []string{"Apache-2.0"}) {
		t.Errorf("%+v", c)
	}
}

func TestEcosystems(t *testing.T) {
	for release, want := range map[string]string{
		"deb ID=debian VERSION_ID=12":                 "Debian:12",
		"deb ID=debian VERSION_CODENAME=trixie":       "Debian:13",
		"deb ID=debian":                               "Debian",
		"deb ID=ubuntu VERSION_ID=22.04":              "Ubuntu:22.04:LTS",
		"deb ID=ubuntu VERSION_ID=23.04":              "Ubuntu:23.04",
		"deb ID=ubuntu VERSION_ID=24.10":              "Ubuntu:24.10",
		"deb ID=kali":                                 "",
		"apk ID=alpine VERSION_ID=3.18.4":             "Alpine:v3.18",
		"apk ID=alpine VERSION_ID=3.21_alpha20240923": "Alpine",
		"apk ID=wolfi VERSION_ID=20230201":            "Wolfi",
		"rpm ID=almalinux VERSION_ID=9.3":             "AlmaLinux:9",
		"rpm ID=rocky VERSION_ID=9.3":                 "Rocky Linux:9",
		"rpm ID=rhel VERSION_ID=9.3 CPE_NAME=cpe:/o:redhat:enterprise_linux:9::baseos": "Red Hat:enterprise_linux:9::baseos",
		"rpm ID=rhel VERSION_ID=8.10":                                                 "Red Hat:enterprise_linux:8",
		"rpm ID=sl-micro VERSION_ID=6.0":                                              "SUSE:6.0",
		"rpm ID=opensuse-leap-micro VERSION_ID=5.5":                                   "openSUSE:Leap Micro 5.5",
		"rpm ID=photon VERSION_ID=5.0":                                                "Photon OS:5.0",
		"rpm ID=sles VERSION_ID=15.5":                                                 "SUSE:15.5",
		"rpm ID=opensuse-leap VERSION_ID=15.5":                                        "openSUSE:Leap 15.5",
		"rpm ID=azurelinux VERSION_ID=3.0":                                            "Azure Linux:3.0",
		"rpm ID=openEuler VERSION_ID=24.03 PRETTY_NAME=openEuler\\ 24.03\\ (LTS-SP1)": "openEuler:24.03-LTS-SP1",
		"rpm ID=fedora VERSION_ID=40":                                                 "",
	} {
		kind, lines, _ := strings.Cut(release, " ")
		lines = strings.NewReplacer("\\ ", " ", " ", "\n").Replace(lines)
		if strings.Contains(release, "\\ ") {
			i := strings.Index(lines, "PRETTY_NAME=")
			lines = lines[:i] + strings.ReplaceAll(lines[i:], "\n", " ")
		}
		o, err := readOSRelease(strings.NewReader(lines))
		if err != nil {
			t.Fatal(err)
		}
		if got := systemEcosystem(kind, o); got != want {
			t.Errorf("%s: %q, want %q", release, got, want)
		}
	}
}

func TestOSRelease(t *testing.T) {
	o, err := readOSRelease(strings.NewReader("# comment\nID=\"De\\\"bian\"\n  NAME='a\\b'\nVERSION_ID=1\\ 2\nVERSION_CODENAME=\"\"\nnonsense\nPRETTY_NAME=\"evil\x1b[31m\"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if *o != (osRelease{ID: `de"bian`, Name: `a\b`, VersionID: "1 2", PrettyName: "evil[31m"}) {
		t.Errorf("%+v", *o)
	}
	if o, err := readOSRelease(strings.NewReader("nothing here\n")); o != nil || err != nil {
		t.Errorf("%v %v", o, err)
	}
}

func TestPackageJSON(t *testing.T) {
	const p = "app/node_modules/x/package.json"
	for name, c := range map[string]struct{ body, want string }{
		"plain":                          {`{"name":"x","version":"1.0.0"}`, "x 1.0.0"},
		"maintainers_is_a_list":          {`{"maintainers":["a",{"b":[1]}],"name":"toposort-class","version":"1.0.1"}`, "toposort-class 1.0.1"},
		"scripts_are_of_odd_types":       {`{"scripts":7,"name":"x","version":"v1.0.0","dependencies":[[]]}`, "x 1.0.0"},
		"byte_order_mark":                {"\xef\xbb\xbf" + `{"name":"x","version":"1.0.0"}`, "x 1.0.0"},
		"version_is_a_number":            {`{"name":"x","version":1.5}`, "x 1.5"},
		"broken_after_what_is_needed":    {`{"name":"x","version":"1.0.0","a":{"b":`, "x 1.0.0"},
		"no_version":                     {`{"name":"x"}`, ""},
		"only_a_module_type":             {`{"type":"module"}`, ""},
		"name_is_an_object":              {`{"name":{"a":1},"version":"1"}`, ""},
		"not_an_object":                  {`[1]`, ""},
		"empty":                          {``, ""},
		"last_of_duplicate_fields_wins":  {`{"name":"x","version":"1.0.0","version":"1.0.1"}`, "x 1.0.1"},
		"extension_of_an_editor":         {`{"name":"x","version":"1.0.0","engines":{"vscode":"^1"}}`, ""},
		"very_deep":                      {`{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"name":"x","version":"1"}`, ""},
		"control_characters_are_dropped": {`{"name":"x\u001b[31m","version":"1.0.0"}`, "x[31m 1.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := scanned(t, layer(t, file(p, c.body)))
			if c.want == "" {
				expect(t, r)
			} else {
				expect(t, r, "npm "+c.want+" @0 /"+p)
			}
			expectComplete(t, r)
		})
	}

	t.Run("licenses", func(t *testing.T) {
		for body, want := range map[string][]string{
			`"license":"MIT"`:                                  {"MIT"},
			`"license":{"type":"ISC","url":"u"}`:               {"ISC"},
			`"licenses":[{"type":"MIT"},"Apache-2.0",[["x"]]]`: {"MIT", "Apache-2.0"},
			`"license":null`:                                   nil,
		} {
			r := scanned(t, layer(t, file(p, `{"name":"x","version":"1",`+body+`}`)))
			if got := component(t, r, "x").Licenses; !slices.Equal(got, want) {
				t.Errorf("%s: %q", body, got)
			}
		}
	})
	t.Run("what_lies_in_tests_and_examples_is_not_installed", func(t *testing.T) {
		r := scanned(t, layer(t,
			file("app/package.json", packageJSONOf("app", "1.0.0")),
			file("test/app/node_modules/@s/a/package.json", packageJSONOf("@s/a", "1.0.0")),
			file("app/node_modules/a/node_modules/b/package.json", packageJSONOf("b", "1.0.0")),
			file("app/node_modules/a/test/fixtures/c/package.json", packageJSONOf("c", "1.0.0")),
			file("app/node_modules/a/examples/package.json", packageJSONOf("d", "1.0.0")),
			file("app/node_modules/test/package.json", packageJSONOf("test", "1.0.0")),
			file("app/package-lock.json", `{"packages":{"node_modules/gone":{"version":"1.0.0"}}}`)))
		expect(t, r, "npm @s/a 1.0.0 @0 /test/app/node_modules/@s/a/package.json", "npm app 1.0.0 @0 /app/package.json",
			"npm b 1.0.0 @0 /app/node_modules/a/node_modules/b/package.json", "npm test 1.0.0 @0 /app/node_modules/test/package.json")
		if c := component(t, r, "@s/a"); c.PURL != "pkg:npm/%40s/a@1.0.0" || c.Ecosystem != "npm" {
			t.Errorf("%+v", c)
		}
	})
}

func TestLanguages(t *testing.T) {
	site := "usr/local/lib/python3.12/site-packages/"
	gem := "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.3\"\nend\n"
	r := scanned(t, layer(t,
		file(site+"Zope.Interface-5.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 5.0\nLicense: ZPL\n\nName: no\n"),
		file(site+"old-1.0.egg-info", "Name: old\nVersion: 1.0\n"),
		file(site+"old2.egg-info/PKG-INFO", "Name: old2\r\nVersion: 2.0\r\n"),
		file(site+"zipped-1.egg", zipOf(t, map[string]string{"EGG-INFO/PKG-INFO": "Name: zipped\nVersion: 1\n"})),
		file("usr/share/pip-23.whl", zipOf(t, map[string]string{"pip.dist-info/METADATA": "Name: pip\nVersion: 23\n"})),
		file("usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.3.gemspec", gem),
		file("usr/lib/ruby/gems/3.1.0/gems/rack-2.2.3/rack.gemspec", gem),
		file("app/vendor/composer/installed.json", `{"packages":[{"name":"monolog/monolog","version":"v2.0.0","license":["MIT"]},7],"dev":true}`),
		file("old/vendor/composer/installed.json", `[{"name":"a/b","version":"1.0"}]`),
		file("app/app.deps.json", `{"libraries":{"Newtonsoft.Json/12.0.1":{"type":"package"}}}`),
		file("usr/local/lib/luarocks/rocks-5.1/lpeg/1.0-1/lpeg-1.0-1.rockspec", "x"),
		file("etc/os-release", "ID=arch\nBUILD_ID=rolling\n"),
		file("var/lib/pacman/local/zlib-1.3/desc", "%NAME%\nzlib\n\n%VERSION%\n1:1.3-1\n\n%ARCH%\nx86_64\n\n%LICENSE%\nZlib\n"),
		file("var/db/pkg/app-arch/zstd-1.5.5/PF", "zstd-1.5.5\n"),
	))
	expect(t, r,
		"alpm zlib 1:1.3-1 @0 /var/lib/pacman/local/zlib-1.3/desc",
		"composer a/b 1.0 @0 /old/vendor/composer/installed.json",
		"composer monolog/monolog 2.0.0 @0 /app/vendor/composer/installed.json",
		"gem rack 2.2.3 @0 /usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.3.gemspec",
		"luarocks lpeg 1.0-1 @0 /usr/local/lib/luarocks/rocks-5.1/lpeg/1.0-1/lpeg-1.0-1.rockspec",
		"nuget Newtonsoft.Json 12.0.1 @0 /app/app.deps.json",
		"portage zstd 1.5.5 @0 /var/db/pkg/app-arch/zstd-1.5.5/PF",
		"pypi old 1.0 @0 /"+site+"old-1.0.egg-info",
		"pypi old2 2.0 @0 /"+site+"old2.egg-info/PKG-INFO",
		"pypi zipped 1 @0 /"+site+"zipped-1.egg!/EGG-INFO/PKG-INFO",
		"pypi zope-interface 5.0 @0 /"+site+"Zope.Interface-5.0.dist-info/METADATA",
	)
	for name, want := range map[string]string{
		"zope-interface": "PyPI pkg:pypi/zope-interface@5.0", "rack": "RubyGems pkg:gem/rack@2.2.3", "Newtonsoft.Json": "NuGet pkg:nuget/Newtonsoft.Json@12.0.1",
		"monolog/monolog": "Packagist pkg:composer/monolog/monolog@2.0.0", "zlib": " pkg:alpm/arch/zlib@1:1.3-1?arch=x86_64&distro=rolling",
	} {
		if c := component(t, r, name); c.Ecosystem+" "+c.PURL != want {
			t.Errorf("%s: %q", name, c.Ecosystem+" "+c.PURL)
		}
	}
}

func TestJava(t *testing.T) {
	inner := zipOf(t, map[string]string{"META-INF/maven/o/log4j-core/pom.properties": pomOf("org.apache.logging.log4j", "log4j-core", "2.14.1")})
	guessed := zipOf(t, map[string]string{"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.junit.ex\r\n tra;singleton:=true\r\nImplementation-Version: 9\r\n"})
	fat := zipOf(t, map[string]string{
		"META-INF/maven/com.x/app/pom.properties": pomOf("com.x", "app", "1.0"),
		"BOOT-INF/lib/log4j-core-2.14.1.jar":      inner,
		"BOOT-INF/lib/nested.war":                 zipOf(t, map[string]string{"WEB-INF/lib/extra-4.12.jar": guessed}),
	})
	r := scanned(t, layer(t, file("app/app.jar", fat), file("app/commons-lang-2.6.jar", zipOf(t, nil)), file("app/plain.jar", zipOf(t, nil))))
	expect(t, r,
		"maven com.x:app 1.0 @0 /app/app.jar",
		"maven commons-lang:commons-lang 2.6 @0 /app/commons-lang-2.6.jar",
		"maven org.apache.logging.log4j:log4j-core 2.14.1 @0 /app/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar",
		"maven org.junit.extra:extra 4.12 @0 /app/app.jar!/BOOT-INF/lib/nested.war!/WEB-INF/lib/extra-4.12.jar",
	)
	expectComplete(t, r)
	if c := component(t, r, "com.x:app"); c.PURL != "pkg:maven/com.x/app@1.0" || c.Ecosystem != "Maven" {
		t.Errorf("%+v", c)
	}

	t.Run("file_name_without_version", func(t *testing.T) {
		driver := zipOf(t, map[string]string{"META-INF/MANIFEST.MF": "Implementation-Title: PostgreSQL JDBC Driver\r\nImplementation-Version: 42.5.5\r\nImplementation-Vendor-Id: org.postgresql\r\n"})
		expect(t, scanned(t, layer(t, file("lib/postgresql.jar", driver))), "maven org.postgresql:postgresql 42.5.5 @0 /lib/postgresql.jar")
	})
	t.Run("licenses", func(t *testing.T) {
		maven := "META-INF/maven/"
		jar := zipOf(t, map[string]string{
			maven + "g/a/pom.properties": pomOf("g", "a", "1"), maven + "g/a/pom.xml": "<project><licenses><license><name>Apache-2.0</name></license><license><name>MIT</name></license></licenses></project>",
			maven + "g/b/pom.properties": pomOf("g", "b", "1"), maven + "g/b/pom.xml": "<project>", "META-INF/MANIFEST.MF": "Bundle-License: EPL-2.0\r\n",
		})
		guessed := zipOf(t, map[string]string{"META-INF/MANIFEST.MF": "Bundle-License: EPL-2.0;link=x\r\n"})
		r := scanned(t, layer(t, file("a.jar", jar), file("c-1.0.jar", guessed)))
		for name, want := range map[string]string{"g:a": "Apache-2.0,MIT", "g:b": "", "c:c": "EPL-2.0"} {
			if got := strings.Join(component(t, r, name).Licenses, ","); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
	t.Run("damaged_archive_is_noted", func(t *testing.T) {
		r := scanned(t, layer(t, file("a.jar", "PK no zip")))
		expectPartial(t, r, "/a.jar: Java: zip: not a valid zip file")
	})
	t.Run("too_many_archives_within_each_other", func(t *testing.T) {
		r := scannedWith(t, Options{Limits: Limits{ArchiveDepth: 1}}, layer(t, file("app.jar", fat)))
		expect(t, r, "maven com.x:app 1.0 @0 /app.jar", "maven org.apache.logging.log4j:log4j-core 2.14.1 @0 /app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar")
		expectPartial(t, r, "more than 1 archives within each other")
	})
	t.Run("nested_bytes_are_limited", func(t *testing.T) {
		bomb := zipOf(t, map[string]string{"a.jar": strings.Repeat("\x00", 5<<20), "b-1.0.jar": zipOf(t, nil)})
		r := scannedWith(t, Options{Limits: Limits{ArchiveBytes: 4 << 20}}, layer(t, file("app.jar", bomb)))
		expect(t, r, "maven b:b 1.0 @0 /app.jar!/b-1.0.jar")
		expectPartial(t, r, "what is read inside one file may unpack to 4 MiB")
	})
	t.Run("huge_directory_is_refused", func(t *testing.T) {
		names := map[string]string{}
		long := strings.Repeat("n", 60_000)
		for i := range maxZipDirectory/len(long) + 1 {
			names[fmt.Sprintf("%s%d", long, i)] = ""
		}
		r := scannedWith(t, Options{Limits: Limits{FileInMemory: 64 << 20}}, layerOf(archiveOf(t, file("app.jar", zipOf(t, names)))))
		expectPartial(t, r, errBigDirectory.Error())
	})
}

func TestFileBeyondMemory(t *testing.T) {
	l := layerOf(archiveOf(t,
		file("app.jar", zipOf(t, map[string]string{
			"META-INF/maven/g/a/pom.properties": "groupId=g\nartifactId=a\nversion=1\n", "noise": string(noise(2 << 20)),
		})),
		file("node_modules/a/package.json", packageJSONOf("a", "1")),
	))
	t.Run("waits_in_a_temporary_file_that_is_removed", func(t *testing.T) {
		tmp := t.TempDir()
		r := scannedWith(t, Options{TempDir: tmp, Limits: Limits{FileInMemory: 1 << 20}}, l)
		expectComplete(t, r)
		expect(t, r, "maven g:a 1 @0 /app.jar", "npm a 1 @0 /node_modules/a/package.json")
		if left, _ := os.ReadDir(tmp); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("without_temporary_space_is_noted", func(t *testing.T) {
		cache := &memoryCache{}
		r := scannedWith(t, Options{TempDir: filepath.Join(t.TempDir(), "missing"), Cache: cache, Limits: Limits{FileInMemory: 1 << 20}}, l)
		expect(t, r, "npm a 1 @0 /node_modules/a/package.json")
		expectPartial(t, r, "no temporary space")
		if cache.puts != 0 {
			t.Error("a result that another attempt would better was cached")
		}
	})
	t.Run("larger_than_the_limit_is_noted", func(t *testing.T) {
		r := scannedWith(t, Options{Limits: Limits{FileBytes: 1 << 20}}, l)
		expect(t, r, "npm a 1 @0 /node_modules/a/package.json")
		expectPartial(t, r, "/app.jar: not read")
	})
}

// noise cannot be compressed.
func noise(n int) []byte {
	b, random := make([]byte, n), rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func TestGoProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, r *Report, p string) {
		t.Helper()
		expectComplete(t, r)
		std := component(t, r, "stdlib")
		if std.Ecosystem != "Go" || std.Version == "" || strings.HasPrefix(std.Version, "go") || std.Location != p {
			t.Errorf("%+v", std)
		}
	}
	t.Run("as_it_is", func(t *testing.T) {
		check(t, scanned(t, layerOf(archiveOf(t, program("bin/app", string(b))))), "/bin/app")
	})
	t.Run("neither_executable_nor_a_program", func(t *testing.T) {
		r := scanned(t, layerOf(archiveOf(t, file("data/app", string(b)), program("bin/script", "#!/bin/sh\n"), program("bin/x", "\x7fELF garbage"), program("bin/s", "ab"))))
		expect(t, r)
		expectComplete(t, r)
	})
	t.Run("modules", func(t *testing.T) {
		f := &found{room: 10}
		goModules(&debug.BuildInfo{
			GoVersion: "devel go1.27-abcdef X:nogreenteagc", Main: debug.Module{Path: "example.com/app", Version: "v1.2.3"},
			Deps: []*debug.Module{
				{Path: "golang.org/x/net", Version: "v0.7.0"},
				{Path: "example.com/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.1.0"}},
				{Path: "example.com/here", Version: "v1.0.0", Replace: &debug.Module{Path: "../here"}},
			},
		}, f)
		got := ""
		for _, c := range f.components {
			got += c.Name + " " + c.Version + ", "
		}
		if got != "stdlib 1.27-abcdef, example.com/app 1.2.3, golang.org/x/net 0.7.0, example.com/fork 1.1.0, example.com/here , " {
			t.Error(got)
		}
	})
	t.Run("replaced_by_a_folder_in_a_real_build", func(t *testing.T) {
		if testing.Short() {
			t.Skip("runs the Go compiler")
		}
		d := t.TempDir()
		for name, body := range map[string]string{
			"go.mod":       "module example.com/tiny\n\ngo 1.20\n\nrequire example.com/local v1.2.3\n\nreplace example.com/local => ./local\n",
			"main.go":      "package main\n\nimport \"example.com/local\"\n\nfunc main() { local.F() }\n",
			"local/go.mod": "module example.com/local\n", "local/l.go": "package local\n\nfunc F() {}\n",
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(d, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(d, name), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("go", "build", "-trimpath", "-o", "tiny", ".")
		cmd.Dir = d
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b, err := os.ReadFile(filepath.Join(d, "tiny"))
		if err != nil {
			t.Fatal(err)
		}
		r := scanned(t, layerOf(archiveOf(t, program("tiny", string(b)))))
		if c := component(t, r, "example.com/local"); c.Version != "" {
			t.Errorf("a module from a folder has a version: %+v", c)
		}
		if c := component(t, r, "example.com/tiny"); c.Version != "" {
			t.Errorf("%+v", c)
		}
	})
}

// elfWith makes a minimal ELF file with one named section.
func elfWith(name string, data []byte) []byte {
	names := "\x00" + name + "\x00.shstrtab\x00"
	head := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1}, Type: uint16(elf.ET_EXEC),
		Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Shentsize: 64, Shnum: 3, Shstrndx: 2,
	}
	head.Shoff = uint64(64 + len(data) + len(names))
	sections := []elf.Section64{
		{}, {Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: 64, Size: uint64(len(data))},
		{Name: uint32(2 + len(name)), Type: uint32(elf.SHT_STRTAB), Off: uint64(64 + len(data)), Size: uint64(len(names))},
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, head)
	b.Write(data)
	b.WriteString(names)
	_ = binary.Write(&b, binary.LittleEndian, sections)
	return b.Bytes()
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	w, _ := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func TestRustProgram(t *testing.T) {
	list := `{"packages":[{"name":"serde","version":"1.0.100","source":"crates.io"},{"name":"cc","version":"1.0.0","kind":"build"}]}`
	r := scanned(t, layerOf(archiveOf(t, program("bin/app", string(elfWith(".dep-v0", deflated([]byte(list))))))))
	expect(t, r, "cargo serde 1.0.100 @0 /bin/app")
	if c := component(t, r, "serde"); c.Ecosystem != "crates.io" || c.PURL != "pkg:cargo/serde@1.0.100" {
		t.Errorf("%+v", c)
	}
	t.Run("list_that_unpacks_to_gigabytes_is_cut", func(t *testing.T) {
		bomb := append([]byte(`{"packages":[`), bytes.Repeat([]byte(" "), maxCargoList+1)...)
		r := scanned(t, layerOf(archiveOf(t, program("bin/app", string(elfWith(".dep-v0", deflated(bomb)))))))
		expectPartial(t, r, "Rust dependency list")
	})
	t.Run("section_table_of_impossible_size_is_refused", func(t *testing.T) {
		b := elfWith(".dep-v0", nil)
		binary.LittleEndian.PutUint16(b[0x3c:], 0)
		r := scanned(t, layerOf(archiveOf(t, program("bin/app", string(b)))))
		expectPartial(t, r, "65,279 sections")
	})
}
