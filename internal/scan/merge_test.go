package scan

import (
	"context"
	"io"
	"testing"
)

func TestOverlay(t *testing.T) {
	const moment = "app/node_modules/moment/package.json"
	base := func(t *testing.T) Layer {
		return layer(t, dir("app/"), file(moment, packageJSONOf("moment", "2.29.1")))
	}
	kept := "npm moment 2.29.1 @0 /" + moment

	for name, c := range map[string]struct {
		upper []entry
		want  []string
	}{
		"unrelated_layer_keeps_it":           {[]entry{file("etc/motd", "hi")}, []string{kept}},
		"whiteout_of_the_file":               {[]entry{file("app/node_modules/moment/.wh.package.json", "")}, nil},
		"whiteout_of_a_parent":               {[]entry{file("app/.wh.node_modules", "")}, nil},
		"whiteout_of_a_name_prefix_keeps_it": {[]entry{file("app/.wh.node", ""), file("app/node_modules/.wh.mom", "")}, []string{kept}},
		"opaque_directory":                   {[]entry{file("app/node_modules/.wh..wh..opq", "")}, nil},
		"opaque_root":                        {[]entry{file(".wh..wh..opq", "")}, nil},
		"opaque_sibling_keeps_it":            {[]entry{file("app/src/.wh..wh..opq", "")}, []string{kept}},
		"aufs_bookkeeping_keeps_it":          {[]entry{file("app/node_modules/.wh..wh.plnk", ""), file(".wh..wh.orph", "")}, []string{kept}},
		"empty_and_dotted_whiteouts_keep_it": {[]entry{file("app/node_modules/.wh.", ""), file("app/node_modules/.wh..", ""), file("app/node_modules/.wh...", "")}, []string{kept}},
		"overwritten_by_another_version": {
			[]entry{file(moment, packageJSONOf("moment", "2.30.0"))}, []string{"npm moment 2.30.0 @1 /" + moment},
		},
		"overwritten_by_the_same_version_stays_with_its_layer": {[]entry{file(moment, packageJSONOf("moment", "2.29.1")+" ")}, []string{kept}},
		"overwritten_by_something_else":                        {[]entry{file(moment, "no json")}, nil},
		"overwritten_by_a_symbolic_link":                       {[]entry{symlink(moment, "elsewhere")}, nil},
		"file_replaced_by_a_directory":                         {[]entry{dir(moment + "/")}, nil},
		"directory_replaced_by_a_file":                         {[]entry{file("app/node_modules", "")}, nil},
		"directory_replaced_by_a_symbolic_link":                {[]entry{symlink("app", "srv")}, nil},
		"directory_entry_keeps_it":                             {[]entry{dir("app/"), dir("app/node_modules/")}, []string{kept}},
		"whiteout_does_not_touch_its_own_layer": {
			[]entry{file(moment, packageJSONOf("moment", "3.0.0")), file("app/node_modules/.wh.moment", "")},
			[]string{"npm moment 3.0.0 @1 /" + moment},
		},
		"opaque_mark_after_new_content": {
			[]entry{file(moment, packageJSONOf("moment", "3.0.0")), file("app/.wh..wh..opq", "")},
			[]string{"npm moment 3.0.0 @1 /" + moment},
		},
		"absolute_and_dotted_names_are_the_same_path": {[]entry{file("/app/./x/../node_modules/moment/.wh.package.json", "")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := scanned(t, base(t), layer(t, c.upper...))
			expect(t, r, c.want...)
			expectComplete(t, r)
		})
	}

	t.Run("comes_back_with_the_layer_that_brings_it_back", func(t *testing.T) {
		r := scanned(t, base(t), layer(t, file("app/.wh.node_modules", "")), layer(t, file(moment, packageJSONOf("moment", "2.29.1"))))
		expect(t, r, "npm moment 2.29.1 @2 /"+moment)
	})
	t.Run("duplicate_entries", func(t *testing.T) {
		one := file(moment, packageJSONOf("moment", "1.0.0"))
		for name, c := range map[string]struct {
			last entry
			want []string
		}{
			"directory":                   {dir(moment + "/"), nil},
			"symbolic_link":               {symlink(moment, "x"), nil},
			"link_to_nothing":             {hardlink(moment, "x"), nil},
			"same_content":                {one, []string{"npm moment 1.0.0 @0 /" + moment}},
			"under_another_spelling":      {file("./app//node_modules/./moment/package.json", packageJSONOf("moment", "1.0.1")), []string{"npm moment 1.0.1 @0 /" + moment}},
			"whiteout_of_the_own_content": {file("app/node_modules/moment/.wh.package.json", ""), []string{"npm moment 1.0.0 @0 /" + moment}},
		} {
			t.Run(name, func(t *testing.T) { expect(t, scanned(t, layer(t, one, c.last)), c.want...) })
		}
	})
	t.Run("opaque_mark_before_new_content", func(t *testing.T) {
		r := scanned(t, base(t), layer(t, file("app/node_modules/.wh..wh..opq", ""), file("app/node_modules/b/package.json", packageJSONOf("b", "1.0.0"))))
		expect(t, r, "npm b 1.0.0 @1 /app/node_modules/b/package.json")
	})
	t.Run("whiteout_and_opaque_mark_of_a_directory_that_comes_anew", func(t *testing.T) {
		r := scanned(t, base(t), layer(t, file(moment, packageJSONOf("moment", "3.0.0")), file("app/.wh.node_modules", ""), file("app/node_modules/.wh..wh..opq", "")))
		expect(t, r, "npm moment 3.0.0 @1 /"+moment)
	})
	t.Run("last_of_duplicate_entries_counts", func(t *testing.T) {
		r := scanned(t, layer(t, file(moment, packageJSONOf("moment", "1.0.0")), file(moment, packageJSONOf("moment", "1.0.1"))))
		expect(t, r, "npm moment 1.0.1 @0 /"+moment)
	})
	t.Run("same_layer_twice_is_read_once", func(t *testing.T) {
		opened := 0
		l := base(t)
		open := l.Open
		l.Open = func(ctx context.Context) (io.ReadCloser, error) { opened++; return open(ctx) }
		r := scanned(t, l, layer(t, file("app/.wh.node_modules", "")), l)
		expect(t, r, "npm moment 2.29.1 @2 /"+moment)
		if opened != 1 {
			t.Errorf("opened %d times", opened)
		}
	})
	t.Run("no_layers", func(t *testing.T) {
		r := scanned(t)
		expect(t, r)
		expectComplete(t, r)
	})
}

