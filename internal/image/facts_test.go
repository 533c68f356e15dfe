package image

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func source(t *testing.T, manifest, config string) Source {
	t.Helper()
	m, err := ParseManifest("", []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := ParseReference("registry.example.com/org/app:1")
	if err != nil {
		t.Fatal(err)
	}
	return Source{Reference: ref, Manifest: m, Config: []byte(config)}
}

func facts(t *testing.T, config string, layers ...string) *Facts {
	t.Helper()
	f, err := FromManifest(source(t, imageJSON(config, layers...), config))
	if err != nil {
		t.Fatal(err)
	}
	checkFacts(t, f)
	return f
}

// checkFacts holds what is true of all facts.
func checkFacts(t *testing.T, f *Facts) {
	t.Helper()
	owners := make([]int, len(f.Layers))
	for i, line := range f.Instructions {
		switch {
		case line.Line != i+1:
			t.Fatalf("instruction %d has line %d", i, line.Line)
		case line.LayerIndex < -1 || line.LayerIndex >= len(f.Layers):
			t.Fatalf("layer index %d of %d", line.LayerIndex, len(f.Layers))
		case line.LayerIndex == -1 && line.Layer != "", line.Empty && line.LayerIndex != -1:
			t.Fatalf("%+v", line)
		case line.LayerIndex >= 0:
			owners[line.LayerIndex]++
			if line.Layer != f.Layers[line.LayerIndex].Digest {
				t.Fatalf("%+v", line)
			}
		}
	}
	for i, n := range owners {
		if n != 1 {
			t.Fatalf("layer %d belongs to %d instructions", i, n)
		}
	}
	if f.User == "" || f.Layers == nil || f.Instructions == nil || len(f.Notes) > maxNotes {
		t.Fatalf("%+v", f)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Facts
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
}

func hasNote(f *Facts, says string) bool {
	return slices.ContainsFunc(f.Notes, func(n string) bool { return strings.Contains(n, says) })
}

func TestFromManifest(t *testing.T) {
	diffIDs := fmt.Sprintf(`["%s","%s"]`, DigestOf([]byte("d1")), DigestOf([]byte("d2")))
	config := `{"created":"2024-05-06T07:08:09.123+02:00","author":"A Person <a@example.com>","os":"linux","architecture":"arm64","variant":"v8",
		"config":{"User":"1000:1000","Env":["PATH=/bin","A=b=c"],"Entrypoint":["/app"],"Cmd":["--serve"],"WorkingDir":"/srv","ExposedPorts":{"8080/tcp":{},"53/udp":{}},
		"Volumes":{"/data":{},"/cache":{}},"Labels":{"b":"2","a":"1"},"StopSignal":"SIGQUIT","Shell":["/bin/bash","-c"],"OnBuild":["RUN make"],
		"Healthcheck":{"Test":["CMD-SHELL","curl -f localhost"],"Interval":30000000000,"Timeout":3000000000,"StartPeriod":1000000000,"StartInterval":2000000000,"Retries":3}},
		"rootfs":{"type":"layers","diff_ids":` + diffIDs + `},
		"history":[{"created":"2024-01-01T00:00:00Z","created_by":"/bin/sh -c #(nop) ADD file:1 in / ","author":"base"},
		{"created_by":"ENV A=b=c","comment":"buildkit.dockerfile.v0","empty_layer":true},
		{"created_by":"RUN |1 V=2 /bin/bash -c make # buildkit","comment":"buildkit.dockerfile.v0"},
		{"created_by":"CMD [\"--serve\"]","comment":"buildkit.dockerfile.v0","empty_layer":true}]}`
	manifest := strings.TrimSuffix(imageJSON(config, "layer one", "two"), "}") + `,"annotations":{"who":"manifest","own":"m"}}`
	src := source(t, manifest, config)
	index, err := ParseManifest("", []byte(`{"annotations":{"who":"index","all":"i"},"manifests":[`+
		descriptorJSON(MediaTypeOCIManifest, "other", `,"platform":{"os":"linux","architecture":"amd64"}`)+`,`+
		descriptorJSON(MediaTypeOCIManifest, manifest, `,"platform":{"os":"linux","architecture":"arm64"}`)+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	src.Index = index
	f, err := FromManifest(src)
	if err != nil {
		t.Fatal(err)
	}
	checkFacts(t, f)
	created := time.Date(2024, 5, 6, 5, 8, 9, 123_000_000, time.UTC)
	started := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	one, two := DigestOf([]byte("layer one")), DigestOf([]byte("two"))
	want := &Facts{
		Reference: "registry.example.com/org/app:1", Digest: index.Digest, ManifestDigest: DigestOf([]byte(manifest)), ConfigDigest: DigestOf([]byte(config)),
		MediaType: MediaTypeOCIManifest, IndexMediaType: MediaTypeOCIIndex, Platform: Platform{OS: "linux", Architecture: "arm64", Variant: "v8"},
		Platforms: []Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}},
		Created:   &created, Author: "A Person <a@example.com>", User: "1000:1000", Entrypoint: []string{"/app"}, Command: []string{"--serve"},
		WorkingDir: "/srv", Environment: []string{"PATH=/bin", "A=b=c"}, ExposedPorts: []string{"53/udp", "8080/tcp"}, Volumes: []string{"/cache", "/data"},
		Shell: []string{"/bin/bash", "-c"}, OnBuild: []string{"RUN make"}, StopSignal: "SIGQUIT",
		Healthcheck: &Healthcheck{Test: []string{"CMD-SHELL", "curl -f localhost"}, Interval: 30 * time.Second, Timeout: 3 * time.Second,
			StartPeriod: time.Second, StartInterval: 2 * time.Second, Retries: 3},
		Labels: map[string]string{"a": "1", "b": "2"}, Annotations: map[string]string{"who": "manifest", "own": "m", "all": "i"},
		Size: int64(len("layer one") + len("two") + len(config)),
		Layers: []Layer{
			{Digest: one, DiffID: DigestOf([]byte("d1")), MediaType: ociLayer, Size: 9},
			{Digest: two, DiffID: DigestOf([]byte("d2")), MediaType: ociLayer, Size: 3},
		},
		Instructions: []Instruction{
			{Line: 1, Keyword: "ADD", Value: "file:1 in /", Created: &started, Author: "base", LayerIndex: 0, Layer: one},
			{Line: 2, Keyword: "ENV", Value: "A=b=c", Comment: "buildkit.dockerfile.v0", Empty: true, LayerIndex: -1},
			{Line: 3, Keyword: "RUN", Value: "make", Arguments: []string{"V=2"}, Comment: "buildkit.dockerfile.v0", LayerIndex: 1, Layer: two},
			{Line: 4, Keyword: "CMD", Value: `["--serve"]`, Comment: "buildkit.dockerfile.v0", Empty: true, LayerIndex: -1},
		},
	}
	if !reflect.DeepEqual(f, want) {
		got, _ := json.MarshalIndent(f, "", " ")
		expected, _ := json.MarshalIndent(want, "", " ")
		t.Errorf("got %s\nwant %s", got, expected)
	}
}

func TestFromManifest_absent_stays_absent(t *testing.T) {
	f := facts(t, `{"os":"linux","architecture":"amd64"}`)
	if f.Created != nil || f.Author != "" || f.Labels != nil || f.Healthcheck != nil || len(f.Entrypoint)+len(f.Command)+len(f.Environment) > 0 || len(f.Notes) > 0 {
		t.Errorf("%+v", f)
	}
	if f.User != "root" || !f.UserDefaulted {
		t.Errorf("user %q, defaulted %t", f.User, f.UserDefaulted)
	}
	if f.Digest != f.ManifestDigest || f.IndexMediaType != "" || f.Platforms != nil {
		t.Errorf("%+v", f)
	}
	if f := facts(t, `{"os":"windows","architecture":"amd64","config":{"User":" "}}`); f.User != "ContainerAdministrator" || !f.UserDefaulted {
		t.Errorf("user %q, defaulted %t", f.User, f.UserDefaulted)
	}
	if f := facts(t, `{"os":"linux","architecture":"amd64","config":{"User":"root"}}`); f.User != "root" || f.UserDefaulted {
		t.Errorf("user %q, defaulted %t", f.User, f.UserDefaulted)
	}
}

func TestFromManifest_created(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "", `""`: "", `"0001-01-01T00:00:00Z"`: "", `"1970-01-01T00:00:00Z"`: "1970-01-01T00:00:00Z",
		`"2024-02-30T00:00:00Z"`: "", `"yesterday"`: "", `1700000000`: "", `{}`: "", `"2024-01-01T00:00:00.5-01:00"`: "2024-01-01T01:00:00.5Z",
		`"0000-01-01T00:00:00+10:00"`: "", `"9999-12-31T23:59:59-10:00"`: "",
	} {
		f := facts(t, `{"os":"linux","architecture":"amd64","created":`+text+`,"history":[{"created":`+text+`,"empty_layer":true}]}`)
		got := ""
		if f.Created != nil {
			got = f.Created.Format(time.RFC3339Nano)
		}
		if got != want || (f.Instructions[0].Created == nil) != (want == "") {
			t.Errorf("%s became %q", text, got)
		}
	}
}

func TestFromManifest_tolerates_one_strange_field(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		check  func(*Facts) bool
		note   string
	}{
		"labels_null":             {`"Labels":null`, func(f *Facts) bool { return f.Labels == nil }, ""},
		"labels_list":             {`"Labels":["a=b"]`, func(f *Facts) bool { return f.Labels["a"] == "b" }, `"config.Labels" is a list`},
		"labels_with_numbers":     {`"Labels":{"a":1,"b":{},"c":null}`, func(f *Facts) bool { return f.Labels["a"] == "1" && len(f.Labels) == 2 }, `"config.Labels" has an object for "b"`},
		"labels_text":             {`"Labels":"x"`, func(f *Facts) bool { return f.Labels == nil }, `"config.Labels" is a text`},
		"cmd_text":                {`"Cmd":"run it"`, func(f *Facts) bool { return slices.Equal(f.Command, []string{"run it"}) }, `"config.Cmd" is a text`},
		"cmd_mixed":               {`"Cmd":["a",1,null]`, func(f *Facts) bool { return slices.Equal(f.Command, []string{"a", "1"}) }, `"config.Cmd" has a number at position 2`},
		"entrypoint_object":       {`"Entrypoint":{"a":"b"}`, func(f *Facts) bool { return slices.Equal(f.Entrypoint, []string{"a=b"}) }, `"config.Entrypoint" is an object`},
		"ports_list":              {`"ExposedPorts":["80/tcp",443]`, func(f *Facts) bool { return slices.Equal(f.ExposedPorts, []string{"443", "80/tcp"}) }, `"config.ExposedPorts" is a list`},
		"ports_text":              {`"ExposedPorts":"80"`, func(f *Facts) bool { return slices.Equal(f.ExposedPorts, []string{"80"}) }, `"config.ExposedPorts" is a text`},
		"volumes_null":            {`"Volumes":null`, func(f *Facts) bool { return f.Volumes == nil }, ""},
		"user_number":             {`"User":0`, func(f *Facts) bool { return f.User == "0" && !f.UserDefaulted }, `"config.User" is a number`},
		"user_object":             {`"User":{}`, func(f *Facts) bool { return f.User == "root" && f.UserDefaulted }, `"config.User" is an object`},
		"env_object":              {`"Env":{"A":"b"}`, func(f *Facts) bool { return slices.Equal(f.Environment, []string{"A=b"}) }, `"config.Env" is an object`},
		"healthcheck_null":        {`"Healthcheck":null`, func(f *Facts) bool { return f.Healthcheck == nil }, ""},
		"healthcheck_list":        {`"Healthcheck":[]`, func(f *Facts) bool { return f.Healthcheck == nil }, `"config.Healthcheck" is a list`},
		"healthcheck_text_period": {`"Healthcheck":{"Test":["NONE"],"Interval":"30s","Timeout":"soon"}`, func(f *Facts) bool { return f.Healthcheck.Interval == 30*time.Second && f.Healthcheck.Timeout == 0 }, `"config.Healthcheck.Interval" is a text`},
		"names_in_other_case":     {`"user":"me"`, func(f *Facts) bool { return f.User == "me" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts(t, `{"os":"linux","architecture":"amd64","config":{"WorkingDir":"/kept",`+test.config+`}}`)
			if !test.check(f) {
				t.Errorf("%+v", f)
			}
			if f.WorkingDir != "/kept" {
				t.Error("another field is lost")
			}
			if (test.note == "") != (len(f.Notes) == 0) || test.note != "" && !hasNote(f, test.note) {
				t.Errorf("notes %q", f.Notes)
			}
		})
	}
	f := facts(t, `{"os":"linux","architecture":"amd64","config":[],"rootfs":"x","history":{"a":1},"author":"kept"}`)
	if f.Author != "kept" || len(f.Notes) != 3 {
		t.Errorf("%+v", f)
	}
	f = facts(t, `{"os":"linux","architecture":"amd64","history":[1,{"created_by":"RUN x","empty_layer":"true"},null]}`)
	if len(f.Instructions) != 3 || !f.Instructions[1].Empty || f.Instructions[1].Keyword != "RUN" {
		t.Errorf("%+v", f.Instructions)
	}
}

