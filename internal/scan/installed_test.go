package scan

import (
	"slices"
	"strings"
	"testing"
)

// TestInstalled has, for each ecosystem without a test of its own, the file that proves an installation, the package URL
// and OSV's ecosystem that it must give; and a file that proves none.
func TestInstalled(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		want       string // type name version ecosystem url licenses
		not        entry
	}{
		"conda": {
			"opt/conda/envs/x/conda-meta/numpy-1.26.0-py311h64a7726_0.json",
			`{"build":"py311h64a7726_0","channel":"https://conda.anaconda.org/conda-forge/linux-64","depends":[7],"license":"BSD-3-Clause","name":"numpy","subdir":"linux-64","version":"1.26.0"}`,
			"conda numpy 1.26.0 - pkg:conda/numpy@1.26.0?build=py311h64a7726_0&channel=conda-forge&subdir=linux-64 BSD-3-Clause",
			file("opt/conda/conda-meta/history", "==> 2024 <=="),
		},
		"r": {
			"usr/local/lib/R/site-library/rlang/DESCRIPTION",
			"Package: rlang\nVersion: 1.0.6\nAuthors@R: c(\n    person(\"L\"))\nLicense: MIT + file LICENSE\nRepository: CRAN\nBuilt: R 4.2.1; x86_64; unix\n",
			"cran rlang 1.0.6 CRAN pkg:cran/rlang@1.0.6 MIT + file LICENSE",
			file("src/mine/DESCRIPTION", "Package: mine\nVersion: 0.1\n"),
		},
		"bioconductor": {
			"usr/local/lib/R/site-library/limma/DESCRIPTION", "Package: limma\nVersion: 3.54.0\nbiocViews: ExonArray,\n    GeneExpression\nBuilt: R 4.2.1; ; unix\n",
			"bioconductor limma 3.54.0 Bioconductor pkg:bioconductor/limma@3.54.0 ",
			file("DESCRIPTION", ""),
		},
		"elixir": {
			"app/lib/phoenix-1.7.2/ebin/phoenix.app", "{application,phoenix,\n [{applications,[kernel]},\n  {description,\"{vsn, no}\"},\n  {vsn,\"1.7.2\"}]}.\n",
			"hex phoenix 1.7.2 Hex pkg:hex/phoenix@1.7.2 ",
			file("app/src/phoenix.app", "{application,phoenix,[{vsn,\"1.7.2\"}]}."),
		},
		"erlang_itself": {
			"usr/lib/erlang/lib/ssl-10.8.7/ebin/ssl.app", "{application, ssl,[{description,\"SSL\"},{vsn, \"10.8.7\"}]}.",
			"otp ssl 10.8.7 - pkg:otp/ssl@10.8.7 ",
			file("usr/lib/erlang/lib/x/ebin/x.app", "{application, x, [{vsn, git}]}."),
		},
		"haskell": {
			"var/lib/ghc/package.conf.d/aeson-2.0.3.0.conf", "name:                 aeson\nversion:              2.0.3.0\ncopyright:\n    name: no\n\nlicense:              BSD-3-Clause\n",
			"hackage aeson 2.0.3.0 Hackage pkg:hackage/aeson@2.0.3.0 BSD-3-Clause",
			file("etc/aeson.conf", "name: a\nversion: 1\n"),
		},
		"julia": {
			"root/.julia/packages/AWS/3qYuP/Project.toml", "name = \"AWS\"\nuuid = \"fbe9abb3-538b-5e4e-ba9e-bc94f4f92ebc\"\nversion = \"1.92.0\"\n\n[deps]\nname = \"no\"\n",
			"julia AWS 1.92.0 Julia pkg:julia/AWS@1.92.0?uuid=fbe9abb3-538b-5e4e-ba9e-bc94f4f92ebc ",
			file("app/Project.toml", "name = \"Mine\"\nversion = \"0.1.0\"\n"),
		},
		"opam": {
			"home/opam/.opam/5.1/.opam-switch/switch-state", "opam-version: \"2.0\"\ncompiler: [\"no.1\"]\ninstalled: [\n  \"conf-gmp.4\"\n]\npinned: \"no.2\"\n",
			"opam conf-gmp 4 opam pkg:opam/conf-gmp@4 ",
			file("home/opam/.opam/repo/packages/a.1/opam", "opam-version: \"2.0\"\n"),
		},
		"cpan": {
			"usr/local/lib/perl5/site_perl/5.38.0/x86_64-linux/.meta/Mojolicious-9.34/install.json",
			`{"dist":"Mojolicious-9.34","name":"Mojolicious","pathname":"S/SR/SRI/Mojolicious-9.34.tar.gz","version":"9.34"}`,
			"cpan Mojolicious 9.34 - pkg:cpan/Mojolicious@9.34 ",
			file("root/.cpanm/work/1/Mojolicious-9.34/META.json", `{"name":"Mojolicious","version":"9.34"}`),
		},
		"dart": {
			"root/.pub-cache/hosted/pub.dev/path-1.8.3/pubspec.yaml", "name: path\nversion: 1.8.3\ndescription: >-\n  name: no\n\ndependencies:\n  version: 2\n",
			"pub path 1.8.3 Pub pkg:pub/path@1.8.3 ",
			file("app/pubspec.yaml", "name: app\nversion: 1.0.0\n"),
		},
		"nuget": {
			"root/.nuget/packages/newtonsoft.json/13.0.3/newtonsoft.json.nuspec",
			"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><package xmlns=\"x\"><metadata><id>Newtonsoft.Json</id><version>13.0.3</version><license type=\"expression\">MIT</license></metadata></package>",
			"nuget Newtonsoft.Json 13.0.3 NuGet pkg:nuget/Newtonsoft.Json@13.0.3 MIT",
			file("src/mine.nuspec", "<package/>"),
		},
		"gem": {
			"usr/local/bundle/specifications/nokogiri-1.13.3-x86_64-linux.gemspec",
			"Gem::Specification.new do |s|\n  s.name = \"nokogiri\".freeze\n  s.version = \"1.13.3\"\n  s.licenses = [\"MIT\".freeze, \"Apache-2.0\"]\nend\n",
			"gem nokogiri 1.13.3 RubyGems pkg:gem/nokogiri@1.13.3 MIT,Apache-2.0",
			file("usr/local/bundle/gems/a/a.gemspec", "s.name = \"a\"\ns.version = \"1\"\n"),
		},
		"nimble": {
			"root/.nimble/pkgs2/jester-0.6.0-36b7d9a3f1f1f9a1f1b0d3c4e5f60718293a4b5c/nimblemeta.json", "{}",
			"nim jester 0.6.0 - pkg:nim/jester@0.6.0 ",
			file("app/nimblemeta.json", "{}"),
		},
		"conan": {
			"root/.conan/data/zlib/1.2.11/_/_/package/6af9cc7cb931c5ad942174fd7838eb655717c709/conaninfo.txt", "[settings]\n",
			"conan zlib 1.2.11 ConanCenter pkg:conan/zlib@1.2.11 ",
			file("app/build/conaninfo.txt", "[settings]\n"),
		},
		"vcpkg": {
			"opt/vcpkg/installed/vcpkg/status",
			"Package: zlib\nVersion: 1.3.1\nPort-Version: 1\nArchitecture: x64-linux\nMulti-Arch: same\nType: Port\nStatus: install ok installed\n\nPackage: curl\nFeature: ssl\nVersion: 8\nStatus: install ok installed\n\n" +
				"Package: gone\nVersion: 1\nStatus: purge ok not-installed\n",
			"vcpkg zlib 1.3.1 - pkg:vcpkg/zlib@1.3.1 ",
			file("opt/vcpkg/status", "nonsense"),
		},
		"spack": {
			"opt/spack/linux/gcc/zlib-1.3-abc/.spack/spec.json", `{"spec":{"_meta":{"version":4},"nodes":[{"name":"zlib","version":"1.3"},{"name":"gcc","version":"12.2"}]}}`,
			"spack zlib 1.3 - pkg:spack/zlib@1.3 ",
			file("x/spec.json", `{"spec":{"nodes":[{"name":"a","version":"1"}]}}`),
		},
		"homebrew": {
			"home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.2.0_1/INSTALL_RECEIPT.json", "{}",
			"brew openssl@3 3.2.0_1 - pkg:brew/openssl%403@3.2.0_1 ",
			file("x/INSTALL_RECEIPT.json", "{}"),
		},
		"snap": {
			"snap/core22/864/meta/snap.yaml", "name: core22\nversion: '20230801'\nsummary: x\n",
			"snap core22 20230801 - pkg:snap/core22@20230801 ",
			file("src/snap.yaml", "name: a\nversion: 1\n"),
		},
		"flatpak": {
			"var/lib/flatpak/app/org.gimp.GIMP/current/active/export/share/metainfo/org.gimp.GIMP.metainfo.xml",
			`<component><id>org.gimp.GIMP</id><name>GIMP</name><releases><release version="2.10.36" date="2023-11-07"/><release version="2.10.34"/></releases></component>`,
			"flatpak org.gimp.GIMP 2.10.36 - pkg:flatpak/org.gimp.GIMP@2.10.36 ",
			file("usr/share/metainfo/x.metainfo.xml", "<component/>"),
		},
		"bitnami": {
			"opt/bitnami/redis/.spdx-redis.spdx",
			`{"spdxVersion":"SPDX-2.3","packages":[{"name":"redis","versionInfo":"7.0.5","licenseDeclared":"BSD-3-Clause","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:*"},` +
				`{"referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.0.5-3?arch=amd64&distro=debian-11"}]},{"name":"go","externalRefs":7}]}`,
			"bitnami redis 7.0.5 Bitnami pkg:bitnami/redis@7.0.5-3?arch=amd64&distro=debian-11 BSD-3-Clause",
			file("opt/bitnami/other.spdx", `{"packages":[{"externalRefs":[{"referenceLocator":"pkg:bitnami/a@1"}]}]}`),
		},
		"wordpress": {
			"var/www/html/wp-includes/version.php", "<?php\n/**\n * $wp_version = '1';\n */\n$wp_version = '6.4.2';\n",
			"generic wordpress 6.4.2 Bitnami pkg:generic/wordpress@6.4.2 ",
			file("var/www/html/version.php", "<?php $wp_version = '6.4.2';"),
		},
		"wordpress_plugin": {
			"var/www/html/wp-content/plugins/akismet/akismet.php", "<?php\n/*\nPlugin Name: Akismet Anti-spam\nVersion: 5.3 */\n",
			"wordpress-plugin akismet 5.3 - pkg:wordpress-plugin/akismet@5.3 ",
			file("var/www/html/wp-content/plugins/akismet/class.php", "<?php\n// Version: 5\n"),
		},
		"wordpress_theme": {
			"wp-content/themes/twentytwentyfour/style.css", "@charset \"UTF-8\";\n/*\nTheme Name: Twenty Twenty-Four\nVersion: 1.0\n*/\n",
			"wordpress-theme twentytwentyfour 1.0 - pkg:wordpress-theme/twentytwentyfour@1.0 ",
			file("wp-content/themes/a/css/style.css", "Theme Name: a\nVersion: 1\n"),
		},
		"vscode_extension": {
			"root/.vscode-server/extensions/redhat.java-1.7.0/package.json", `{"name":"java","publisher":"redhat","version":"1.7.0","engines":{"vscode":"^1.65.0"}}`,
			"vscode-extension redhat.java 1.7.0 VSCode pkg:vscode-extension/redhat/java@1.7.0 ",
			file("x/package.json", `{"name":"java","version":"1.7.0","engines":{"vscode":"^1.65.0"}}`),
		},
		"chrome_extension": {
			"root/.config/chromium/Default/Extensions/aapbdbdomjkkjkaonfhkkikfgjllcleb/2.0.13_0/manifest.json", "{}",
			"chrome-extension aapbdbdomjkkjkaonfhkkikfgjllcleb 2.0.13 - pkg:chrome-extension/aapbdbdomjkkjkaonfhkkikfgjllcleb@2.0.13 ",
			file("srv/manifest.json", "{}"),
		},
		"java_runtime": {
			"opt/java/openjdk/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"1.8.0_392\"\n",
			"generic java 8.0.392 Bitnami pkg:generic/java@8.0.392 ",
			file("etc/release", "VERSION=\"1\"\n"),
		},
		"erlang_runtime": {
			"usr/local/lib/erlang/releases/26/OTP_VERSION", "26.2.1\n",
			"generic erlang 26.2.1 - pkg:generic/erlang@26.2.1 ",
			file("x/OTP_VERSION", ""),
		},
		"nix": {
			"nix/store/1ddf3x30m0z6kknmrmapsc7liz8npi1w-perl-5.38.2/", "",
			"nix perl 5.38.2 - pkg:nix/perl@5.38.2 ",
			dir("nix/store/1ddf3x30m0z6kknmrmapsc7liz8npi1w-source/"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := file(c.path, c.body)
			if strings.HasSuffix(c.path, "/") {
				e = dir(c.path)
			}
			r := scanned(t, layer(t, e, c.not))
			expectComplete(t, r)
			if len(r.Components) != 1 {
				t.Fatalf("%d components:\n%s", len(r.Components), brief(r))
			}
			p := r.Components[0]
			ecosystem := p.Ecosystem
			if ecosystem == "" {
				ecosystem = "-"
			}
			if got := strings.Join([]string{p.Type, p.Name, p.Version, ecosystem, p.PURL, strings.Join(p.Licenses, ",")}, " "); got != c.want {
				t.Errorf("%s\nwanted\n%s", got, c.want)
			}
			if again, err := OfPURL(p.PURL, nil); err != nil || again.Name != p.Name || again.Version != p.Version || again.Ecosystem != p.Ecosystem {
				t.Errorf("its package URL is read as %+v (%v)", again, err)
			}
		})
	}
}

