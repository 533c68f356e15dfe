package exception_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vex"
)

var openssl = exception.KnownComponent{
	Component: exception.Component{Name: "libssl3", Version: "3.0.2-1", SourceName: "openssl", SourceVersion: "3.0.2"}, PURL: "pkg:deb/debian/libssl3@3.0.2-1?arch=amd64",
}

func wantValid(t *testing.T, document []byte) {
	t.Helper()
	raw, err := os.ReadFile("testdata/openvex_json_schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = c.AddResource("https://schemas.test/openvex", parsed)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.AssertFormat()
	schema, err := c.Compile("https://schemas.test/openvex")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, document)
	}
}

// What a document says of an exception, our reader of VEX documents says of the same findings.
func TestOpenVEX_is_read_back_about_the_same_findings(t *testing.T) {
	known := []exception.Known{{Image: app, Components: []exception.KnownComponent{openssl}}}
	for name, c := range map[string]struct {
		replace     []string
		known       []exception.Known
		want        vex.Status // "" for nothing
		also        bool       // of another component, too
		elsewhere   bool       // in another tag of the repository, too
		left, words string
	}{
		"accepted for a component": {known: known, want: vex.Affected, words: "Accepted by alice until 2027-01-31: Only reached from inside."},
		"false positive with a justification": {
			replace: []string{"kind: accepted", "kind: false-positive\n  justification: component_not_present"}, known: known, want: vex.NotAffected, words: "component not present",
		},
		"false positive without":       {replace: []string{"kind: accepted", "kind: false-positive"}, known: known, want: vex.NotAffected, words: "Only reached from inside."},
		"all of an image by name":      {replace: []string{`["openssl@3.0.*"]`, "[]", "registry.example/team/**", "registry.example/team/app"}, want: vex.Affected, also: true, elsewhere: true},
		"all of an image by tag":       {replace: []string{`["openssl@3.0.*"]`, "[]", "registry.example/team/**", "registry.example/team/app:1.2"}, want: vex.Affected, also: true},
		"all of an image by digest":    {replace: []string{`["openssl@3.0.*"]`, "[]", "registry.example/team/**", string(digest)}, want: vex.Affected, also: true},
		"all of an image by a pattern": {replace: []string{`["openssl@3.0.*"]`, "[]"}, known: known, want: vex.Affected, also: true},
		"a pattern that nothing fits":  {replace: []string{`["openssl@3.0.*"]`, "[]"}, left: "no known image fits"},
		"a component of nothing known": {replace: []string{"registry.example/team/**", "registry.example/team/app"}, left: "no known image fits"},
		"any vulnerability":            {replace: []string{"CVE-2024-1234", `"*"`}, known: known, left: "whatever vulnerability"},
		"expired":                      {replace: []string{"2027-01-31", "2026-01-01"}, known: known},
	} {
		t.Run(name, func(t *testing.T) {
			list := parse(t, strings.NewReplacer(c.replace...).Replace(valid))
			document, left, err := exception.OpenVEX(list, c.known, "Us", now)
			if c.want == "" {
				if fault.CodeOf(err) != fault.NotFound || (len(left) > 0) != (c.left != "") || c.left != "" && !strings.Contains(err.Error(), c.left) {
					t.Errorf("%s, %v, %v", document, left, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantValid(t, document)
			shelf := vex.NewShelf(vex.Dir(t.TempDir()), time.Now)
			if _, err := shelf.Import(context.Background(), document); err != nil {
				t.Fatal(err)
			}
			set, err := shelf.Current(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			ask := func(ref string, digests []image.Digest, purl string) *vex.Statement {
				component := vex.Component{PURL: purl}
				return set.About(&vex.Image{Reference: reference(ref), Digests: digests, Components: []vex.Component{component}}, []string{"CVE-2024-1234"}, component)
			}
			said := ask("registry.example/team/app:1.2", app.Digests, openssl.PURL)
			if said == nil || said.Status != c.want || said.Author != "Us" || c.words != "" && said.Why() != c.words {
				t.Fatalf("%+v\n%s", said, document)
			}
			if other := ask("registry.example/team/app:1.2", app.Digests, "pkg:deb/debian/bash@5"); (other != nil) != c.also {
				t.Errorf("of another component: %+v", other)
			}
			if other := ask("registry.example/team/app:2", nil, openssl.PURL); (other != nil) != c.elsewhere {
				t.Errorf("of another tag: %+v", other)
			}
		})
	}
}
