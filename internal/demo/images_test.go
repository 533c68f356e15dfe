package demo

import (
	"bytes"
	"debug/buildinfo"
	"slices"
	"testing"
	"time"
)

func digests(t *testing.T, at time.Time) map[string]string {
	t.Helper()
	list, err := generate(at)
	must(t, err)
	m := map[string]string{}
	for _, g := range list {
		d, err := g.image.Digest()
		must(t, err)
		m[g.name] = d.String()
	}
	return m
}

func TestGenerate(t *testing.T) {
	today := digests(t, now)
	if len(today) != 4 {
		t.Errorf("%d images", len(today))
	}
	later, tomorrow := digests(t, now.Add(8*time.Hour)), digests(t, now.AddDate(0, 0, 1))
	for name, digest := range today {
		if later[name] != digest {
			t.Errorf("%s: another digest on the same day", name)
		}
		recent := name == "shop/web:latest" || name == "shop/ledger:1.4.0"
		if changed := tomorrow[name] != digest; changed != recent {
			t.Errorf("%s: changed is %t on the next day", name, changed)
		}
	}
}

func TestGoBinary_is_read_by_buildinfo(t *testing.T) {
	b := goBinary("go1.26.8", "git.shop.example/ledger", "v1.4.0", [2]string{"golang.org/x/net", "v0.62.0"}, [2]string{"golang.org/x/text", "v0.43.0"})
	info, err := buildinfo.Read(bytes.NewReader(b))
	must(t, err)
	if info.GoVersion != "go1.26.8" || info.Path != "git.shop.example/ledger" || info.Main.Path != info.Path || info.Main.Version != "v1.4.0" {
		t.Errorf("%+v", info)
	}
	var deps []string
	for _, d := range info.Deps {
		deps = append(deps, d.Path+"@"+d.Version)
	}
	if !slices.Equal(deps, []string{"golang.org/x/net@v0.62.0", "golang.org/x/text@v0.43.0"}) {
		t.Errorf("%q", deps)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["GOOS"] != "linux" || settings["GOARCH"] != "amd64" || settings["CGO_ENABLED"] != "0" {
		t.Errorf("%v", settings)
	}
}

func TestParents(t *testing.T) {
	for name, want := range map[string][]string{"a": nil, "a/b": {"a"}, "a/b/c": {"a", "a/b"}} {
		if got := parents(name); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
