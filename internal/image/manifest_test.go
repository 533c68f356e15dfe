package image

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func descriptorJSON(mediaType string, content string, extra ...string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d%s}`, mediaType, DigestOf([]byte(content)), len(content), strings.Join(extra, ""))
}

const ociLayer = "application/vnd.oci.image.layer.v1.tar+gzip"

func imageJSON(config string, layers ...string) string {
	var list []string
	for _, l := range layers {
		list = append(list, descriptorJSON(ociLayer, l))
	}
	return `{"schemaVersion":2,"config":` + descriptorJSON(MediaTypeOCIConfig, config) + `,"layers":[` + strings.Join(list, ",") + `]}`
}

func TestParseManifest_kinds(t *testing.T) {
	config, layer := descriptorJSON(MediaTypeOCIConfig, "{}"), descriptorJSON(ociLayer, "l")
	dockerConfig := descriptorJSON(MediaTypeDockerConfig, "{}")
	child := descriptorJSON(MediaTypeOCIManifest, "m")
	dockerChild := descriptorJSON(MediaTypeDockerManifest, "m")
	for name, test := range map[string]struct {
		contentType, body, mediaType string
		isIndex                      bool
	}{
		"oci_manifest":                 {MediaTypeOCIManifest, `{"schemaVersion":2,"mediaType":"` + MediaTypeOCIManifest + `","config":` + config + `,"layers":[` + layer + `]}`, MediaTypeOCIManifest, false},
		"without_media_type":           {MediaTypeOCIManifest, `{"schemaVersion":2,"config":` + config + `,"layers":[]}`, MediaTypeOCIManifest, false},
		"docker_manifest":              {MediaTypeDockerManifest, `{"schemaVersion":2,"mediaType":"` + MediaTypeDockerManifest + `","config":` + dockerConfig + `,"layers":[]}`, MediaTypeDockerManifest, false},
		"oci_index":                    {MediaTypeOCIIndex, `{"schemaVersion":2,"manifests":[` + child + `]}`, MediaTypeOCIIndex, true},
		"docker_list":                  {MediaTypeDockerList, `{"schemaVersion":2,"mediaType":"` + MediaTypeDockerList + `","manifests":[` + dockerChild + `]}`, MediaTypeDockerList, true},
		"header_with_parameters":       {"Application/vnd.docker.distribution.manifest.list.v2+json; charset=utf-8", `{"schemaVersion":2,"manifests":[]}`, MediaTypeDockerList, true},
		"no_header_docker_list":        {"", `{"schemaVersion":2,"manifests":[` + dockerChild + `]}`, MediaTypeDockerList, true},
		"no_header_oci_index":          {"", `{"schemaVersion":2,"manifests":[` + child + `]}`, MediaTypeOCIIndex, true},
		"no_header_docker_manifest":    {"", `{"schemaVersion":2,"config":` + dockerConfig + `}`, MediaTypeDockerManifest, false},
		"header_says_json":             {"application/json", `{"schemaVersion":2,"config":` + config + `}`, MediaTypeOCIManifest, false},
		"header_claims_another_kind":   {MediaTypeOCIIndex, `{"schemaVersion":2,"config":` + config + `}`, MediaTypeOCIManifest, false},
		"header_claims_another_family": {MediaTypeOCIManifest, `{"schemaVersion":2,"mediaType":"` + MediaTypeDockerManifest + `","config":` + dockerConfig + `}`, MediaTypeDockerManifest, false},
		"header_is_rubbish":            {";;=", `{"schemaVersion":2,"config":` + config + `}`, MediaTypeOCIManifest, false},
		"null_members_are_absent":      {"", `{"schemaVersion":2,"config":` + config + `,"layers":null,"manifests":null,"annotations":null}`, MediaTypeOCIManifest, false},
		"artifact_manifest":            {"", `{"mediaType":"` + MediaTypeOCIArtifact + `","artifactType":"a/b","blobs":[` + layer + `]}`, MediaTypeOCIArtifact, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest(test.contentType, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if m.MediaType != test.mediaType || m.IsIndex != test.isIndex {
				t.Errorf("%s, index %t", m.MediaType, m.IsIndex)
			}
			if m.Digest != DigestOf([]byte(test.body)) || string(m.Raw) != test.body {
				t.Error("digest or body differ")
			}
			if err := m.Verify(m.Digest); err != nil {
				t.Error(err)
			}
			if err := m.Verify(sha); err == nil {
				t.Error("verifies another digest")
			}
		})
	}
}

func TestParseManifest_members(t *testing.T) {
	body := `{"schemaVersion":2,"artifactType":"x/y","subject":` + descriptorJSON(MediaTypeOCIManifest, "s") + `,"annotations":{"a":"1","A":"2"},"config":` +
		descriptorJSON(MediaTypeOCIConfig, "{}") + `,"layers":[` + descriptorJSON(ociLayer+"; x=y", "one", `,"urls":["https://a"],"annotations":{"k":"v"}`) + `]}`
	m, err := ParseManifest("", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if m.ArtifactType != "x/y" || m.Subject == nil || m.Subject.Digest != DigestOf([]byte("s")) || m.Annotations["A"] != "2" || m.Config.Size != 2 {
		t.Errorf("%+v", m)
	}
	l := m.Layers[0]
	if l.MediaType != ociLayer || l.Size != 3 || l.URLs[0] != "https://a" || l.Annotations["k"] != "v" {
		t.Errorf("%+v", l)
	}
	i := index(t, "linux/arm64/v8", "windows@10.0.1/amd64", "")
	if p := i.Manifests[0].Platform; *p != (Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}) {
		t.Errorf("%+v", p)
	}
	if p := i.Manifests[1].Platform; p.OSVersion != "10.0.1" {
		t.Errorf("%+v", p)
	}
	if i.Manifests[2].Platform != nil {
		t.Errorf("%+v", i.Manifests[2].Platform)
	}
}

func TestParseManifest_refuses(t *testing.T) {
	config, layer, child := descriptorJSON(MediaTypeOCIConfig, "{}"), descriptorJSON(ociLayer, "l"), descriptorJSON(MediaTypeOCIManifest, "m")
	withLayer := func(l string) string { return `{"schemaVersion":2,"config":` + config + `,"layers":[` + l + `]}` }
	for name, test := range map[string]struct{ body, says string }{
		"empty":                        {"", "empty"},
		"web_page":                     {"\n<!DOCTYPE html><title>Sign in</title>", "web page"},
		"not_json":                     {`{"schemaVersion":2,`, "not valid JSON"},
		"trailing_text":                {withLayer(layer) + "{}", "not valid JSON"},
		"a_list":                       {`[]`, "not a JSON object"},
		"nothing_in_it":                {`{"schemaVersion":2}`, "neither layers nor manifests"},
		"an_error_document":            {`{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, "no manifest"},
		"index_and_layers":             {`{"schemaVersion":2,"manifests":[` + child + `],"layers":[` + layer + `]}`, "mixes"},
		"index_and_config":             {`{"schemaVersion":2,"manifests":[` + child + `],"config":` + config + `}`, "mixes"},
		"empty_index_and_layers":       {`{"schemaVersion":2,"manifests":[],"config":` + config + `,"layers":[` + layer + `]}`, "mixes"},
		"schema_1_and_layers":          {`{"schemaVersion":2,"fsLayers":[],"config":` + config + `,"layers":[]}`, "mixes"},
		"index_that_says_manifest":     {`{"schemaVersion":2,"mediaType":"` + MediaTypeOCIManifest + `","manifests":[` + child + `]}`, "says it is an image manifest but has the members of an index"},
		"manifest_that_says_list":      {`{"schemaVersion":2,"mediaType":"` + MediaTypeDockerList + `","config":` + config + `}`, "says it is an index"},
		"members_twice":                {`{"schemaVersion":2,"config":` + config + `,"layers":[],"layers":[` + layer + `]}`, "differently"},
		"members_twice_in_other_case":  {`{"schemaVersion":2,"config":` + config + `,"layers":[],"LAYERS":[` + layer + `]}`, "differently"},
		"members_twice_by_escape":      {`{"schemaVersion":2,"config":` + config + `,"layers":[],"layer\u0073":[` + layer + `]}`, "differently"},
		"members_twice_by_folding":     {`{"schemaVersion":2,"config":` + config + `,"layers":[],"layer\u017f":[` + layer + `]}`, "differently"},
		"digest_twice":                 {withLayer(`{"mediaType":"x","size":1,"digest":"` + string(sha) + `","Digest":"` + string(sha) + `"}`), "differently"},
		"wrong_version":                {`{"schemaVersion":3,"config":` + config + `}`, "schemaVersion"},
		"no_config":                    {`{"schemaVersion":2,"layers":[]}`, "no config"},
		"layers_that_are_no_list":      {`{"schemaVersion":2,"config":` + config + `,"layers":{}}`, "malformed: its layers has the wrong type, object"},
		"negative_size":                {withLayer(`{"size":-1,"digest":"` + string(sha) + `"}`), "layer 1 has the negative size -1"},
		"impossible_size":              {withLayer(`{"size":9223372036854775807,"digest":"` + string(sha) + `"}`), "impossible size"},
		"size_too_big_to_read":         {withLayer(`{"size":92233720368547758070,"digest":"` + string(sha) + `"}`), "malformed"},
		"fractional_size":              {withLayer(`{"size":1.5,"digest":"` + string(sha) + `"}`), "malformed"},
		"size_as_text":                 {withLayer(`{"size":"1","digest":"` + string(sha) + `"}`), "size has the wrong type, string"},
		"no_size":                      {withLayer(`{"digest":"` + string(sha) + `"}`), "no size"},
		"no_digest":                    {withLayer(`{"size":1}`), "digest of layer 1"},
		"short_digest":                 {withLayer(`{"size":1,"digest":"sha256:abc"}`), "hexadecimal characters"},
		"path_as_digest":               {withLayer(`{"size":1,"digest":"../../etc/passwd"}`), "no algorithm"},
		"null_layer":                   {withLayer("null"), "digest of layer 1"},
		"malformed_config":             {`{"config":{"size":1,"digest":"x"},"layers":[]}`, "digest of config"},
		"malformed_subject":            {`{"config":` + config + `,"subject":{"size":1}}`, "digest of subject"},
		"malformed_child":              {`{"manifests":[{"size":1,"digest":"x"}]}`, "digest of child 1"},
		"odd_platform":                 {`{"manifests":[{"size":1,"digest":"` + string(sha) + `","platform":{"os":"li nux\n","architecture":"amd64"}}]}`, "odd part"},
		"too_many_layers":              {withLayer(strings.TrimSuffix(strings.Repeat(layer+",", MaxLayers+1), ",")), "the limit is 1000"},
		"too_many_children":            {`{"manifests":[` + strings.TrimSuffix(strings.Repeat(child+",", MaxChildren+1), ",") + `]}`, "the limit is 1000"},
		"too_many_members":             {`{"config":` + config + `,"x":[` + strings.Repeat("0,", 20_000) + `0]}`, "more than 10000 members"},
		"long_annotations":             {`{"config":` + config + `,"annotations":{"a":"` + strings.Repeat("x", MaxAnnotationBytes) + `"}}`, "annotations are longer"},
		"long_annotations_of_layers":   {withLayer(strings.TrimSuffix(strings.Repeat(descriptorJSON(ociLayer, "l", `,"annotations":{"a":"`+strings.Repeat("x", 300_000)+`"}`)+",", 4), ",")), "annotations are longer"},
		"annotation_that_is_no_text":   {`{"config":` + config + `,"annotations":{"a":1}}`, "annotations"},
		"too_deep":                     {`{"config":` + config + `,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested deeper than 64"},
		"far_too_deep":                 {`{"x":` + strings.Repeat("[", 1_000_000), "not valid JSON"},
		"too_big":                      {`{"x":"` + strings.Repeat("x", MaxManifestBytes) + `"}`, "the limit is"},
		"schema_1_without_layers":      {`{"schemaVersion":1,"fsLayers":[],"history":[]}`, "no layers"},
		"schema_1_of_unequal_lengths":  {`{"schemaVersion":1,"fsLayers":[{"blobSum":"` + string(sha) + `"}],"history":[]}`, "1 layers but 0 history"},
		"schema_1_with_a_wrong_digest": {`{"schemaVersion":1,"fsLayers":[{"blobSum":"x"}],"history":[{"v1Compatibility":"{}"}]}`, "digest of layer 1"},
		"schema_1_with_broken_history": {`{"schemaVersion":1,"fsLayers":[{"blobSum":"` + string(sha) + `"}],"history":[{"v1Compatibility":"{"}]}`, "history entry 1 is not valid JSON"},
		"schema_1_with_version_2":      {`{"schemaVersion":2,"fsLayers":[{"blobSum":"` + string(sha) + `"}],"history":[{"v1Compatibility":"{}"}]}`, "schemaVersion 2"},
		"schema_1_signing_nothing":     {`{"schemaVersion":1,"fsLayers":[],"signatures":[{"protected":"e30"}]}`, "does not say what it signs"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest(MediaTypeOCIManifest, []byte(test.body))
			if err == nil {
				t.Fatalf("accepted as %s", m.MediaType)
			}
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("code %q", fault.CodeOf(err))
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q does not say %q", err, test.says)
			}
			if len(err.Error()) > 2000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestNotImage(t *testing.T) {
	manifest := func(configType, artifactType string, layerTypes ...string) string {
		var layers []string
		for _, l := range layerTypes {
			layers = append(layers, descriptorJSON(l, "l"))
		}
		return `{"schemaVersion":2,"artifactType":"` + artifactType + `","config":` + descriptorJSON(configType, "{}") + `,"layers":[` + strings.Join(layers, ",") + `]}`
	}
	for name, test := range map[string]struct{ body, says string }{
		"an_image":                    {manifest(MediaTypeOCIConfig, "", ociLayer), ""},
		"a_docker_image":              {manifest(MediaTypeDockerConfig, "", MediaTypeDockerLayer, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), ""},
		"an_image_without_layers":     {manifest(MediaTypeOCIConfig, ""), ""},
		"zstd_layers":                 {manifest(MediaTypeOCIConfig, "", "application/vnd.oci.image.layer.v1.tar+zstd"), ""},
		"an_old_generic_config":       {manifest("application/octet-stream", "", MediaTypeDockerLayer), ""},
		"an_image_in_disguise":        {manifest(MediaTypeOCIConfig, "application/vnd.cncf.helm.chart", ociLayer), ""},
		"a_helm_chart":                {manifest("application/vnd.cncf.helm.config.v1+json", "", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"), "a Helm chart"},
		"a_cosign_signature":          {manifest(MediaTypeOCIConfig, "", "application/vnd.dev.cosign.simplesigning.v1+json"), "a cosign signature"},
		"a_sigstore_bundle":           {manifest(MediaTypeOCIEmpty, "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle.v0.3+json"), "a Sigstore bundle"},
		"a_notation_signature":        {manifest("application/vnd.cncf.notary.signature", "", "application/jose+json"), "a Notary Project signature"},
		"a_buildkit_attestation":      {manifest(MediaTypeOCIConfig, "", "application/vnd.in-toto+json"), "an attestation"},
		"a_new_buildkit_attestation":  {manifest(MediaTypeOCIEmpty, "application/vnd.docker.attestation.manifest.v1+json", "application/vnd.in-toto+json"), "an attestation"},
		"an_sbom":                     {manifest(MediaTypeOCIConfig, "", "text/spdx+json"), "SBOM"},
		"an_sbom_by_artifact_type":    {manifest(MediaTypeOCIEmpty, "application/spdx+json", "application/spdx+json"), "SBOM"},
		"a_wasm_module":               {manifest("application/vnd.wasm.config.v0+json", "", "application/wasm"), "a WebAssembly module"},
		"a_model":                     {manifest(MediaTypeDockerConfig, "", "application/vnd.ollama.image.model"), "an AI model"},
		"a_build_cache":               {manifest("application/vnd.buildkit.cacheconfig.v0", "", ociLayer), "a BuildKit build cache"},
		"a_file_pushed_by_oras":       {manifest("application/vnd.unknown.config.v1+json", "", ociLayer), "an artifact of type"},
		"an_artifact_of_unknown_type": {manifest(MediaTypeOCIEmpty, "application/vnd.example.thing", "text/plain"), `an artifact of type "application/vnd.example.thing"`},
		"nothing_known":               {manifest("", "", ""), "an artifact without a type"},
		"an_artifact_manifest":        {`{"mediaType":"` + MediaTypeOCIArtifact + `","artifactType":"application/vnd.example.thing"}`, "application/vnd.example.thing"},
		"an_index_of_images":          {`{"manifests":[` + descriptorJSON(MediaTypeOCIManifest, "m") + `]}`, ""},
		"an_empty_index":              {`{"manifests":[]}`, ""},
		"a_referrers_index":           {`{"manifests":[` + descriptorJSON(MediaTypeOCIManifest, "m", `,"artifactType":"application/vnd.dev.cosign.artifact.sig.v1+json"`) + `]}`, "a cosign signature"},
		"a_cache_index":               {`{"manifests":[` + descriptorJSON(ociLayer, "l") + `,` + descriptorJSON("application/vnd.buildkit.cacheconfig.v0", "c") + `]}`, "a BuildKit build cache"},
		"an_index_of_nothing_known":   {`{"manifests":[` + descriptorJSON("text/plain", "l") + `]}`, "artifacts that are no images"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest("", []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.NotImage(); (got == "") != (test.says == "") || !strings.Contains(got, test.says) {
				t.Fatalf("%q", got)
			}
		})
	}
}

func schema1JSON(layers []Digest, compatibility ...string) string {
	var fs, history []string
	for i := range layers {
		text, _ := json.Marshal(compatibility[i])
		fs = append(fs, `      {"blobSum": "`+string(layers[i])+`"}`)
		history = append(history, `      {"v1Compatibility": `+string(text)+`}`)
	}
	return "{\n   \"schemaVersion\": 1,\n   \"name\": \"org/app\",\n   \"tag\": \"1\",\n   \"architecture\": \"amd64\",\n   \"fsLayers\": [\n" +
		strings.Join(fs, ",\n") + "\n   ],\n   \"history\": [\n" + strings.Join(history, ",\n") + "\n   ]\n}"
}

func signJSON(payload string) string {
	cut := strings.LastIndex(payload, "\n}")
	encode := base64.RawURLEncoding.EncodeToString
	protected := encode(fmt.Appendf(nil, `{"formatLength":%d,"formatTail":%q,"time":"2016-01-01T00:00:00Z"}`, cut, encode([]byte(payload[cut:]))))
	return payload[:cut] + ",\n   \"signatures\": [{\"header\": {\"alg\": \"ES256\"}, \"signature\": \"c2ln\", \"protected\": \"" + protected + "\"}]\n}"
}

func TestParseManifest_schema1(t *testing.T) {
	base, top := DigestOf([]byte("base")), DigestOf([]byte("top"))
	payload := schema1JSON([]Digest{DigestOf([]byte("thrown away")), top, top, emptyLayer, base},
		`{"id":"e","throwaway":true}`, `{"id":"d"}`, `{"id":"d"}`, `{"id":"b"}`, `{"id":"a"}`)
	for name, body := range map[string]string{"unsigned": payload, "signed": signJSON(payload)} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest("application/vnd.docker.distribution.manifest.v1+prettyjws; charset=utf-8", []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]string{"unsigned": MediaTypeDockerSchema1, "signed": MediaTypeDockerSchema1Signed}[name]; m.MediaType != want {
				t.Errorf("media type %s", m.MediaType)
			}
			if m.Digest != DigestOf([]byte(payload)) || m.Verify(DigestOf([]byte(payload))) != nil || string(m.Raw) != body {
				t.Errorf("digest %s is not that of what is signed", m.Digest)
			}
			if len(m.Layers) != 2 || m.Layers[0].Digest != base || m.Layers[1].Digest != top || m.Layers[0].Size != SizeUnknown {
				t.Errorf("%+v", m.Layers)
			}
			if len(m.history) != 4 || m.NotImage() != "" {
				t.Errorf("%d entries, %s", len(m.history), m.NotImage())
			}
		})
	}
	t.Run("unsigned_members_do_not_count", func(t *testing.T) {
		body := signJSON(payload)
		body = strings.TrimSuffix(body, "}") + `,"architecture2":"x"}`
		m, err := ParseManifest("", []byte(body))
		if err != nil || m.Digest != DigestOf([]byte(payload)) {
			t.Fatal(m, err)
		}
	})
	t.Run("signed_text_of_another_kind_is_refused", func(t *testing.T) {
		encode := base64.RawURLEncoding.EncodeToString
		tail := `{"schemaVersion":2,"manifests":[]}`
		protected := encode(fmt.Appendf(nil, `{"formatLength":1,"formatTail":%q}`, encode([]byte(tail))))
		body := strings.Replace(schema1JSON([]Digest{base}, `{}`), "{", " {\"signatures\":[{\"protected\":\""+protected+"\"}],", 1)
		if m, err := ParseManifest("", []byte(body)); fault.CodeOf(err) != fault.Invalid || err == nil {
			t.Fatal(m, err)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	payload := schema1JSON([]Digest{emptyLayer, sha}, `{"id":"e","throwaway":true}`, `{"id":"d"}`)
	for _, seed := range []string{
		imageJSON("{}", "a", "b"), `{"manifests":[` + descriptorJSON(MediaTypeOCIManifest, "m", `,"platform":{"os":"linux","architecture":"arm64","variant":"v8"}`) + `,` + descriptorJSON(MediaTypeOCIIndex, "n") + `]}`,
		payload, signJSON(payload), `{"mediaType":"` + MediaTypeOCIArtifact + `","blobs":[]}`, `{"layers":[],"layer\u0073":[]}`, `{"x":[[[{"a":"\\\""}]]]}`, "<html>", "null",
	} {
		f.Add(MediaTypeOCIManifest+"; charset=utf-8", []byte(seed))
		f.Add("", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, contentType string, raw []byte) {
		m, err := ParseManifest(contentType, raw)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || len(err.Error()) > 4000 {
				t.Fatalf("%v", err)
			}
			return
		}
		if m.IsIndex != (shapeOf(m.MediaType) == indexShape) || m.Verify(m.Digest) != nil || shapeOf(m.MediaType) == unknownShape {
			t.Fatalf("%+v", m)
		}
		for _, d := range append(append([]Descriptor{}, m.Manifests...), m.Layers...) {
			if _, err := ParseDigest(string(d.Digest)); err != nil || d.Size < 0 && shapeOf(m.MediaType) != schema1Shape {
				t.Fatalf("%+v", d)
			}
		}
		m.NotImage()
		if m.IsIndex {
			d, err := m.Select(Platform{OS: "linux", Architecture: "amd64"})
			if err == nil && d.Platform != nil && (d.Platform.OS != "linux" || d.Platform.Architecture != "amd64") {
				t.Fatalf("selected %v", d.Platform)
			}
			if err != nil && fault.CodeOf(err) != fault.NotFound {
				t.Fatal(err)
			}
		}
		again, err := ParseManifest(m.MediaType, raw)
		if err != nil || again.MediaType != m.MediaType || again.Digest != m.Digest {
			t.Fatalf("%+v then %+v, %v", m, again, err)
		}
	})
}
