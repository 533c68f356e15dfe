package sbom

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/scan"
)

const (
	someDigest  = "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b"
	otherDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

// example has a package of every kind that is written in its own way.
func example() *Document {
	return &Document{
		Name: "registry.example/team/app", Created: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Tool: "landwaiter 1.2.3",
		Image: Image{Reference: "registry.example/team/app:1.2", Digest: otherDigest, ManifestDigest: someDigest, Platform: "linux/amd64"},
		OS:    &scan.OS{ID: "debian", VersionID: "12", Codename: "bookworm", Name: "Debian GNU/Linux 12 (bookworm)"},
		Components: []Component{
			{Component: scan.Component{
				Name: "libssl3", Version: "3.0.11-1", Type: "deb", Ecosystem: "Debian:12", PURL: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=bookworm",
				SourceName: "openssl", Architecture: "amd64", Location: "/var/lib/dpkg/status", Layer: someDigest,
			}, Line: 1, Instruction: "ADD rootfs.tar /"},
			{Component: scan.Component{
				Name: "zlib1g", Version: "1:1.2.13", Type: "deb", Ecosystem: "Debian:12", PURL: "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64&distro=bookworm",
				SourceName: "zlib", SourceVersion: "1:1.2.13.dfsg", Architecture: "amd64", Location: "/var/lib/dpkg/status", Layer: someDigest,
				Licenses: []string{"Zlib", "Something of its own"},
			}},
			{Component: scan.Component{
				Name: "github.com/BurntSushi/toml", Version: "v1.2.0", Type: "golang", Ecosystem: "Go", PURL: "pkg:golang/github.com/burntsushi/toml@v1.2.0",
				Location: "/app/server", Layer: otherDigest, LayerIndex: 1, Module: "go-toolset:rhel8:1:2",
			}, Line: 3, Instruction: "RUN make <&> \"all\""},
			{Component: scan.Component{
				Name: "lodash", Version: "4.17.15", Type: "npm", Ecosystem: "npm", PURL: "pkg:npm/lodash@4.17.15",
				Location: "/app/node_modules/lodash/package.json", Layer: otherDigest, LayerIndex: 1, Licenses: []string{"MIT OR Apache-2.0"},
			}},
			{Component: scan.Component{
				Name: "lodash", Version: "4.17.15", Type: "npm", Ecosystem: "npm", PURL: "pkg:npm/lodash@4.17.15",
				Location: "/opt/node_modules/lodash/package.json", Layer: otherDigest, LayerIndex: 1, Licenses: []string{"See LICENSE"},
			}},
			{Component: scan.Component{
				Name: "nothing", Version: "", Type: "pypi", Ecosystem: "PyPI", PURL: "pkg:pypi/nothing", Location: "/x", Layer: otherDigest, LayerIndex: 1,
				Licenses: []string{"GPL-2.0", "MIT"},
			}},
		},
	}
}

// schema compiles a published schema of testdata.
func schema(t testing.TB, f Format) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for url, file := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json":  "bom-1.6.schema.json",
		"http://cyclonedx.org/schema/spdx.schema.json":     "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schema.json",
		"https://schemas.test/spdx":                        "spdx-2.3.schema.json",
		"https://schemas.test/spdx3":                       "spdx-3.0.1.schema.json",
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", "schemas", file))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, document); err != nil {
			t.Fatal(err)
		}
	}
	c.AssertFormat()
	c.UseRegexpEngine(expression)
	s, err := c.Compile(map[Format]string{
		CycloneDX: "http://cyclonedx.org/schema/bom-1.6.schema.json", SPDX: "https://schemas.test/spdx", SPDX3: "https://schemas.test/spdx3",
	}[f])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expression compiles a schema's pattern. One of SPDX's looks ahead, which Go's expressions cannot.
func expression(pattern string) (jsonschema.Regexp, error) {
	if rest, ok := strings.CutPrefix(pattern, "^(?!_:)"); ok {
		r, err := regexp.Compile("^" + rest)
		return notBlank{r}, err
	}
	return regexp.Compile(pattern)
}

type notBlank struct{ *regexp.Regexp }

func (n notBlank) MatchString(s string) bool {
	return !strings.HasPrefix(s, "_:") && n.Regexp.MatchString(s)
}

func write(t testing.TB, f Format, d *Document) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, f, d); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func validate(t *testing.T, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(document)
}

