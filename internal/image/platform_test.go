package image

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]Platform{
		"":                               {},
		"linux/amd64":                    {OS: "linux", Architecture: "amd64"},
		"Linux/X86_64":                   {OS: "linux", Architecture: "amd64"},
		"linux/aarch64":                  {OS: "linux", Architecture: "arm64"},
		"arm64":                          {OS: "linux", Architecture: "arm64"},
		"x86_64":                         {OS: "linux", Architecture: "amd64"},
		"armhf":                          {OS: "linux", Architecture: "arm", Variant: "v7"},
		"linux/arm64/v8":                 {OS: "linux", Architecture: "arm64", Variant: "v8"},
		"linux/arm64/8":                  {OS: "linux", Architecture: "arm64", Variant: "v8"},
		"linux/arm/7":                    {OS: "linux", Architecture: "arm", Variant: "v7"},
		"macos/arm64":                    {OS: "darwin", Architecture: "arm64"},
		"wasip1/wasm":                    {OS: "wasip1", Architecture: "wasm"},
		"windows(10.0.20348.2529)/amd64": {OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.2529"},
		"windows/amd64:10.0.17763":       {OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763"},
	} {
		got, err := ParsePlatform(text)
		if err != nil || got != want {
			t.Errorf("%q became %#v, %v", text, got, err)
			continue
		}
		if again, err := ParsePlatform(got.String()); err != nil || again != got {
			t.Errorf("%q reads back as %#v, %v", got, again, err)
		}
	}
	for _, text := range []string{"linux", "adm64", "/", "linux/", "/amd64", "linux/amd64/v1/x", "linux amd64", "li nux/amd64", "windows(/amd64", "windows()/amd64",
		"windows(1)x/amd64", "linux/amd64:", "linux/amd64:a/b", strings.Repeat("a", 300), "linux/\x00", "linux/*"} {
		if got, err := ParsePlatform(text); fault.CodeOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q became %#v, %v", text, got, err)
		}
	}
}

