package assess_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// onPlatforms is an index: the same base for two platforms, an npm package of different versions, and a platform whose layer
// is not there.
func onPlatforms(t *testing.T, r registrytest.Target, tag string) {
	t.Helper()
	var children []image.Descriptor
	for _, of := range []struct{ architecture, lodash string }{{"amd64", "4.17.15"}, {"arm64", "4.17.21"}} {
		i := debian()
		i.Platform = image.Platform{OS: "linux", Architecture: of.architecture}
		i.Layers[1] = registrytest.Layer(map[string]string{"app/node_modules/lodash/package.json": `{"name":"lodash","version":"` + of.lodash + `"}`})
		children = append(children, registrytest.Push(t, r, "team/app", "", i))
	}
	registrytest.PushIndex(t, r, "team/app", tag, children...)
}

func (f *flow) platforms(name, selection string) (*assess.Platforms, error) {
	f.t.Helper()
	want, err := assess.ParseSelection(selection)
	must(f.t, err)
	return f.AssessPlatforms(f.t.Context(), assess.Request{Reference: reference(f.t, name), Depth: assess.Judge}, want, assess.Progress{})
}

func TestPlatforms(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	onPlatforms(t, r, "1")
	nodes := []image.Platform{{OS: "linux", Architecture: "arm64"}}
	f := start(t, both(), func(o *assess.Options) { o.Nodes = nodes })
	f.connect("registry", r.URL, "", "")
	name := r.Host + "/team/app:1"

	t.Run("all_of_an_index", func(t *testing.T) {
		p, err := f.platforms(name, "all")
		must(t, err)
		if len(p.Platforms) != 2 || p.Platforms[0].Platform != "linux/amd64" || p.Platforms[1].Platform != "linux/arm64" {
			t.Fatalf("%+v", p.Platforms)
		}
		if p.ComponentCount != 5 { // three of Debian's and lodash in two versions
			t.Errorf("%d components", p.ComponentCount)
		}
		if len(p.Components) != 2 || p.Components[0].Version != "4.17.15" || !slices.Equal(p.Components[0].Platforms, []string{"linux/amd64"}) {
			t.Errorf("component differences %+v", p.Components)
		}
		if len(p.Findings) != 1 || p.Findings[0].ID != "CVE-2026-0002" || !slices.Equal(p.Findings[0].Platforms, []string{"linux/amd64"}) {
			t.Errorf("vulnerability differences %+v", p.Findings)
		}
		if p.Vulnerabilities["critical"] != 1 || p.Vulnerabilities["low"] != 1 {
			t.Errorf("%v", p.Vulnerabilities)
		}
		if p.Verdict != p.Platforms[0].Assessment.Verdict {
			t.Errorf("verdict %s, that of amd64 is %s", p.Verdict, p.Platforms[0].Assessment.Verdict)
		}
	})

	t.Run("those_that_nodes_run", func(t *testing.T) {
		p, err := f.platforms(name, "nodes")
		must(t, err)
		if len(p.Platforms) != 1 || p.Platforms[0].Platform != "linux/arm64" {
			t.Errorf("%+v", p.Platforms)
		}
		_, err = start(t, nil, nil).platforms(name, "nodes")
		if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(fault.FixOf(err), "--node-platforms") {
			t.Error(err)
		}
	})

	t.Run("one_that_is_not_there_is_undecided_and_hides_nothing", func(t *testing.T) {
		p, err := f.platforms(name, "linux/arm64,linux/s390x")
		must(t, err)
		missing := p.Platforms[1]
		if missing.Assessment != nil || missing.Code != fault.NotFound || !strings.Contains(missing.Error, "s390x") || p.Verdict != assess.Undecided {
			t.Errorf("%s: %+v", p.Verdict, missing)
		}
		if len(p.Components) != 0 {
			t.Errorf("what is not known counts as a difference: %+v", p.Components)
		}
	})

	t.Run("an_image_without_an_index_has_one", func(t *testing.T) {
		registrytest.Push(t, r, "team/app", "plain", registrytest.Image{Platform: image.Platform{OS: "linux", Architecture: "riscv64"}})
		p, err := f.platforms(r.Host+"/team/app:plain", "all")
		must(t, err)
		if len(p.Platforms) != 1 || p.Platforms[0].Platform != "linux/riscv64" {
			t.Errorf("%+v", p.Platforms)
		}
	})

	t.Run("shared_layers_are_read_once", func(t *testing.T) {
		base := debian().Layers[0]
		fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
		onPlatforms(t, fake, "1")
		f := start(t, both(), nil)
		f.connect("registry", fake.URL, "", "")
		_, err := f.platforms(fake.Host+"/team/app:1", "all")
		must(t, err)
		blobs := 0
		for _, request := range paths(fake.Requests()) {
			if strings.HasSuffix(request, string(digestOf(base))) {
				blobs++
			}
		}
		if blobs != 1 {
			t.Errorf("the base was asked for %d times", blobs)
		}
	})
}

func TestParseSelection(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "arm64": "linux/arm64", "linux/amd64, arm64,linux/amd64": "linux/amd64 linux/arm64", "all": "all", "nodes": "nodes",
	} {
		s, err := assess.ParseSelection(text)
		got := []string{}
		for _, p := range s.List {
			got = append(got, p.String())
		}
		if s.All {
			got = append(got, "all")
		}
		if s.Nodes {
			got = append(got, "nodes")
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"linux/amd64,", "linux/amd64,all", strings.Repeat("linux/a1,", 5) + "x y"} {
		if _, err := assess.ParseSelection(text); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