func TestNix(t *testing.T) {
	const hash = "nix/store/1ddf3x30m0z6kknmrmapsc7liz8npi1w-"
	for folder, want := range map[string]string{
		"openssl-3.0.12-bin": "openssl 3.0.12", "python3.11-requests-2.31.0": "python3.11-requests 2.31.0", "glibc-2.38-27": "glibc 2.38-27",
		"gcc-12.3.0-lib": "gcc 12.3.0", "nss-cacert-3.92": "nss-cacert 3.92", "foo-unstable-2023-01-02": "foo-unstable 2023-01-02",
		"hook": "", "closure-info": "", "x.drv": "",
	} {
		c, ok := nixPackage(hash + folder)
		if got := strings.TrimSpace(c.Name + " " + c.Version); got != want || ok != (want != "") {
			t.Errorf("%s: %q", folder, got)
		}
	}
	if _, ok := nixPackage(hash + "perl-5.38.2/bin"); ok {
		t.Error("what is inside a package is no package")
	}
	t.Run("is_gone_with_its_folder", func(t *testing.T) {
		r := scanned(t, layer(t, dir(hash+"perl-5.38.2/"), dir(hash+"bash-5.2/")), layer(t, dir("nix/store/"), dir(hash+"bash-5.2/"), file("nix/store/.wh.1ddf3x30m0z6kknmrmapsc7liz8npi1w-perl-5.38.2", "")))
		expect(t, r, "nix bash 5.2 @0 /"+hash+"bash-5.2")
		expectRemoved(t, r, "nix perl 5.38.2 @0-1 /"+hash+"perl-5.38.2")
	})
}