func TestDocuments_are_valid_and_can_be_read_back(t *testing.T) {
	partial := example()
	partial.Gaps = []string{"/var/lib/rpm/Packages cannot be read", "a layer could not be read"}
	empty := &Document{Name: "x", Tool: "landwaiter", Created: time.Unix(0, 0), Image: Image{Reference: "x"}}
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) {
			s := schema(t, f)
			for _, d := range []*Document{example(), partial, empty} {
				raw := write(t, f, d)
				if err := validate(t, s, raw); err != nil {
					t.Fatalf("%v\n%s", err, raw)
				}
				if again := write(t, f, d); !bytes.Equal(raw, again) {
					t.Error("the same document is written in two ways")
				}
				got, err := Parse(raw)
				if err != nil {
					t.Fatalf("%v\n%s", err, raw)
				}
				if got.Format != f || got.SpecVersion == "" || got.Digest == "" {
					t.Errorf("%s %q %s", got.Format, got.SpecVersion, got.Digest)
				}
				want := *d
				want.sort()
				compare(t, &want, got)
			}
			broken := bytes.Replace(write(t, f, example()), []byte(`"name":`), []byte(`"nickname":`), 1)
			if err := validate(t, s, broken); err == nil {
				t.Error("the schema accepts anything")
			}
		})
	}

	t.Run("an identifier follows from the content", func(t *testing.T) {
		changed := example()
		changed.Components[0].Version = "3.0.12-1"
		if id(t, write(t, CycloneDX, example())) == id(t, write(t, CycloneDX, changed)) {
			t.Error("two documents have the same serial number")
		}
	})
}

func id(t *testing.T, raw []byte) string {
	t.Helper()
	var d struct{ SerialNumber string }
	if err := json.Unmarshal(raw, &d); err != nil || d.SerialNumber == "" {
		t.Fatal(err)
	}
	return d.SerialNumber
}

// compare looks at what every format can hold.
func compare(t *testing.T, want, got *Document) {
	t.Helper()
	if got.Name != want.Name || !got.Created.Equal(want.Created) || got.Tool != want.Tool || got.Image != want.Image {
		t.Errorf("%s %s %q %+v", got.Name, got.Created, got.Tool, got.Image)
	}
	if !reflect.DeepEqual(got.OS, want.OS) || !reflect.DeepEqual(got.Gaps, want.Gaps) {
		t.Errorf("%+v %q", got.OS, got.Gaps)
	}
	if len(got.Components) != len(want.Components) {
		t.Fatalf("%d components: %+v", len(got.Components), got.Components)
	}
	for i, g := range got.Components {
		w := want.Components[i]
		g.Licenses, w.Licenses = normal(g.Licenses), normal(w.Licenses)
		if !reflect.DeepEqual(g, w) {
			t.Errorf("read   %+v\nwanted %+v", g, w)
		}
	}
}

// normal leaves aside what an expression cannot tell apart.
func normal(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return strings.Split(strings.Join(list, " AND "), " AND ")
}

func TestParse_says_what_is_wrong_and_where(t *testing.T) {
	for document, want := range map[string]string{
		``:                           "not JSON",
		"<bom/>":                     "not JSON",
		"SPDXVersion: SPDX-2.3":      "not JSON",
		"{\n  \"bomFormat\": }":      "line 2, column 16",
		`{"bomFormat":"CycloneDX"`:   "line 1, column",
		`{"a":1}`:                    "neither CycloneDX nor SPDX",
		`[]`:                         "must not be of the type array",
		`{"spdxVersion":"SPDX-1.2"}`: "SPDX-1.2",
		`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":7}]}`:                                                                              "components.name",
		`{"bomFormat":"CycloneDX","specVersion":"9.9"}`:                                                                                                                         "specVersion",
		`{"payloadType":"application/vnd.in-toto+json","payload":""}`:                                                                                                           "signed envelope",
		`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[null]}`:                                                                                         "element 1 is null",
		`{"reference":"x","scan":{"status":"not scanned","reason":"the registry is gone"}}`:                                                                                     "the registry is gone",
		`{"bomFormat":"CycloneDX","specVersion":"1.6","components":` + strings.Repeat(`[{"type":"file","name":"a","components":`, 100) + `[]` + strings.Repeat(`}]`, 100) + `}`: "nested more than",
	} {
		_, err := Parse([]byte(document))
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", document, err, want)
		}
	}
}

func TestParse_keeps_components_with_odd_package_URLs(t *testing.T) {
	for _, document := range []string{
		`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","version":"1","purl":"nonsense"},{"type":"library","name":"b","version":"2","purl":"pkg:npm/b@2"}]}`,
		`{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","versionInfo":"1","primaryPackagePurpose":"LIBRARY","externalRefs":[{"referenceType":"purl","referenceLocator":"nonsense"}]},
			{"name":"b","versionInfo":"2","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/b@2"}]}]}`,
	} {
		d, err := Parse([]byte(document))
		if err != nil || len(d.Components) != 2 || d.Components[0].Name != "a" || d.Components[0].PURL != "" || d.Components[0].Type != "library" ||
			len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "a 1 has a package URL that cannot be read") {
			t.Errorf("%+v %v", d, err)
		}
	}
	many := strings.Repeat(`{"type":"library","name":"a","version":"1","purl":"nonsense"},`, 3*maxNotes)
	d, err := Parse([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + strings.TrimSuffix(many, ",") + `]}`))
	if err != nil || len(d.Notes) != maxNotes+1 || d.Notes[maxNotes] != "40 more problems like these" {
		t.Errorf("%v %v", d, err)
	}
}