func TestFromManifest_refuses(t *testing.T) {
	good := `{"os":"linux","architecture":"amd64"}`
	for name, test := range map[string]struct {
		manifest, config, says string
	}{
		"another_config":            {imageJSON(good), `{"os":"linux","architecture":"arm64"}`, "not that of sha256:"},
		"no_config":                 {imageJSON(good), "", "not that of sha256:"},
		"config_that_is_not_json":   {imageJSON("{"), "{", "not valid JSON"},
		"empty_config":              {imageJSON(""), "", "is empty"},
		"config_that_is_a_list":     {imageJSON("[]"), "[]", "not a JSON object"},
		"config_with_two_users":     {imageJSON(`{"config":{"User":"a","USER":"root"}}`), `{"config":{"User":"a","USER":"root"}}`, "differently"},
		"config_with_two_configs":   {imageJSON(`{"config":{},"Config":{}}`), `{"config":{},"Config":{}}`, "differently"},
		"config_that_is_huge":       {imageJSON(`{"a":"` + strings.Repeat("x", MaxConfigBytes) + `"}`), `{"a":"` + strings.Repeat("x", MaxConfigBytes) + `"}`, "the limit is"},
		"config_with_endless_lists": {imageJSON(`{"history":[` + strings.Repeat("{},", 20_000) + `{}]}`), `{"history":[` + strings.Repeat("{},", 20_000) + `{}]}`, "more than 10000"},
		"a_chart":                   {strings.Replace(imageJSON(good), MediaTypeOCIConfig, "application/vnd.cncf.helm.config.v1+json", 1), good, "is a Helm chart, not a container image"},
		"an_index":                  {`{"manifests":[]}`, good, "is an index"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := FromManifest(source(t, test.manifest, test.config))
			if err == nil {
				t.Fatalf("%+v", f)
			}
			if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := FromManifest(Source{}); err == nil {
		t.Error("no manifest is accepted")
	}
}

func TestFromManifest_keeps_labels_that_differ_in_case(t *testing.T) {
	f := facts(t, `{"os":"linux","architecture":"amd64","config":{"Labels":{"a":"1","A":"2"}}}`)
	if f.Labels["a"] != "1" || f.Labels["A"] != "2" {
		t.Errorf("%v", f.Labels)
	}
}

func TestFromManifest_platform(t *testing.T) {
	for name, test := range map[string]struct{ config, listed, want, note string }{
		"agreement":                     {`"os":"linux","architecture":"amd64"`, `"os":"linux","architecture":"amd64"`, "linux/amd64", ""},
		"disagreement":                  {`"os":"linux","architecture":"amd64"`, `"os":"linux","architecture":"arm64"`, "linux/amd64", "lists this image for linux/arm64, but its config says linux/amd64"},
		"other_variant":                 {`"os":"linux","architecture":"arm","variant":"v6"`, `"os":"linux","architecture":"arm","variant":"v7"`, "linux/arm/v6", "lists this image for linux/arm/v7"},
		"usual_variant_is_no_variant":   {`"os":"linux","architecture":"arm64","variant":"v8"`, `"os":"linux","architecture":"arm64"`, "linux/arm64/v8", ""},
		"variant_from_the_index":        {`"os":"linux","architecture":"arm"`, `"os":"linux","architecture":"arm","variant":"v6"`, "linux/arm/v6", ""},
		"system_version":                {`"os":"windows","architecture":"amd64","os.version":"10.0.1"`, `"os":"windows","architecture":"amd64"`, "windows(10.0.1)/amd64", ""},
		"the_config_does_not_say":       {`"x":1`, `"os":"linux","architecture":"arm64"`, "linux/arm64", "does not state its platform"},
		"nobody_says":                   {`"x":1`, ``, "", "Neither the image config nor an index"},
		"the_index_does_not_say":        {`"os":"linux","architecture":"amd64"`, ``, "linux/amd64", ""},
		"aliases_are_no_disagreement":   {`"os":"linux","architecture":"aarch64"`, `"os":"linux","architecture":"arm64"`, "linux/arm64", ""},
		"a_platform_of_the_wrong_type":  {`"os":{},"architecture":"amd64"`, `"os":"linux","architecture":"amd64"`, "linux/amd64", `"os" is an object`},
		"system_disagreement_is_stated": {`"os":"windows","architecture":"amd64"`, `"os":"linux","architecture":"amd64"`, "windows/amd64", "but its config says windows/amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			config := "{" + test.config + "}"
			src := source(t, imageJSON(config), config)
			platform := ""
			if test.listed != "" {
				platform = `,"platform":{` + test.listed + `}`
			}
			var err error
			if src.Index, err = ParseManifest("", []byte(`{"manifests":[`+descriptorJSON(MediaTypeOCIManifest, string(src.Manifest.Raw), platform)+`]}`)); err != nil {
				t.Fatal(err)
			}
			f, err := FromManifest(src)
			if err != nil {
				t.Fatal(err)
			}
			if f.Platform.String() != test.want {
				t.Errorf("platform %q", f.Platform)
			}
			if (test.note == "") != (len(f.Notes) == 0) || test.note != "" && !hasNote(f, test.note) {
				t.Errorf("notes %q", f.Notes)
			}
		})
	}
}

func TestFromManifest_notes_what_does_not_fit(t *testing.T) {
	f := facts(t, `{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["`+string(sha)+`"]},"history":[{},{}]}`, "a", "b")
	if !hasNote(f, "2 layers but the image config has diff IDs for 1") || f.Layers[0].DiffID != "" {
		t.Errorf("%q", f.Notes)
	}
	f = facts(t, `{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["x"]},"history":[{}]}`, "a")
	if !hasNote(f, `diff ID 1 is not a digest: "x"`) {
		t.Errorf("%q", f.Notes)
	}
	config := `{"os":"linux","architecture":"amd64"}`
	manifest := strings.Replace(imageJSON(config), fmt.Sprintf(`"size":%d`, len(config)), `"size":99`, 1)
	f, err := FromManifest(source(t, manifest, config))
	if err != nil || !hasNote(f, "99 bytes long") {
		t.Error(f, err)
	}
	manifest = strings.Replace(imageJSON(config), `"layers":[]`, `"layers":[`+descriptorJSON(ociLayer, "a")+`,`+descriptorJSON("text/plain", "b")+`]`, 1)
	f, err = FromManifest(source(t, manifest, config))
	if err != nil || !hasNote(f, "1 layer of a type that is not an image layer's") {
		t.Error(f, err)
	}
}

func TestHistory(t *testing.T) {
	type tied struct {
		keyword string
		layer   int
	}
	for name, test := range map[string]struct {
		layers  int
		history string
		want    []tied
		note    string
	}{
		"every_line_has_its_layer": {2, `{"created_by":"ADD a"},{"created_by":"ENV a","empty_layer":true},{"created_by":"COPY b"}`,
			[]tied{{"ADD", 0}, {"ENV", -1}, {"COPY", 1}}, ""},
		"no_history":         {2, ``, []tied{{"", 0}, {"", 1}}, "has no history"},
		"nothing_at_all":     {0, ``, []tied{}, ""},
		"history_is_shorter": {3, `{"created_by":"bazel build ..."}`, []tied{{"", -1}, {"", 0}, {"", 1}, {"", 2}}, "tells of 1 layer but the image has 3"},
		"history_is_longer":  {1, `{"created_by":"ADD a"},{"created_by":"COPY b"}`, []tied{{"ADD", -1}, {"COPY", -1}, {"", 0}}, "tells of 2 layers but the image has 1"},
		"empty_lines_are_not_marked": {2, `{"created_by":"ADD a"},{"created_by":"ENV a"},{"created_by":"CMD x"},{"created_by":"RUN b"}`,
			[]tied{{"ADD", 0}, {"ENV", -1}, {"CMD", -1}, {"RUN", 1}}, "does not mark the lines without a layer"},
		"metadata_line_with_a_layer": {1, `{"created_by":"ENV a"}`, []tied{{"ENV", 0}}, ""},
		"all_empty_but_layers":       {1, `{"created_by":"ENV a","empty_layer":true}`, []tied{{"ENV", -1}, {"", 0}}, "tells of 0 layers"},
		"all_squashed": {1, `{"created_by":"ADD a","empty_layer":true},{"created_by":"","comment":"merge sha256:1 to sha256:2"}`,
			[]tied{{"ADD", -1}, {"", 0}}, ""},
		"no_layers_left": {0, `{"created_by":"ADD a"}`, []tied{{"ADD", -1}}, "has 0"},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []string
			for i := range test.layers {
				layers = append(layers, fmt.Sprint(i))
			}
			f := facts(t, `{"os":"linux","architecture":"amd64","history":[`+test.history+`]}`, layers...)
			f.Notes = slices.DeleteFunc(f.Notes, func(n string) bool { return strings.Contains(n, "diff IDs") })
			got := []tied{}
			for _, line := range f.Instructions {
				got = append(got, tied{line.Keyword, line.LayerIndex})
				if line.LayerIndex >= 0 && line.Value == "" {
					t.Errorf("%+v says nothing", line)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if (test.note == "") != (len(f.Notes) == 0) || test.note != "" && !hasNote(f, test.note) {
				t.Errorf("notes %q", f.Notes)
			}
		})
	}
	f := facts(t, `{"os":"linux","architecture":"amd64","history":[{"created_by":"|2 X=A=1 Y=2 B=2 /bin/sh -c make"}]}`, "a")
	if !hasNote(f, "build arguments of line 1 cannot be told apart") {
		t.Errorf("%q", f.Notes)
	}
}

func TestFromManifest_schema1(t *testing.T) {
	base, top := DigestOf([]byte("base")), DigestOf([]byte("top"))
	body := signJSON(schema1JSON([]Digest{emptyLayer, top, base},
		`{"id":"c","parent":"b","created":"2016-03-01T00:00:00Z","author":"Me","os":"linux","architecture":"amd64","throwaway":true,
			"container_config":{"Cmd":["/bin/sh","-c","#(nop) CMD [\"serve\"]"]},"config":{"User":"app","Env":["A=b"],"Cmd":["serve"],"Entrypoint":null,"Labels":{"l":"v"},"ExposedPorts":{"80/tcp":{}}}}`,
		`{"id":"b","parent":"a","created":"2016-02-01T00:00:00Z","container_config":{"Cmd":["/bin/sh","-c","make all"]}}`,
		`{"id":"a","created":"2016-01-01T00:00:00Z","author":"Base","comment":"imported","container_config":{"Cmd":["/bin/sh -c #(nop) ADD file:1 in /"]}}`))
	src := source(t, body, "")
	src.Config = nil
	f, err := FromManifest(src)
	if err != nil {
		t.Fatal(err)
	}
	checkFacts(t, f)
	if f.MediaType != MediaTypeDockerSchema1Signed || f.ConfigDigest != "" || f.Size != SizeUnknown || SizeText(f.Size) != "unknown" || len(f.Notes) != 1 || !hasNote(f, "schema 1") {
		t.Errorf("%+v", f)
	}
	if f.Created.Format(time.DateOnly) != "2016-03-01" || f.Author != "Me" || f.User != "app" || f.UserDefaulted || f.Labels["l"] != "v" ||
		!slices.Equal(f.Command, []string{"serve"}) || !slices.Equal(f.Environment, []string{"A=b"}) || !slices.Equal(f.ExposedPorts, []string{"80/tcp"}) ||
		f.Platform.String() != "linux/amd64" {
		t.Errorf("%+v", f)
	}
	var lines []string
	for _, i := range f.Instructions {
		lines = append(lines, fmt.Sprintf("%s %s %d %s %s", i.Keyword, i.Value, i.LayerIndex, i.Layer.Short(), i.Created.Format(time.DateOnly)))
	}
	want := []string{"ADD file:1 in / 0 " + base.Short() + " 2016-01-01", "RUN make all 1 " + top.Short() + " 2016-02-01", `CMD ["serve"] -1  2016-03-01`}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
	if f.Instructions[0].Author != "Base" || f.Instructions[0].Comment != "imported" || !f.Instructions[2].Empty {
		t.Errorf("%+v", f.Instructions)
	}
}

func FuzzFromManifest(f *testing.F) {
	for _, seed := range []string{
		`{"os":"linux","architecture":"amd64","config":{"User":1,"Env":{"a":1},"Labels":[1],"Healthcheck":{"Interval":"1s"}},"history":[{"created_by":"RUN x"}],"rootfs":{"diff_ids":["x"]}}`,
		`{"created":"0000-01-01T00:00:00+10:00","history":[{"created_by":"ENV a","empty_layer":true},{"created":"1970-01-01T00:00:00Z","created_by":"|1 A=b /bin/sh -c x"},{}]}`,
		`{"config":{"Cmd":"x","ExposedPorts":["80"],"Volumes":{"/a":{}},"Shell":["/bin/bash","-c"]},"history":null}`, `{"history":[null,1,"x",[]]}`,
	} {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(2))
	}
	f.Fuzz(func(t *testing.T, config []byte, layers uint8) {
		var contents []string
		for i := range layers % 8 {
			contents = append(contents, fmt.Sprint(i))
		}
		facts, err := FromManifest(source(t, imageJSON(string(config), contents...), string(config)))
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || len(err.Error()) > 4000 {
				t.Fatal(err)
			}
		} else {
			checkFacts(t, facts)
		}
		text, _ := json.Marshal(string(config))
		old, err := ParseManifest("", []byte(`{"schemaVersion":1,"fsLayers":[{"blobSum":"`+string(sha)+`"}],"history":[{"v1Compatibility":`+string(text)+`}]}`))
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		facts, err = FromManifest(Source{Manifest: old})
		if err != nil {
			t.Fatal(err)
		}
		checkFacts(t, facts)
	})
}