func TestSoftware(t *testing.T) {
	padding := strings.Repeat("nothing to see here, ", 50_000) + "Apache/ OpenSSL nginx "
	for base, c := range map[string]struct{ text, want string }{
		"node":                 {"\x00node.js/v18.17.1\x00", "node 18.17.1 Bitnami"},
		"python3.11":           {"\x003.1\x00\x003.11.4\x00", "python 3.11.4 Bitnami"},
		"libpython3.11.so.1.0": {"\x003.11.4+\x00", "python 3.11.4 Bitnami"},
		"php8.2":               {"X-Powered-By: PHP/8.2.7\x00", "php 8.2.7 Bitnami"},
		"nginx":                {"nginx version: nginx/1.25.1\n", "nginx 1.25.1 Bitnami"},
		"httpd":                {"Apache/2.4.57 (Unix)", "apache 2.4.57 Bitnami"},
		"postgres":             {"postgres (PostgreSQL) 15.3\n", "postgresql 15.3 Bitnami"},
		"mariadbd":             {"x10.1.1-MariaDB \x0010.11.4-MariaDB\x00", "mariadb 10.11.4 Bitnami"},
		"redis-server":         {"\x007.2.3buildkitsandbox-1700000000000000000\x00", "redis 7.2.3 Bitnami"},
		"valkey-server":        {"\x007.2.5a1b2c3d4e5f6-1700000000000000000\x00", "valkey 7.2.5 Bitnami"},
		"memcached":            {"memcached 1.6.21\n", "memcached 1.6.21 Bitnami"},
		"ruby":                 {"ruby 3.2.2 (2023-03-30 revision e51014f9c0) [x86_64-linux]", "ruby 3.2.2 Bitnami"},
		"perl":                 {"\x00v5.38.0\x00", "perl 5.38.0 "},
		"busybox":              {"BusyBox v1.36.1 (2023-05-19)", "busybox 1.36.1 "},
		"libcrypto.so.3":       {"OpenSSL 3.0.9 30 May 2023\x00", "openssl 3.0.9 "},
		"notnode":              {"\x00node.js/v18.17.1\x00", ""},
	} {
		t.Run(base, func(t *testing.T) {
			for _, body := range []string{c.text, padding[:1<<20-200-len(c.text)/2] + c.text, padding + c.text} {
				r := scanned(t, layerOf(archiveOf(t, program("usr/local/bin/"+base, string(elfWith(".rodata", []byte(body+"\x00padding")))))))
				var got string
				for _, p := range r.Components {
					got += p.Name + " " + p.Version + " " + p.Ecosystem
				}
				if got != c.want {
					t.Errorf("at %d: %q, wanted %q", strings.Index(body, c.text), got, c.want)
				}
			}
		})
	}
	body := string(elfWith(".rodata", []byte("nginx version: nginx/1.25.1\n")))
	t.Run("of_a_distributions_package_is_not_reported_twice", func(t *testing.T) {
		r := scanned(t, layer(t, file("var/lib/dpkg/status", stanzaOf("nginx", "1.22.1-9")), file("var/lib/dpkg/info/nginx.list", "/usr\n/usr/sbin/nginx\n"), program("usr/sbin/nginx", body)))
		expect(t, r, "deb nginx 1.22.1-9 @0 /var/lib/dpkg/status")
	})
	t.Run("of_bitnami_is_not_reported_twice", func(t *testing.T) {
		expect(t, scanned(t, layer(t, program("opt/bitnami/nginx/sbin/nginx", body))))
	})
}