func TestParse_of_other_tools(t *testing.T) {
	t.Run("Trivy's SPDX 2.2 names the system by its identifier", func(t *testing.T) {
		d, err := Parse([]byte(`{"spdxVersion":"SPDX-2.2","creationInfo":{"creators":["Organization: aquasecurity","Tool: trivy"]},"packages":[
			{"SPDXID":"SPDXRef-OperatingSystem-1","name":"centos","versionInfo":"7.6.1810"},
			{"SPDXID":"SPDXRef-Package-1","name":"bash","versionInfo":"4.2.46-31.el7","sourceInfo":"built package from: bash 4.2.46-31.el7",
			 "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:rpm/centos/bash@4.2.46-31.el7?arch=x86_64&distro=centos-7.6.1810"}]}]}`))
		if err != nil || len(d.Components) != 1 || d.OS == nil || d.OS.ID != "centos" || d.OS.VersionID != "7.6.1810" || d.OS.Name != "centos 7.6.1810" || d.Tool != "trivy" {
			t.Errorf("%+v %v", d, err)
		}
	})
	t.Run("Trivy's CycloneDX has the source in properties", func(t *testing.T) {
		d, err := Parse([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"libssl3","version":"3.0.11-1","purl":"pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12.5","properties":[
			{"name":"aquasecurity:trivy:LayerDigest","value":"` + someDigest + `"},{"name":"aquasecurity:trivy:SrcEpoch","value":"1"},{"name":"aquasecurity:trivy:SrcName","value":"openssl"},
			{"name":"aquasecurity:trivy:SrcRelease","value":"2"},{"name":"aquasecurity:trivy:SrcVersion","value":"3.0.11"}]},
			{"type":"application","name":"app/package-lock.json","version":"1","properties":[{"name":"aquasecurity:trivy:Class","value":"lang-pkgs"}]}]}`))
		if err != nil || len(d.Components) != 1 || d.Components[0].SourceName != "openssl" || d.Components[0].SourceVersion != "1:3.0.11-2" || d.Components[0].Layer != someDigest || d.Components[0].Ecosystem != "Debian:12" {
			t.Errorf("%+v %v", d, err)
		}
	})
	t.Run("an in-toto statement holds a document", func(t *testing.T) {
		d, err := Parse([]byte(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":` + string(write(t, SPDX, example())) + `}`))
		if err != nil || d.Format != SPDX || len(d.Components) != len(example().Components) {
			t.Errorf("%+v %v", d, err)
		}
	})
	t.Run("an SPDX 3 element may stand where it is referred to", func(t *testing.T) {
		d, err := Parse([]byte(`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
			{"type":"software_Package","spdxId":"urn:a","creationInfo":{"type":"CreationInfo","created":"2026-01-01T00:00:00Z"},"name":"left","software_packageVersion":"1",
			 "externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:npm/left@1"}]},
			{"type":"Relationship","spdxId":"urn:r","from":{"type":"software_Package","spdxId":"urn:a"},"relationshipType":"hasDeclaredLicense","to":["urn:l"]},
			{"type":"simplelicensing_LicenseExpression","spdxId":"urn:l","simplelicensing_licenseExpression":"MIT"}]}`))
		if err != nil || len(d.Components) != 1 || d.Components[0].Ecosystem != "npm" || len(d.Components[0].Licenses) != 1 {
			t.Errorf("%+v %v", d, err)
		}
	})
}

func TestParse_bounds(t *testing.T) {
	_, err := Read(&endless{start: []byte(`{"bomFormat":"CycloneDX","x":"`)})
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
	var many bytes.Buffer
	many.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a"}`)
	for range maxComponents {
		many.WriteString(`,{"type":"library","name":"a"}`)
	}
	many.WriteString(`]}`)
	if _, err := Parse(many.Bytes()); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "more than 200000 components") {
		t.Errorf("%v", err)
	}
}

type endless struct{ start []byte }

func (e *endless) Read(p []byte) (int, error) {
	if len(e.start) > 0 {
		n := copy(p, e.start)
		e.start = e.start[n:]
		return n, nil
	}
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
