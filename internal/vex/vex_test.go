package vex_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vex"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var (
	program = vex.Component{PURL: "pkg:golang/example.com/app@v1.0.0", Location: "/app"}
	stdlib  = vex.Component{PURL: "pkg:golang/stdlib@1.22.0", Location: "/app"}
	libssl  = vex.Component{PURL: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12", SourceName: "openssl", Location: "/var/lib/dpkg/status"}
)

func app(t testing.TB) *vex.Image {
	t.Helper()
	ref, err := image.ParseReference("registry.example/team/app:1.2")
	if err != nil {
		t.Fatal(err)
	}
	return &vex.Image{Reference: ref, Digests: []image.Digest{digest}, Architecture: "amd64", Components: []vex.Component{program, stdlib, libssl}}
}

// said is the status that documents give CVE-2026-1 of a component; "" for none.
func said(t testing.TB, c vex.Component, documents ...string) vex.Status {
	t.Helper()
	var parsed []*vex.Document
	for _, d := range documents {
		doc, err := vex.Parse([]byte(d))
		if err != nil {
			t.Fatal(err, fault.FixOf(err))
		}
		parsed = append(parsed, doc)
	}
	if s := vex.NewSet("test", parsed).About(app(t), []string{"DEBIAN-CVE-2026-1", "CVE-2026-1"}, c); s != nil {
		return s.Status
	}
	return ""
}

// openVEX is a document with one statement of not_affected about CVE-2026-1.
func openVEX(product string) string {
	return `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://vendor.example/1","author":"Vendor","timestamp":"2026-01-02T03:04:05Z","version":1,
		"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[` + product + `],"status":"not_affected","justification":"vulnerable_code_not_present"}]}`
}