func TestPackageDatabase(t *testing.T) {
	const status = "var/lib/dpkg/status"
	db := func(packages ...string) entry {
		body := ""
		for i := 0; i < len(packages); i += 2 {
			body += stanzaOf(packages[i], packages[i+1])
		}
		return file(status, body)
	}
	at := " /" + status
	base := layer(t, file("etc/os-release", bookworm), db("libc6", "2.36-9", "bash", "5.2-1", "curl", "7.88.1-10"))

	t.Run("package_belongs_to_the_layer_that_brought_it", func(t *testing.T) {
		r := scanned(t, base, layer(t, db("libc6", "2.36-9", "bash", "5.2-1", "curl", "7.88.1-10", "nginx", "1.22.1-9")))
		expect(t, r, "deb bash 5.2-1 @0"+at, "deb curl 7.88.1-10 @0"+at, "deb libc6 2.36-9 @0"+at, "deb nginx 1.22.1-9 @1"+at)
	})
	t.Run("upgrade_belongs_to_its_layer", func(t *testing.T) {
		r := scanned(t, base, layer(t, db("libc6", "2.36-9+deb12u4", "bash", "5.2-1", "curl", "7.88.1-10")), layer(t, file("x", "")))
		expect(t, r, "deb bash 5.2-1 @0"+at, "deb curl 7.88.1-10 @0"+at, "deb libc6 2.36-9+deb12u4 @1"+at)
	})
	t.Run("removed_package_is_gone", func(t *testing.T) {
		r := scanned(t, base, layer(t, db("libc6", "2.36-9", "bash", "5.2-1")))
		expect(t, r, "deb bash 5.2-1 @0"+at, "deb libc6 2.36-9 @0"+at)
	})
	t.Run("package_that_was_away_belongs_to_the_layer_of_its_return", func(t *testing.T) {
		r := scanned(t, base, layer(t, db("libc6", "2.36-9")), layer(t, db("libc6", "2.36-9", "curl", "7.88.1-10")))
		expect(t, r, "deb curl 7.88.1-10 @2"+at, "deb libc6 2.36-9 @0"+at)
	})
	t.Run("deleted_database_leaves_packages_unknown", func(t *testing.T) {
		r := scanned(t, base, layer(t, file("var/lib/dpkg/.wh.status", "")))
		expect(t, r)
		expectPartial(t, r, "has no package database")
		if r.OS == nil || r.OS.ID != "debian" {
			t.Errorf("OS %v", r.OS)
		}
	})
	t.Run("os_release_of_another_layer_names_the_ecosystem", func(t *testing.T) {
		r := scanned(t, layer(t, db("bash", "5.2-1")), layer(t, file("usr/lib/os-release", bookworm)), layer(t, symlink("etc/os-release", "../usr/lib/os-release")))
		c := component(t, r, "bash")
		if c.Ecosystem != "Debian:12" || c.PURL != "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=bookworm" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("without_os_release_the_ecosystem_is_unknown", func(t *testing.T) {
		r := scanned(t, layer(t, db("bash", "5.2-1")))
		if c := component(t, r, "bash"); c.Ecosystem != "" || r.OS != nil {
			t.Errorf("%+v %v", c, r.OS)
		}
	})
	t.Run("database_of_a_chroot_is_not_the_images", func(t *testing.T) {
		r := scanned(t, base, layer(t, file("srv/chroot/"+status, stanzaOf("evil", "1"))))
		expect(t, r, "deb bash 5.2-1 @0"+at, "deb curl 7.88.1-10 @0"+at, "deb libc6 2.36-9 @0"+at)
	})
	t.Run("database_behind_a_symbolic_link_of_another_layer", func(t *testing.T) {
		r := scanned(t, layer(t, file("usr/lib/sysimage/dpkg/status", stanzaOf("bash", "5.2-1"))),
			layer(t, symlink("var/lib/dpkg", "../../usr/lib/sysimage/dpkg")))
		expect(t, r, "deb bash 5.2-1 @0 /usr/lib/sysimage/dpkg/status")
	})
	t.Run("rpm_database_that_moved_and_left_a_link", func(t *testing.T) {
		rpmdb := func(headers ...[]byte) string { return string(sqliteOf(t, headers...)) }
		bash, curl := rpmHeaderOf("bash", "5.1", "1", 0), rpmHeaderOf("curl", "8.0", "1", 0)
		r := scanned(t, layer(t, file("etc/os-release", alma), dir("var/lib/rpm/"), file("var/lib/rpm/rpmdb.sqlite", rpmdb(bash))),
			layer(t, symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm"), file("usr/lib/sysimage/rpm/rpmdb.sqlite", rpmdb(bash, curl))),
			layer(t, file("usr/lib/sysimage/rpm/rpmdb.sqlite", rpmdb(bash))))
		expect(t, r, "rpm bash 5.1-1 @1 /usr/lib/sysimage/rpm/rpmdb.sqlite")
		expectRemoved(t, r, "rpm curl 8.0-1 @1-2 /usr/lib/sysimage/rpm/rpmdb.sqlite")
	})
	t.Run("written_through_a_symbolic_link_of_a_lower_layer", func(t *testing.T) {
		apk := func(packages ...string) string {
			body := ""
			for _, p := range packages {
				body += "P:" + p + "\nV:1-r0\n\n"
			}
			return body
		}
		r := scanned(t, layer(t, symlink("lib", "usr/lib"), file("usr/lib/apk/db/installed", apk("musl", "zlib"))), layer(t, file("lib/apk/db/installed", apk("musl", "curl"))))
		expect(t, r, "apk curl 1-r0 @1 /usr/lib/apk/db/installed", "apk musl 1-r0 @0 /usr/lib/apk/db/installed")
		expectRemoved(t, r, "apk zlib 1-r0 @0-1 /usr/lib/apk/db/installed")
	})
	t.Run("symbolic_link_on_the_way_replaced_by_a_directory", func(t *testing.T) {
		r := scanned(t, layer(t, symlink("var/lib", "../data"), file("data/dpkg/status", stanzaOf("old", "1"))),
			layer(t, dir("var/lib/"), file(status, stanzaOf("new", "1"))))
		expect(t, r, "deb new 1 @1 /"+status)
	})
	t.Run("directory_on_the_way_replaced_by_a_symbolic_link", func(t *testing.T) {
		r := scanned(t, layer(t, dir("var/lib/"), file(status, stanzaOf("old", "1"))),
			layer(t, symlink("var/lib", "/data"), file("data/dpkg/status", stanzaOf("new", "1"))))
		expect(t, r, "deb new 1 @1 /data/dpkg/status")
		expectRemoved(t, r, "deb old 1 @0-1 /"+status)
	})
	t.Run("circular_symbolic_links_end", func(t *testing.T) {
		r := scanned(t, base, layer(t, symlink("etc/os-release", "../usr/lib/os-release"), symlink("usr/lib/os-release", "/etc/os-release"),
			symlink("lib", "lib"), symlink("var/lib/rpm", "../lib/rpm")))
		if r.OS != nil || len(r.Components) != 3 {
			t.Errorf("%v %v", r.OS, r.Components)
		}
	})
	t.Run("system_nobody_knows_needs_no_database", func(t *testing.T) {
		r := scanned(t, layer(t, file("etc/os-release", "ID=talos\nVERSION_ID=1.9\n")))
		expect(t, r)
		expectComplete(t, r)
	})
	t.Run("azure_linux_without_rpm", func(t *testing.T) {
		const p = "var/lib/rpmmanifest/container-manifest-2"
		r := scanned(t, layer(t, file("etc/os-release", "ID=azurelinux\nVERSION_ID=\"3.0\"\n"), file(p,
			"openssl-libs\t3.3.2-1.azl3\t1729000000\t1728000000\tMicrosoft Corporation\t(none)\t5120\tx86_64\t0\topenssl-3.3.2-1.azl3.src.rpm\n"+
				"shadow-utils\t4.14.3-1.azl3\t1729000000\t1728000000\tMicrosoft Corporation\t2\t5120\tx86_64\t2\tshadow-utils-4.14.3-1.azl3.src.rpm\nodd\n")))
		expect(t, r, "rpm openssl-libs 3.3.2-1.azl3 @0 /"+p, "rpm shadow-utils 2:4.14.3-1.azl3 @0 /"+p)
		expectPartial(t, r, "1 entries were left out")
		if c := component(t, r, "openssl-libs"); c.SourceName != "openssl" || c.SourceVersion != "" || c.Ecosystem != "Azure Linux:3.0" || c.Architecture != "x86_64" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("distroless_status_d", func(t *testing.T) {
		const d = "var/lib/dpkg/status.d/"
		tzdata := "Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n"
		r := scanned(t, layer(t, file(d+"tzdata", tzdata), file(d+"tzdata.md5sums", "abc  usr/x"), file(d+"netbase", "Package: netbase\nVersion: 6.4\n")),
			layer(t, file(d+"tzdata", tzdata+"Priority: required\n"), file(d+".wh.netbase", "")))
		expect(t, r, "deb tzdata 2024a-0 @0 /"+d+"tzdata")
	})
	t.Run("same_package_of_two_architectures", func(t *testing.T) {
		r := scanned(t, layer(t, file(status, stanzaOf("libc6", "2.36-9")+"Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.36-9\n\n")))
		if len(r.Components) != 2 {
			t.Errorf("%v", r.Components)
		}
	})
}

func TestHardLinks(t *testing.T) {
	jar := zipOf(t, map[string]string{"META-INF/maven/g/a/pom.properties": pomOf("org.g", "a", "1.2")})
	t.Run("content_is_reported_once", func(t *testing.T) {
		r := scanned(t, layer(t, file("opt/a.jar", jar), hardlink("srv/b.jar", "opt/a.jar")))
		expect(t, r, "maven org.g:a 1.2 @0 /opt/a.jar")
	})
	t.Run("content_survives_its_first_name", func(t *testing.T) {
		r := scanned(t, layer(t, file("opt/a.jar", jar), hardlink("srv/b.jar", "/opt/a.jar")), layer(t, file("opt/.wh.a.jar", "")))
		expect(t, r, "maven org.g:a 1.2 @0 /srv/b.jar")
	})
	t.Run("content_survives_a_later_entry_of_its_first_name", func(t *testing.T) {
		r := scanned(t, layer(t, file("opt/a.jar", jar), hardlink("srv/b.jar", "opt/a.jar"), file("opt/a.jar", "")))
		expect(t, r, "maven org.g:a 1.2 @0 /srv/b.jar")
		expectPartial(t, r, "/opt/a.jar")
	})
	t.Run("target_with_an_uninteresting_name", func(t *testing.T) {
		objects := []entry{file("repo/objects/ab.file", stanzaOf("bash", "5.2-1")), file("repo/objects/cd.file", "other"),
			hardlink("var/lib/dpkg/status", "repo/objects/ab.file"), hardlink("etc/motd", "repo/objects/cd.file")}
		r := scanned(t, layer(t, objects...))
		expect(t, r, "deb bash 5.2-1 @0 /var/lib/dpkg/status")
		expectComplete(t, r)
		if r.Files != 4 {
			t.Errorf("%d entries counted", r.Files)
		}
	})
	t.Run("to_a_file_of_a_lower_layer", func(t *testing.T) {
		opened := 0
		upper := layer(t, file("opt/.wh.a.jar", ""), hardlink("srv/b.jar", "opt/a.jar"), hardlink("srv/none.jar", "opt/none.jar"))
		open := upper.Open
		upper.Open = func(ctx context.Context) (io.ReadCloser, error) { opened++; return open(ctx) }
		r := scanned(t, layer(t, file("opt/a.jar", jar)), upper)
		expect(t, r, "maven org.g:a 1.2 @0 /srv/b.jar")
		expectRemoved(t, r)
		if opened != 1 {
			t.Errorf("the layer was read %d times", opened)
		}
		r = scanned(t, layer(t, file("opt/a.jar", jar)), upper, layer(t, file("srv/.wh.b.jar", "")))
		expect(t, r)
		expectRemoved(t, r, "maven org.g:a 1.2 @0-2 /srv/b.jar")
	})
	t.Run("of_a_program_to_a_lower_layer", func(t *testing.T) {
		list := string(elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"serde","version":"1.0.0"}]}`))))
		r := scanned(t, layer(t, program("bin/app", list)), layer(t, entry{name: "usr/bin/app", link: "bin/app", hard: true, mode: 0o755}, file("bin/.wh.app", "")))
		expect(t, r, "cargo serde 1.0.0 @0 /usr/bin/app")
	})
	t.Run("target_that_is_removed_in_the_link's_layer_before_and_after", func(t *testing.T) {
		for _, entries := range [][]entry{
			{file("opt/a.jar", jar), hardlink("srv/b.jar", "opt/a.jar"), file("opt/.wh.a.jar", "")},
			{file("opt/.wh.a.jar", ""), file("opt/a.jar", jar), hardlink("srv/b.jar", "opt/a.jar")},
		} {
			expect(t, scanned(t, layer(t, file("opt/a.jar", "x")), layer(t, entries...)), "maven org.g:a 1.2 @1 /opt/a.jar")
		}
	})
	t.Run("links_in_a_circle_and_to_nowhere", func(t *testing.T) {
		r := scanned(t, layer(t, hardlink("a.jar", "b.jar"), hardlink("b.jar", "a.jar"), hardlink("c.jar", "c.jar"), hardlink("d.jar", "../../nowhere")))
		expect(t, r)
	})
}

func TestOwnedByTheDistribution(t *testing.T) {
	const requests = "usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO"
	pkgInfo := "Metadata-Version: 2.1\nName: requests\nVersion: 2.28.1\n"
	list := "/.\n/usr\n/" + requests + "\n"
	status := file("var/lib/dpkg/status", stanzaOf("python3-requests", "2.28.1+dfsg-1"))
	owner := "deb python3-requests 2.28.1+dfsg-1 @0 /var/lib/dpkg/status"

	t.Run("package_is_reported_once", func(t *testing.T) {
		r := scanned(t, layer(t, status, file("var/lib/dpkg/info/python3-requests.list", list), file(requests, pkgInfo)))
		expect(t, r, owner)
	})
	t.Run("file_that_a_later_layer_writes_is_reported", func(t *testing.T) {
		r := scanned(t, layer(t, status, file("var/lib/dpkg/info/python3-requests:amd64.list", list), file(requests, pkgInfo)),
			layer(t, file(requests, "Name: requests\nVersion: 2.31.0\n")))
		expect(t, r, owner, "pypi requests 2.31.0 @1 /"+requests)
	})
	t.Run("packages_of_third_parties_do_not_stand_for_their_content", func(t *testing.T) {
		r := scanned(t, layer(t,
			file("var/lib/dpkg/status", "Package: nodejs\nStatus: install ok installed\nVersion: 20.1.0-1nodesource1\nMaintainer: N <n@nodesource.com>\n"),
			file("var/lib/dpkg/info/nodejs.list", "/usr/lib/node_modules/npm/package.json\n"),
			file("usr/lib/node_modules/npm/package.json", packageJSONOf("npm", "9.6.4"))))
		expect(t, r, "deb nodejs 20.1.0-1nodesource1 @0 /var/lib/dpkg/status", "npm npm 9.6.4 @0 /usr/lib/node_modules/npm/package.json")
	})
	t.Run("whatever_the_language", func(t *testing.T) {
		rust := string(elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"serde","version":"1.0.0"}]}`))))
		for p, body := range map[string]string{
			"usr/share/nodejs/acorn/package.json":                            packageJSONOf("acorn", "8.0.0"),
			"usr/share/java/commons-io-2.11.0.jar":                           zipOf(t, nil),
			"usr/share/rubygems-integration/all/specifications/rack.gemspec": "s.name = \"rack\"\ns.version = \"2.2\"\n",
			"usr/lib/R/library/base/DESCRIPTION":                             "Package: base\nVersion: 4.2.2\nBuilt: R 4.2.2\n",
			"usr/lib/erlang/lib/ssl-10.8/ebin/ssl.app":                       "{application,ssl,[{vsn,\"10.8\"}]}.",
			"var/lib/ghc/package.conf.d/aeson.conf":                          "name: aeson\nversion: 2.0\n",
			"usr/lib/jvm/java-17/release":                                    "JAVA_VERSION=\"17\"\n",
			"usr/bin/containerd":                                             rust,
			"usr/libexec/podman/netavark":                                    rust,
			"usr/lib/x86_64-linux-gnu/libx.so.1.2":                           rust,
		} {
			r := scanned(t, layer(t, file("var/lib/dpkg/status", stanzaOf("x", "1")), file("var/lib/dpkg/info/x.list", "/usr\n/"+p+"\n"), program(p, body)))
			expect(t, r, "deb x 1 @0 /var/lib/dpkg/status")
			if r = scanned(t, layer(t, file("var/lib/dpkg/status", stanzaOf("x", "1")), program(p, body))); len(r.Components) != 2 {
				t.Errorf("%s describes nothing, so the test proves nothing", p)
			}
		}
	})
	t.Run("under_the_name_before_usr_was_merged", func(t *testing.T) {
		rust := string(elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"serde","version":"1.0.0"}]}`))))
		r := scanned(t, layer(t, symlink("bin", "usr/bin"), symlink("lib", "usr/lib"), file("var/lib/dpkg/status", stanzaOf("x", "1")),
			file("var/lib/dpkg/info/x.list", "/bin/x\n/lib/x.jar\n"), program("usr/bin/x", rust), file("usr/lib/x.jar", zipOf(t, nil))))
		expect(t, r, "deb x 1 @0 /var/lib/dpkg/status")
	})
	t.Run("rpm", func(t *testing.T) {
		rust := string(elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"serde","version":"1.0.0"}]}`))))
		db := string(sqliteOf(t, rpmHeaderOf("librsvg2", "2.50", "1", 0, "/usr/lib64/librsvg-2.so.2.50.7")))
		r := scanned(t, layer(t, file("var/lib/rpm/rpmdb.sqlite", db), program("usr/lib64/librsvg-2.so.2.50.7", rust), program("usr/local/bin/mine", rust)))
		expect(t, r, "cargo serde 1.0.0 @0 /usr/local/bin/mine", "rpm librsvg2 2.50-1 @0 /var/lib/rpm/rpmdb.sqlite")
	})
	t.Run("alpine", func(t *testing.T) {
		r := scanned(t, layer(t,
			file("lib/apk/db/installed", "P:py3-requests\nV:2.31.0-r0\nF:usr/lib/python3.11/site-packages/requests-2.31.0.dist-info\nR:METADATA\n\n"),
			file("usr/lib/python3.11/site-packages/requests-2.31.0.dist-info/METADATA", "Name: requests\nVersion: 2.31.0\n")))
		expect(t, r, "apk py3-requests 2.31.0-r0 @0 /lib/apk/db/installed")
	})
}