func TestSystemsWithoutTheUsualDatabase(t *testing.T) {
	t.Run("chisel", func(t *testing.T) {
		manifest := zstded(t, []byte(`{"jsonwall":"1.0","schema":"1.0","count":4}
{"kind":"package","name":"libc6","version":"2.39-0ubuntu8.3","sha256":"x","arch":"amd64"}
{"kind":"path","path":"/usr/lib/jvm/a.jar","mode":"0644","slices":["a_b"]}
{"kind":"slice","name":"libc6_libs"}
broken
`))
		r := scanned(t, layer(t, file("etc/os-release", "ID=ubuntu\nVERSION_ID=24.04\nVERSION_CODENAME=noble\n"), file("var/lib/chisel/manifest.wall", string(manifest)),
			file("usr/lib/jvm/a.jar", zipOf(t, map[string]string{"pom.properties": pomOf("g", "a", "1")}))))
		expect(t, r, "deb libc6 2.39-0ubuntu8.3 @0 /var/lib/chisel/manifest.wall")
		expectPartial(t, r, "1 entries were left out")
		if c := r.Components[0]; c.Ecosystem != "Ubuntu:24.04:LTS" || c.PURL != "pkg:deb/ubuntu/libc6@2.39-0ubuntu8.3?arch=amd64&distro=noble" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("opkg", func(t *testing.T) {
		r := scanned(t, layer(t, file("etc/os-release", "ID=\"openwrt\"\nVERSION_ID=\"23.05.2\"\n"),
			file("usr/lib/opkg/status", "Package: busybox\nVersion: 1.36.1-1\nStatus: install user installed\nArchitecture: x86_64\n\n")))
		expect(t, r, "opkg busybox 1.36.1-1 @0 /usr/lib/opkg/status")
		if c := r.Components[0]; c.PURL != "pkg:opkg/openwrt/busybox@1.36.1-1?arch=x86_64&distro=23.05.2" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("container_optimized_os", func(t *testing.T) {
		r := scanned(t, layer(t, file("etc/cos-package-info.json", `{"buildTimePackages":[{"name":"gcc"}],"installedPackages":[{"category":"app-shells","name":"bash","version":"5.1"},7]}`)))
		expect(t, r, "cos bash 5.1 @0 /etc/cos-package-info.json")
		expectPartial(t, r, "1 entries were left out")
	})
	t.Run("bottlerocket", func(t *testing.T) {
		r := scanned(t, layer(t, file("etc/os-release", "ID=bottlerocket\nVERSION_ID=1.19.0\n"),
			file("usr/share/bottlerocket/application-inventory.json", `{"Content":[{"Name":"kernel-6.1","Version":"6.1.72","Release":"1.br1","Epoch":"1","Architecture":"x86_64"}]}`)))
		expect(t, r, "rpm kernel-6.1 1:6.1.72-1.br1 @0 /usr/share/bottlerocket/application-inventory.json")
	})
	t.Run("distroless_says_what_its_packages_installed", func(t *testing.T) {
		const info = "usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO"
		r := scanned(t, layer(t, file("var/lib/dpkg/status.d/python3-requests", "Package: python3-requests\nVersion: 2.28.1\nMaintainer: D <d@lists.debian.org>\n"),
			file("var/lib/dpkg/status.d/python3-requests.md5sums", "d41d8cd98f00b204e9800998ecf8427e  "+info+"\n"), file(info, "Name: requests\nVersion: 2.28.1\n")))
		expect(t, r, "deb python3-requests 2.28.1 @0 /var/lib/dpkg/status.d/python3-requests")
	})
}

func TestDebianLicenses(t *testing.T) {
	const format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n\n"
	r := scanned(t, layer(t, file("var/lib/dpkg/status", stanzaOf("a", "1")+stanzaOf("b", "1")+stanzaOf("c", "1")),
		file("usr/share/doc/a/copyright", format+"Files: *\nLicense: GPL-2+ or Artistic\n\nFiles: x\nLicense: Expat\n Permission is hereby granted\n License: no\n\nLicense: GPL-2+\n On Debian\n"),
		symlink("usr/share/doc/b", "a"),
		file("usr/share/doc/c/copyright", "This is prose.\n\nLicense: BSD\n"), file("usr/share/doc/a/examples/copyright", format+"License: no\n")))
	for name, want := range map[string][]string{"a": {"GPL-2.0-or-later", "Artistic-1.0-Perl", "MIT"}, "b": {"GPL-2.0-or-later", "Artistic-1.0-Perl", "MIT"}, "c": nil} {
		if got := component(t, r, name).Licenses; !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for short, want := range map[string]string{
		"GPL-2": "GPL-2.0-only", "LGPL-2.1+": "LGPL-2.1-or-later", "GPL-3.0+": "GPL-3.0-or-later", "AGPL-3": "AGPL-3.0-only", "BSD-3-clause": "BSD-3-Clause", "public-domain": "public-domain",
	} {
		if got := spdxLicense(short); got != want {
			t.Errorf("%s: %s", short, got)
		}
	}
}

func TestPythonLicenses(t *testing.T) {
	for metadata, want := range map[string][]string{
		"License-Expression: MIT OR Apache-2.0\nLicense: x\nClassifier: License :: OSI Approved :: BSD License\n": {"MIT OR Apache-2.0"},
		"License: see file\nClassifier: Topic :: Text\nClassifier: License :: OSI Approved :: BSD License\n":      {"BSD License"},
		"License: ZPL 2.1\n       more text\n": {"ZPL 2.1"},
		"License: UNKNOWN\n":                   nil,
	} {
		r := scanned(t, layer(t, file("x.dist-info/METADATA", "Name: x\nVersion: 1\n"+metadata)))
		if got := component(t, r, "x").Licenses; !slices.Equal(got, want) {
			t.Errorf("%q: %q", metadata, got)
		}
	}
}