func TestProducts(t *testing.T) {
	part := `,"subcomponents":[{"@id":"pkg:deb/debian/libssl3"}]`
	for name, c := range map[string]struct {
		product   string
		component vex.Component
		matches   bool
	}{
		"image_by_digest":                        {`{"@id":"pkg:oci/app@` + digest + `"}`, libssl, true},
		"image_by_escaped_digest":                {`{"@id":"pkg:oci/app@sha256%3A` + digest[7:] + `"}`, libssl, true},
		"image_of_another_digest":                {`{"@id":"pkg:oci/app@sha256:` + strings.Repeat("b", 64) + `"}`, libssl, false},
		"image_of_another_name":                  {`{"@id":"pkg:oci/db@` + digest + `"}`, libssl, false},
		"image_by_repository":                    {`{"@id":"pkg:oci/app?repository_url=registry.example/team/app"}`, libssl, true},
		"image_by_repository_without_name":       {`{"@id":"pkg:oci/app?repository_url=registry.example/team"}`, libssl, true},
		"image_by_another_repository":            {`{"@id":"pkg:oci/app?repository_url=registry.example/other/app"}`, libssl, false},
		"image_by_tag":                           {`{"@id":"pkg:oci/app?repository_url=registry.example/team/app&tag=1.2"}`, libssl, true},
		"image_by_another_tag":                   {`{"@id":"pkg:oci/app?repository_url=registry.example/team/app&tag=1.3"}`, libssl, false},
		"image_of_another_architecture":          {`{"@id":"pkg:oci/app@` + digest + `?arch=arm64"}`, libssl, false},
		"image_by_docker_purl":                   {`{"@id":"pkg:docker/team/app@1.2?repository_url=registry.example"}`, libssl, true},
		"image_of_docker_hub":                    {`{"@id":"pkg:docker/team/app@1.2"}`, libssl, false},
		"image_by_reference":                     {`{"@id":"registry.example/team/app:1.2"}`, libssl, true},
		"image_by_reference_with_another_tag":    {`{"@id":"registry.example/team/app"}`, libssl, false},
		"image_by_hash":                          {`{"@id":"https://vendor.example/app","hashes":{"sha-256":"` + digest[7:] + `"}}`, libssl, true},
		"image_by_name_but_of_another_hash":      {`{"@id":"registry.example/team/app:1.2","hashes":{"sha-256":"` + strings.Repeat("b", 64) + `"}}`, libssl, false},
		"image_by_identifier":                    {`{"@id":"https://vendor.example/app","identifiers":{"purl":"pkg:oci/app@` + digest + `"}}`, libssl, true},
		"part_of_the_image":                      {`{"@id":"pkg:oci/app@` + digest + `"` + part + `}`, libssl, true},
		"another_part_of_the_image":              {`{"@id":"pkg:oci/app@` + digest + `"` + part + `}`, stdlib, false},
		"part_of_another_image":                  {`{"@id":"registry.example/team/db:1"` + part + `}`, libssl, false},
		"component":                              {`{"@id":"pkg:deb/debian/libssl3@3.0.11-1"}`, libssl, true},
		"component_of_any_version":               {`{"@id":"pkg:deb/debian/libssl3"}`, libssl, true},
		"component_of_another_version":           {`{"@id":"pkg:deb/debian/libssl3@3.0.12-1"}`, libssl, false},
		"component_of_another_distribution":      {`{"@id":"pkg:deb/ubuntu/libssl3"}`, libssl, false},
		"component_of_another_release":           {`{"@id":"pkg:deb/debian/libssl3?distro=debian-11"}`, libssl, false},
		"source_package":                         {`{"@id":"pkg:deb/debian/openssl@3.0.11-1?arch=source"}`, libssl, true},
		"source_package_of_another_version":      {`{"@id":"pkg:deb/debian/openssl@3.0.12-1?arch=source"}`, libssl, false},
		"binary_package_called_as_the_source":    {`{"@id":"pkg:deb/debian/openssl"}`, libssl, false},
		"module_in_a_program":                    {`{"@id":"pkg:golang/example.com/app","subcomponents":[{"@id":"pkg:golang/stdlib"}]}`, stdlib, true},
		"module_in_a_program_of_another_version": {`{"@id":"pkg:golang/example.com/app@v2.0.0","subcomponents":[{"@id":"pkg:golang/stdlib"}]}`, stdlib, false},
		"module_in_another_program": {`{"@id":"pkg:golang/example.com/app","subcomponents":[{"@id":"pkg:golang/stdlib"}]}`,
			vex.Component{PURL: stdlib.PURL, Location: "/other"}, false},
		"plain_string_of_the_first_version": {`"pkg:oci/app@` + digest + `"`, libssl, true},
		"component_without_package_URL":     {`{"@id":"pkg:oci/app@` + digest + `"}`, vex.Component{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(t, c.component, openVEX(c.product)) == vex.NotAffected; got != c.matches {
				t.Errorf("it matches: %v", got)
			}
		})
	}

	t.Run("aliases_name_the_vulnerability", func(t *testing.T) {
		d := strings.Replace(openVEX(`{"@id":"pkg:oci/app@`+digest+`"}`), `{"name":"CVE-2026-1"}`, `{"name":"GHSA-1","aliases":["cve-2026-1"]}`, 1)
		if said(t, libssl, d) == "" {
			t.Error("it is not found")
		}
		if said(t, libssl, strings.Replace(d, "cve-2026-1", "CVE-2026-11", 1)) != "" {
			t.Error("another vulnerability's is found")
		}
	})
}

func TestNewestStatement(t *testing.T) {
	at := func(id, status, when string) string {
		d := strings.NewReplacer("https://vendor.example/1", id, "not_affected", status, "2026-01-02T03:04:05Z", when)
		return d.Replace(openVEX(`{"@id":"pkg:oci/app@` + digest + `"}`))
	}
	old, fresh := at("a", "not_affected", "2026-01-01T00:00:00Z"), at("b", "affected", "2026-02-01T00:00:00+01:00")
	for _, documents := range [][]string{{old, fresh}, {fresh, old}} {
		if got := said(t, libssl, documents...); got != vex.Affected {
			t.Errorf("%s", got)
		}
	}
	same := at("c", "affected", "2026-01-01T00:00:00Z")
	for _, documents := range [][]string{{old, same}, {same, old}} {
		if got := said(t, libssl, documents...); got != vex.Affected {
			t.Errorf("at the same time %s", got)
		}
	}
	own := strings.Replace(old, `"status"`, `"timestamp":"2026-03-01T00:00:00Z","status"`, 1)
	if got := said(t, libssl, fresh, own); got != vex.NotAffected {
		t.Errorf("a statement's own time does not count: %s", got)
	}
}

