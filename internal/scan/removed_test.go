package scan

import (
	"fmt"
	"testing"
)

func expectRemoved(t *testing.T, r *Report, want ...string) {
	t.Helper()
	got := []string{}
	for _, c := range r.Removed {
		got = append(got, fmt.Sprintf("%s %s %s @%d-%d %s", c.Type, c.Name, c.Version, c.LayerIndex, c.RemovedIndex, c.Location))
	}
	if fmt.Sprint(got) != fmt.Sprint(append([]string{}, want...)) {
		t.Errorf("removed:\n%q\nwanted:\n%q", got, want)
	}
}

func TestRemoved(t *testing.T) {
	const status, moment = "var/lib/dpkg/status", "app/node_modules/moment/package.json"
	db := func(packages ...string) entry {
		body := ""
		for i := 0; i < len(packages); i += 2 {
			body += stanzaOf(packages[i], packages[i+1])
		}
		return file(status, body)
	}
	base := layer(t, file("etc/os-release", bookworm), db("bash", "5.2-1", "curl", "7.88.1-10"), file(moment, packageJSONOf("moment", "2.29.1")))
	curl := "deb curl 7.88.1-10 @0-1 /" + status
	lib := "npm moment 2.29.1 @0-1 /" + moment

	for name, c := range map[string]struct {
		upper []Layer
		want  []string
	}{
		"nothing":                        {[]Layer{layer(t, file("etc/motd", ""))}, nil},
		"package_of_a_database":          {[]Layer{layer(t, db("bash", "5.2-1"))}, []string{curl}},
		"upgrade_is_no_removal":          {[]Layer{layer(t, db("bash", "5.2-2", "curl", "8.0"))}, nil},
		"whiteout_of_a_directory":        {[]Layer{layer(t, file("app/.wh.node_modules", ""))}, []string{lib}},
		"opaque_directory":               {[]Layer{layer(t, file("app/.wh..wh..opq", ""))}, []string{lib}},
		"overwritten_by_something_else":  {[]Layer{layer(t, file(moment, "{}"))}, []string{lib}},
		"rewritten_database_of_the_same": {[]Layer{layer(t, db("curl", "7.88.1-10", "bash", "5.2-1"))}, nil},
		"another_version_at_another_path": {
			[]Layer{layer(t, file("app/.wh.node_modules", ""), file("srv/node_modules/moment/package.json", packageJSONOf("moment", "2.30.0")))}, nil,
		},
		"came_back": {[]Layer{layer(t, file("app/.wh.node_modules", "")), layer(t, file(moment, packageJSONOf("moment", "2.29.1")))}, nil},
		"came_back_in_another_version": {
			[]Layer{layer(t, file("app/.wh.node_modules", "")), layer(t, file(moment, packageJSONOf("moment", "3.0.0")))}, []string{lib},
		},
		"removed_twice_belongs_to_the_last": {
			[]Layer{layer(t, db("bash", "5.2-1")), layer(t, db("bash", "5.2-1", "curl", "7.88.1-10")), layer(t, db("bash", "5.2-1"))},
			[]string{"deb curl 7.88.1-10 @2-3 /" + status},
		},
		"deleted_database_says_nothing_about_its_packages": {[]Layer{layer(t, file("var/lib/dpkg/.wh.status", ""))}, nil},
		"database_of_a_chroot_was_never_the_images": {
			[]Layer{layer(t, file("srv/chroot/"+status, stanzaOf("evil", "1"))), layer(t, file("srv/.wh.chroot", ""))}, nil,
		},
		"moved_database": {[]Layer{layer(t, file("var/lib/.wh.dpkg", ""), file("opt/dpkg/status", stanzaOf("bash", "5.2-1")), symlink("var/lib/dpkg", "/opt/dpkg"))}, []string{curl}},
		"one_of_two_names_of_a_file": {
			[]Layer{layer(t, file("opt/a.jar", zipOf(t, map[string]string{"pom.properties": pomOf("g", "a", "1")})), hardlink("srv/b.jar", "opt/a.jar")), layer(t, file("opt/.wh.a.jar", ""))}, nil,
		},
		"what_a_removed_package_owned_is_not_listed_beside_it": {
			[]Layer{
				layer(t, db("bash", "5.2-1", "curl", "7.88.1-10", "python3-x", "1"), file("var/lib/dpkg/info/python3-x.list", "/usr/lib/python3/x.egg-info\n"), file("usr/lib/python3/x.egg-info", "Name: x\nVersion: 1\n")),
				layer(t, db("bash", "5.2-1", "curl", "7.88.1-10"), file("var/lib/dpkg/info/.wh.python3-x.list", ""), file("usr/lib/python3/.wh.x.egg-info", "")),
			},
			[]string{"deb python3-x 1 @1-2 /" + status},
		},
	} {
		t.Run(name, func(t *testing.T) {
			expectRemoved(t, scanned(t, append([]Layer{base}, c.upper...)...), c.want...)
		})
	}
	t.Run("says_what_it_was", func(t *testing.T) {
		r := scanned(t, base, layer(t, db("bash", "5.2-1")))
		if c := r.Removed[0]; c.PURL != "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=bookworm" || c.Ecosystem != "Debian:12" || c.RemovedLayer == c.Layer {
			t.Errorf("%+v", c)
		}
	})
	t.Run("is_limited", func(t *testing.T) {
		var packages []string
		for i := range maxRemoved + 5 {
			packages = append(packages, fmt.Sprint("p", i), "1")
		}
		r := scanned(t, layer(t, db(packages...)), layer(t, db("bash", "1")))
		if len(r.Removed) != maxRemoved || r.Status != Complete || len(r.Notes) != 1 || r.Notes[0].Message != "5 more components were removed by later layers" {
			t.Errorf("%d removed, %v", len(r.Removed), r.Notes)
		}
	})
}