func index(t *testing.T, children ...string) *Manifest {
	t.Helper()
	var parts []string
	for i, child := range children {
		digest := DigestOf([]byte{byte(i)})
		platform, extra, _ := strings.Cut(child, "|")
		if extra == "" {
			extra = `"mediaType":"` + MediaTypeOCIManifest + `"`
		}
		if platform != "" {
			os, rest, _ := strings.Cut(platform, "/")
			arch, variant, _ := strings.Cut(rest, "/")
			os, version, _ := strings.Cut(os, "@")
			platform = `,"platform":{"os":"` + os + `","architecture":"` + arch + `","variant":"` + variant + `","os.version":"` + version + `"}`
		}
		parts = append(parts, `{"size":7,"digest":"`+string(digest)+`",`+extra+platform+`}`)
	}
	m, err := ParseManifest(MediaTypeOCIIndex, []byte(`{"schemaVersion":2,"manifests":[`+strings.Join(parts, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	nested      = `"mediaType":"` + MediaTypeOCIIndex + `"`
	attestation = `"mediaType":"` + MediaTypeOCIManifest + `","annotations":{"vnd.docker.reference.type":"attestation-manifest"}`
	signature   = `"mediaType":"` + MediaTypeOCIManifest + `","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"`
)

func TestSelect(t *testing.T) {
	for name, test := range map[string]struct {
		want     string
		children []string
		selected int
	}{
		"exact":                                   {"linux/arm64", []string{"linux/amd64", "linux/arm64"}, 1},
		"aliases_in_the_index":                    {"linux/arm64", []string{"linux/x86_64", "linux/aarch64"}, 1},
		"no_variant_before_a_variant":             {"linux/arm64", []string{"linux/arm64/v9", "linux/arm64"}, 1},
		"usual_variant_before_others":             {"linux/arm", []string{"linux/arm/v5", "linux/arm/v6", "linux/arm/v7"}, 2},
		"any_variant_if_no_usual_one":             {"linux/arm", []string{"linux/amd64", "linux/arm/v5", "linux/arm/v6"}, 1},
		"no_variant_before_the_usual_one":         {"linux/arm64", []string{"linux/arm64/v8", "linux/arm64"}, 1},
		"exact_variant":                           {"linux/arm/v6", []string{"linux/arm/v7", "linux/arm/v6", "linux/arm/v5"}, 1},
		"variant_that_the_index_leaves_out":       {"linux/arm64/v8", []string{"linux/amd64", "linux/arm64"}, 1},
		"newest_older_variant":                    {"linux/arm/v7", []string{"linux/arm/v5", "linux/arm/v6"}, 1},
		"amd64_v3_takes_v2_before_v1":             {"linux/amd64/v3", []string{"linux/amd64", "linux/amd64/v2", "linux/amd64/v4"}, 1},
		"amd64_takes_the_base_level":              {"linux/amd64", []string{"linux/amd64/v3", "linux/amd64/v2", "linux/amd64/v1"}, 2},
		"first_among_equals":                      {"linux/amd64", []string{"linux/amd64", "linux/amd64"}, 0},
		"windows_exact_version":                   {"windows(10.0.17763.2)/amd64", []string{"windows@10.0.17763.1/amd64", "windows@10.0.17763.2/amd64"}, 1},
		"windows_same_build":                      {"windows(10.0.17763.9)/amd64", []string{"windows@10.0.20348.1/amd64", "windows@10.0.17763.1/amd64"}, 1},
		"windows_any_version":                     {"windows/amd64", []string{"windows@10.0.20348.1/amd64", "windows@10.0.17763.1/amd64"}, 0},
		"attestations_are_passed_over":            {"linux/amd64", []string{"unknown/unknown", "linux/amd64|" + attestation, "linux/amd64"}, 2},
		"signatures_are_passed_over":              {"linux/amd64", []string{"linux/amd64|" + signature, "linux/amd64"}, 1},
		"a_nested_index_for_the_platform":         {"linux/amd64", []string{"linux/arm64|" + nested, "linux/amd64|" + nested}, 1},
		"the_only_child_that_does_not_say":        {"linux/amd64", []string{""}, 0},
		"the_one_child_of_many_that_does_not_say": {"linux/amd64", []string{"linux/arm64", "", "|" + attestation}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := ParsePlatform(test.want)
			if err != nil {
				t.Fatal(err)
			}
			m := index(t, test.children...)
			got, err := m.Select(want)
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest != m.Manifests[test.selected].Digest {
				t.Fatalf("selected %v", got.Platform)
			}
		})
	}
}

func TestSelect_says_what_there_is(t *testing.T) {
	for name, test := range map[string]struct {
		want     string
		children []string
		says     []string
	}{
		"single_entries_are_checked_too": {"linux/amd64", []string{"linux/arm64"}, []string{"no image for linux/amd64", "linux/arm64"}},
		"all_platforms":                  {"linux/s390x", []string{"linux/amd64", "linux/arm/v7", "windows@10.0.1/amd64"}, []string{"linux/amd64, linux/arm/v7, windows(10.0.1)/amd64"}},
		"newer_variants_do_not_run":      {"linux/arm/v6", []string{"linux/arm/v7"}, []string{"linux/arm/v7"}},
		"unstated_arm_is_v7":             {"linux/arm/v6", []string{"linux/arm"}, []string{"linux/arm"}},
		"other_windows_build":            {"windows(10.0.17763.9)/amd64", []string{"windows@10.0.20348.1/amd64"}, []string{"windows(10.0.20348.1)"}},
		"empty_index":                    {"linux/amd64", nil, []string{"lists no images"}},
		"only_attestations":              {"linux/amd64", []string{"unknown/unknown", "|" + attestation}, []string{"lists no images"}},
		"several_that_do_not_say":        {"linux/amd64", []string{"linux/arm64", "", ""}, []string{"linux/arm64", "2 without a stated platform"}},
		"nested_indexes_that_do_not_say": {"linux/amd64", []string{"|" + nested, "|" + nested}, []string{"2 nested indexes"}},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := ParsePlatform(test.want)
			if err != nil {
				t.Fatal(err)
			}
			m := index(t, test.children...)
			_, err = m.Select(want)
			if fault.CodeOf(err) != fault.NotFound {
				t.Fatalf("%v", err)
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			if len(m.Platforms()) > 0 && !strings.Contains(fault.FixOf(err), m.Platforms()[0].String()) {
				t.Errorf("fix %q", fault.FixOf(err))
			}
		})
	}
	if _, err := index(t, "linux/amd64").Select(Platform{}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("no platform: %v", err)
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = "os" + strings.Repeat("x", i%60) + "/a" + strings.Repeat("y", i/60)
	}
	if _, err := index(t, many...).Select(Platform{OS: "linux", Architecture: "amd64"}); len(err.Error()) > 6000 || !strings.Contains(err.Error(), "250 more") {
		t.Errorf("%v", err)
	}
}

func TestIndexChildren(t *testing.T) {
	m := index(t, "linux/amd64|"+nested, "|"+nested, "linux/arm64", "", "|"+nested)
	got := m.IndexChildren()
	if len(got) != 2 || got[0].Digest != m.Manifests[1].Digest || got[1].Digest != m.Manifests[4].Digest || !got[0].IsIndex() {
		t.Errorf("%v", got)
	}
	if p := m.Platforms(); len(p) != 2 {
		t.Errorf("%v", p)
	}
}