func cycloneDX(metadata, state, ref, versions string) string {
	return `{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,
		"metadata":{"timestamp":"2026-01-02T03:04:05Z","authors":[{"name":"Vendor"}]` + metadata + `},
		"components":[{"type":"library","bom-ref":"ssl","name":"libssl3","purl":"pkg:deb/debian/libssl3"},
			{"type":"application","name":"bundle","components":[{"type":"library","bom-ref":"inner","name":"libssl3","purl":"pkg:deb/debian/libssl3"}]}],
		"vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"` + state + `","justification":"code_not_reachable","detail":"never called"},
			"affects":[{"ref":"` + ref + `"` + versions + `}]}]}`
}

func TestCycloneDX(t *testing.T) {
	container := `,"component":{"type":"container","bom-ref":"image","name":"registry.example/team/app","version":"1.2"}`
	other := `,"component":{"type":"container","bom-ref":"image","name":"registry.example/team/db","version":"1.2"}`
	for name, c := range map[string]struct {
		document string
		want     vex.Status
	}{
		"component":                   {cycloneDX("", "not_affected", "ssl", ""), vex.NotAffected},
		"component_of_a_component":    {cycloneDX("", "false_positive", "inner", ""), vex.NotAffected},
		"resolved":                    {cycloneDX("", "resolved", "ssl", ""), vex.Fixed},
		"exploitable":                 {cycloneDX("", "exploitable", "ssl", ""), vex.Affected},
		"in_triage":                   {cycloneDX("", "in_triage", "ssl", ""), vex.UnderInvestigation},
		"image":                       {cycloneDX(container, "not_affected", "image", ""), vex.NotAffected},
		"component_of_the_image":      {cycloneDX(container, "not_affected", "ssl", ""), vex.NotAffected},
		"component_of_another_image":  {cycloneDX(other, "not_affected", "ssl", ""), ""},
		"package_URL":                 {cycloneDX("", "not_affected", "pkg:deb/debian/libssl3@3.0.11-1", ""), vex.NotAffected},
		"link_into_another_document":  {cycloneDX("", "not_affected", "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Adeb%2Fdebian%2Flibssl3", ""), vex.NotAffected},
		"version":                     {cycloneDX("", "not_affected", "ssl", `,"versions":[{"version":"3.0.11-1"}]`), vex.NotAffected},
		"version_that_is_unaffected":  {cycloneDX("", "not_affected", "ssl", `,"versions":[{"version":"3.0.11-1","status":"unaffected"}]`), vex.NotAffected},
		"another_version":             {cycloneDX("", "not_affected", "ssl", `,"versions":[{"version":"3.0.12-1"}]`), ""},
		"version_that_is_said_not_to": {cycloneDX("", "not_affected", "ssl", `,"versions":[{"version":"3.0.11-1","status":"affected"},{"version":"9","status":"unaffected"}]`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(t, libssl, c.document); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func csaf(product string) string {
	return `{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","publisher":{"category":"vendor","name":"Vendor","namespace":"https://vendor.example"},
		"tracking":{"id":"VENDOR-1","current_release_date":"2026-01-02T03:04:05Z","initial_release_date":"2026-01-01T00:00:00Z","status":"final","version":"1"}},
		"product_tree":{"branches":[{"category":"vendor","name":"V","branches":[
			{"category":"product_version","name":"image","product":{"product_id":"image","name":"app","product_identification_helper":{"purl":"pkg:oci/app@` + digest + `"}}},
			{"category":"product_version","name":"ssl","product":{"product_id":"ssl","name":"libssl3","product_identification_helper":{"purl":"pkg:deb/debian/libssl3@3.0.11-1"}}},
			{"category":"product_name","name":"platform","product":{"product_id":"platform","name":"platform","product_identification_helper":{"cpe":"cpe:/o:v:platform:9"}}}]}],
			"relationships":[
			{"category":"default_component_of","product_reference":"ssl","relates_to_product_reference":"image","full_product_name":{"product_id":"ssl-in-image","name":"x"}},
			{"category":"default_component_of","product_reference":"ssl","relates_to_product_reference":"platform","full_product_name":{"product_id":"ssl-in-platform","name":"x"}}]},
		"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{"known_not_affected":["` + product + `"],"fixed":["image-of-another-time"],"known_affected":["ssl-in-nowhere"]},
			"flags":[{"label":"component_not_present","product_ids":["` + product + `"]}],
			"threats":[{"category":"impact","details":"It is not built in.","product_ids":["` + product + `"]}]}]}`
}

func TestCSAF(t *testing.T) {
	for product, want := range map[string]vex.Status{"image": vex.NotAffected, "ssl": vex.NotAffected, "ssl-in-image": vex.NotAffected} {
		if got := said(t, libssl, csaf(product)); got != want {
			t.Errorf("%s: %q, want %q", product, got, want)
		}
	}
	d, err := vex.Parse([]byte(csaf("ssl-in-image")))
	if err != nil || len(d.Statements) != 1 || d.Unmatched != 2 {
		t.Fatalf("%+v, %v", d, err)
	}
	if s := d.Statements[0]; s.Author != "Vendor" || s.Document != "VENDOR-1" || s.Justification != "component_not_present" || s.Detail != "It is not built in." {
		t.Errorf("%+v", s)
	}
	if _, err := vex.Parse([]byte(csaf("ssl-in-platform"))); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "product that can be matched") {
		t.Errorf("a platform that cannot be compared: %v", err)
	}
}

func TestRefused(t *testing.T) {
	good := openVEX(`{"@id":"pkg:oci/app@` + digest + `"}`)
	for name, c := range map[string]struct{ document, want string }{
		"nothing":                               {``, "unexpected end"},
		"no_JSON":                               {`hello`, "invalid character"},
		"another_document":                      {`{"a":1}`, "neither OpenVEX nor CycloneDX nor CSAF"},
		"a_list":                                {`[]`, "cannot unmarshal"},
		"no_ID":                                 {strings.Replace(good, `"@id":"https://vendor.example/1",`, "", 1), "no ID"},
		"no_statements":                         {good[:strings.Index(good, `"statements"`)] + `"statements":[]}`, "says of no vulnerability"},
		"no_reason":                             {strings.Replace(good, `,"justification":"vulnerable_code_not_present"`, "", 1), "without a reason"},
		"another_status":                        {strings.Replace(good, `"not_affected"`, `"fine"`, 1), `"fine" is none of`},
		"no_vulnerability":                      {strings.Replace(good, "CVE-2026-1", "", 1), "names no vulnerability"},
		"no_time":                               {strings.Replace(good, `"timestamp":"2026-01-02T03:04:05Z",`, "", 1), "no timestamp"},
		"a_time_that_is_not":                    {strings.Replace(good, "2026-01-02T03:04:05Z", "yesterday", 1), "parsing time"},
		"a_vague_product":                       {openVEX(`{"@id":"pkg:oci/app"}`), "product that can be matched"},
		"a_vague_part":                          {openVEX(`{"@id":"pkg:oci/app@` + digest + `","subcomponents":[{"@id":"openssl"}]}`), "product that can be matched"},
		"a_bill_without_word_on_exploitability": {`{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:1","components":[]}`, "says of no vulnerability"},
		"an_unknown_state":                      {cycloneDX("", "perhaps", "ssl", ""), `state "perhaps"`},
		"a_security_advisory":                   {strings.Replace(csaf("ssl"), "csaf_vex", "csaf_security_advisory", 1), "not csaf_vex"},
		"too_large":                             {strings.Repeat(" ", vex.MaxSize+1), "larger than 8 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := vex.Parse([]byte(c.document))
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.CodeOf(err) != fault.Invalid && fault.CodeOf(err) != fault.Limited {
				t.Errorf("%+v, %v, want %q", d, err, c.want)
			}
		})
	}
	t.Run("too_many_products", func(t *testing.T) {
		parts := strings.Repeat(`{"@id":"pkg:a/b"},`, 1000) + `{"@id":"pkg:a/b"}`
		many := openVEX(strings.Repeat(`{"@id":"pkg:c/d"},`, 1000) + `{"@id":"pkg:c/d"}`)
		many = strings.Replace(many, `"status"`, `"subcomponents":[`+parts+`],"status"`, 1)
		if _, err := vex.Parse([]byte(many)); fault.CodeOf(err) != fault.Limited {
			t.Error(err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(openVEX(`{"@id":"pkg:oci/app@` + digest + `","subcomponents":[{"@id":"pkg:deb/debian/libssl3"}]}`)))
	f.Add([]byte(cycloneDX(`,"component":{"type":"container","bom-ref":"image","name":"a","version":"1"}`, "not_affected", "ssl", `,"versions":[{"version":"1"}]`)))
	f.Add([]byte(csaf("ssl-in-image")))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := vex.Parse(body)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Invalid && c != fault.Limited {
				t.Errorf("%s: %v", c, err)
			}
			return
		}
		if d.ID == "" || len(d.Statements) == 0 {
			t.Errorf("%+v", d)
		}
		set := vex.NewSet("fuzz", []*vex.Document{d})
		set.About(app(t), []string{"CVE-2026-1"}, libssl)
		if _, err := json.Marshal(d.Statements); err != nil {
			t.Error(err)
		}
	})
}

func TestShelf(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	dir := vex.Dir(filepath.Join(t.TempDir(), "vex"))
	shelf := func() *vex.Shelf { return vex.NewShelf(dir, func() time.Time { return now }) }
	s := shelf()
	current := func(s *vex.Shelf) *vex.Set {
		t.Helper()
		set, err := s.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	if current(s).Name() != "" {
		t.Error("there is a document before the first import")
	}
	document := openVEX(`{"@id":"pkg:oci/app@` + digest + `"}`)
	info, err := s.Import(t.Context(), []byte(document))
	if err != nil || info.ID != "https://vendor.example/1" || info.Format != "OpenVEX" || info.Statements != 1 || !info.Imported.Equal(now) {
		t.Fatalf("%+v, %v", info, err)
	}
	first := current(s)
	if first.Name() == "" || first != current(s) || current(shelf()).Name() != first.Name() {
		t.Error("the name of the set is not the same for the same documents")
	}
	if first.About(app(t), []string{"CVE-2026-1"}, libssl) == nil {
		t.Error("the document does not count")
	}

	t.Run("a_newer_version_replaces_the_older", func(t *testing.T) {
		newer := strings.NewReplacer("2026-01-02", "2026-01-03", "CVE-2026-1", "CVE-2026-2").Replace(document)
		if _, err := s.Import(t.Context(), []byte(newer)); err != nil {
			t.Fatal(err)
		}
		if set := current(s); set.Name() == first.Name() || set.About(app(t), []string{"CVE-2026-1"}, libssl) != nil {
			t.Error("the older one still counts")
		}
		if _, err := s.Import(t.Context(), []byte(document)); fault.CodeOf(err) != fault.Conflict || !strings.Contains(fault.FixOf(err), info.Key) {
			t.Errorf("the older one comes back: %v", err)
		}
	})

	t.Run("a_deleted_one_does_not_count", func(t *testing.T) {
		for _, name := range []string{"nope", "../" + info.Key, info.Key + "0"} {
			if err := s.Delete(t.Context(), name); fault.CodeOf(err) != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.Delete(t.Context(), info.ID); err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(t.Context()); err != nil || len(list) != 0 || current(s).Name() != "" {
			t.Errorf("%+v, %v", list, err)
		}
	})

	t.Run("a_damaged_one_is_an_error", func(t *testing.T) {
		if _, err := s.Import(t.Context(), []byte(document)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(string(dir), info.Key+".vex")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b[:len(b)-10], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := shelf().Current(t.Context()); err == nil || !strings.Contains(fault.FixOf(err), "vex delete "+info.Key) {
			t.Error(err)
		}
	})
}

func BenchmarkAbout(b *testing.B) {
	var products []string
	for i := range 5000 {
		products = append(products, fmt.Sprintf(`{"@id":"pkg:deb/debian/package-%d@1.0"}`, i))
	}
	d, err := vex.Parse([]byte(openVEX(strings.Join(products, ","))))
	if err != nil {
		b.Fatal(err)
	}
	set, i := vex.NewSet("bench", []*vex.Document{d}), app(b)
	for b.Loop() {
		set.About(i, []string{"DEBIAN-CVE-2026-1", "CVE-2026-1"}, libssl)
	}
}
