package policy

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

const goodDocument = `apiVersion: landwaiter.dev/v1
kind: Policy
metadata:
  name: old-openssl
spec:
  title: "Old OpenSSL: 1.0"
  severity: high
  stages: [build, deploy]
  enforce: [build]
  disabled: false
  categories: [Ours]
  references: ["https://openssl.example/"]
  description: d
  rationale: r
  remediation: |
    Upgrade.
  scope:
  - clusters: [prod-*]
    labels: {tier: 1}
  - images: ["**"]
    namespaces: [a]
  exclusions:
  - name: b
    reason: c
    workloads: [d]
    until: 2026-12-31
  - name: e
    images: [f/*]
    until: 2026-12-31T10:00:00+01:00
  data:
    openssl: 1.0
    libssl: 2020-01-02
  forEach: components
  condition: |-
    component.name in data
      && component.version.startsWith(data[component.name])
  message: component.name + " " + component.version
`

func TestParse_reads_every_field(t *testing.T) {
	got, err := Parse([]byte(goodDocument))
	if err != nil {
		t.Fatal(err)
	}
	day, hour := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 9, 0, 0, 0, time.UTC)
	want := Policy{
		Scope: []Scope{{Clusters: []string{"prod-*"}, Labels: map[string]string{"tier": "1"}}, {Images: []string{"**"}, Namespaces: []string{"a"}}},
		Exclusions: []Exclusion{
			{Name: "b", Reason: "c", Workloads: []string{"d"}, Until: &day}, {Name: "e", Scope: Scope{Images: []string{"f/*"}}, Until: &hour},
		},
		ID: "old-openssl", Title: "Old OpenSSL: 1.0", Severity: High, Stages: []Stage{Build, Deploy}, Enforce: []Stage{Build},
		Categories: []string{"Ours"}, References: []string{"https://openssl.example/"}, Description: "d", Rationale: "r",
		Remediation: "Upgrade.", Data: map[string]string{"openssl": "1.0", "libssl": "2020-01-02"}, ForEach: "components",
		Condition: "component.name in data\n  && component.version.startsWith(data[component.name])",
		Message:   `component.name + " " + component.version`,
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

func TestParse_reads_several_documents(t *testing.T) {
	second := strings.Replace(goodDocument, "old-openssl", "other", 1)
	got, err := Parse([]byte("---\n" + goodDocument + "---\n# nothing here\n---\n" + second + "---\n"))
	if err != nil || len(got) != 2 || got[1].ID != "other" {
		t.Errorf("%d policies, %v", len(got), err)
	}
}

// TestParse_places_mistakes marks the place of every mistake in a document with «, which is taken out before parsing.
func TestParse_places_mistakes(t *testing.T) {
	doc := func(spec string) string {
		return "apiVersion: landwaiter.dev/v1\nkind: Policy\nmetadata:\n  name: a\nspec:\n  title: A\n  severity: low\n  stages: [build]\n" + spec
	}
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"unknown key": {doc("  condition: 'true'\n  «colour: red\n"), []string{`unknown key "colour"; known are categories, condition,`}},
		"unknown key of metadata": {strings.Replace(doc("  condition: 'true'\n"), "  name: a", "  name: a\n  «owner: me", 1),
			[]string{`metadata: unknown key "owner"; known are name`}},
		"key twice":          {doc("  condition: 'true'\n  «condition: 'false'\n"), []string{"spec.condition: given twice, first on line 9"}},
		"number for text":    {doc("  condition: «1\n"), []string{"spec.condition: must be text; put it in quotes"}},
		"text for list":      {doc("  condition: 'true'\n  enforce: «build\n"), []string{"spec.enforce: must be a list"}},
		"text for toggle":    {doc("  condition: 'true'\n  disabled: «maybe\n"), []string{"spec.disabled: must be true or false"}},
		"anchor":             {doc("  condition: «&c 'true'\n"), []string{"anchors and aliases are not supported"}},
		"title of two lines": {strings.Replace(doc("  condition: 'true'\n"), "title: A", "title: «\"A\\nB\"", 1), []string{"spec.title: must be one line"}},
		"data of two lines":  {doc("  condition: 'true'\n  data: {a: «\"A\\nB\"}\n"), []string{"spec.data.a: must be one line"}},
		"unknown stage":      {doc("  condition: 'true'\n  enforce: [build, «run]\n"), []string{`spec.enforce[1]: "run" is not among the policy's stages, build`}},
		"unknown collection": {doc("  condition: 'true'\n  forEach: «files\n"), []string{"must be one of components, vulnerabilities, layers, settings"}},
		"bad severity":       {strings.Replace(doc("  condition: 'true'\n"), "severity: low", "severity: «bad", 1), []string{`must be one of critical, high, medium, low, not "bad"`}},
		"bad name":           {strings.Replace(doc("  condition: 'true'\n"), "name: a", "name: «A b", 1), []string{"metadata.name: must be 1 to 63"}},
		"missing condition":  {strings.Replace(doc(""), "  title", "  «title", 1), []string{"spec.condition: must be given"}},
		"wrong kind":         {strings.Replace(doc("  condition: 'true'\n"), "kind: Policy", "kind: «Pod", 1), []string{`must be Policy, not "Pod"`}},
		"reference":          {doc("  condition: 'true'\n  references:\n  - «javascript:x\n"), []string{"must be an http or https URL"}},
		"not a mapping":      {"«- a\n", []string{"must be a mapping of apiVersion, kind, metadata, spec"}},

		"scope of nothing":     {doc("  condition: 'true'\n  scope:\n  - «{}\n"), []string{"spec.scope[0]: names nothing"}},
		"scope of one entry":   {doc("  condition: 'true'\n  scope: «{clusters: [a]}\n"), []string{"must be a list"}},
		"unknown key of scope": {doc("  condition: 'true'\n  scope:\n  - clusters: [a]\n    «workloads: [b]\n"), []string{`unknown key "workloads"; known are clusters, images, labels, namespaces`}},
		"image without registry": {doc("  condition: 'true'\n  scope:\n  - images: [a/b, «nginx]\n"),
			[]string{`"nginx" matches no image: names begin with the registry, as in docker.io/library/nginx`}},
		"long pattern":              {doc("  condition: 'true'\n  scope:\n  - labels: {a: «" + strings.Repeat("a", 257) + "}\n"), []string{"more than 256 characters"}},
		"empty pattern":             {doc("  condition: 'true'\n  scope:\n  - namespaces: [«'']\n"), []string{"is empty"}},
		"pattern with a space":      {doc("  condition: 'true'\n  scope:\n  - labels: {a: «' b'}\n"), []string{"begins or ends with a space"}},
		"exclusion without a name":  {doc("  condition: 'true'\n  exclusions:\n  - «workloads: [a]\n"), []string{"spec.exclusions[0].name: must be given"}},
		"exclusion of everything":   {doc("  condition: 'true'\n  exclusions:\n  - «name: a\n"), []string{"spec.exclusions[0]: names nothing"}},
		"exclusions of one name":    {doc("  condition: 'true'\n  exclusions:\n  - {name: a, workloads: [a]}\n  - {name: «a, workloads: [b]}\n"), []string{`"a" is given twice`}},
		"end that is no date":       {doc("  condition: 'true'\n  exclusions:\n  - {name: a, workloads: [a], until: «soon}\n"), []string{"must be a date like 2026-12-31"}},
		"workload at build":         {doc("  condition: «workload.name == ''\n"), []string{"workload is known at the stage deploy only; take build out of spec.stages"}},
		"cluster in a message":      {doc("  condition: 'true'\n  message: «cluster.name\n"), []string{"cluster is known at the stage deploy only"}},
		"misspelt field of a mount": {strings.Replace(doc("  condition: container.mounts.exists(m, m«.pth == '')\n"), "[build]", "[deploy]", 1), []string{"undefined field 'pth'"}},

		"plain expression":   {doc("  condition: image«.usr == \"root\"\n"), []string{"undefined field 'usr'"}},
		"quoted expression":  {doc("  condition: 'true || image«.usr == \"\"'\n"), []string{"undefined field 'usr'"}},
		"block expression":   {doc("  condition: |\n    image.tag == \"a\"\n      && image«.usr == \"é\"\n"), []string{"undefined field 'usr'"}},
		"block with indent":  {doc("  condition: |2-\n    image«.usr == \"a\"\n"), []string{"undefined field 'usr'"}},
		"after wide letters": {doc("  condition: '\"日本\" == image«.usr'\n"), []string{"undefined field 'usr'"}},
		"folded expression":  {doc("  condition: «>-\n    true &&\n    image.usr == \"a\"\n"), []string{"undefined field 'usr' (line 1, column 14 of the expression)"}},
		"escaped quotes":     {doc("  condition: «\"image.usr == \\\"a\\\"\"\n"), []string{"undefined field 'usr' (line 1, column 6 of the expression)"}},
		"syntax":             {doc("  condition: image.tag ==«\n"), []string{"Syntax error: mismatched input '<EOF>'"}},
		"type":               {doc("  condition: «image.tag\n"), []string{"spec.condition: must be of type bool, not string"}},
		"message type":       {doc("  condition: 'true'\n  message: «image.size\n"), []string{"spec.message: must be of type string, not int"}},
		"item without list":  {doc("  condition: «component.name == 'a'\n"), []string{"undeclared reference to 'component' (did you mean 'components'?); it is known with forEach: components"}},
		"shadowed name":      {doc("  condition: components.exists«(image, image.name == 'a')\n"), []string{`"image" is the name of a variable already`}},
		"dyn":                {doc("  condition: dyn«(image).usr == 'a'\n"), []string{"dyn is not available"}},
		"object":             {doc("  condition: |\n    policy.Image«{tag: 'a'}.tag == 'a'\n"), []string{"objects cannot be made"}},
		"regular expression": {doc("  condition: image.tag.matches(«'(')\n"), []string{"invalid matches argument"}},
		"duration":           {doc("  condition: now - now > duration(«'1 week')\n"), []string{"invalid duration argument"}},
		"severity word":      {doc("  forEach: vulnerabilities\n  condition: vulnerability.severity == «'high'\n"), []string{`a vulnerability's severity is never "high"; it is one of critical, important`}},
		"severity in list":   {doc("  forEach: vulnerabilities\n  condition: vulnerability.severity in ['low', «'HIGH']\n"), []string{`never "HIGH"`}},
		"severity rank":      {doc("  condition: vulnerabilities.exists(v, severityAtLeast(v.severity, «'hi'))\n"), []string{`never "hi"`}},
		"all at once": {doc("  condition: image«.usr == 'a' || image«.tga == 'b'\n  «colour: red\n  message: «1\n"),
			[]string{"'usr'", "'tga'", "colour", "spec.message"}},
	} {
		t.Run(name, func(t *testing.T) {
			var places []string
			var plain []string
			for i, line := range strings.Split(c.document, "\n") {
				for {
					before, after, found := strings.Cut(line, "«")
					if !found {
						break
					}
					places = append(places, fmt.Sprintf("line %d, column %d: ", i+1, len([]rune(before))+1))
					line = before + after
				}
				plain = append(plain, line)
			}
			_, err := Parse([]byte(strings.Join(plain, "\n")))
			var problems Problems
			if !errors.As(err, &problems) || fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("want Problems in a fault.Invalid, got %v", err)
			}
			if len(problems) != len(c.want) {
				t.Fatalf("want %d problems, got:\n%v", len(c.want), problems)
			}
			for i, p := range problems {
				if s := p.String(); !strings.HasPrefix(s, places[i]) || !strings.Contains(s, c.want[i]) {
					t.Errorf("want %s...%s\ngot  %s", places[i], c.want[i], s)
				}
			}
		})
	}
}

func TestParse_says_what_is_no_YAML(t *testing.T) {
	for document, want := range map[string]string{
		"":                                      "line 1: there is no policy in the document",
		"# only a comment\n":                    "there is no policy",
		"a: b: c\n":                             "not YAML",
		"kind: [\n":                             "not YAML",
		"\tkind: Policy":                        "not YAML",
		"a: *x\n":                               "not YAML: text that begins with * must be in quotes",
		strings.Repeat("x", yamldoc.MaxBytes+1): "at most 1048576 are read",
		strings.Repeat("[", 100_000):            "not YAML",
	} {
		_, err := Parse([]byte(document))
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: want %q, got %.200v", document, want, err)
		}
	}
}

func TestParse_excerpt_points_at_the_mistake(t *testing.T) {
	_, err := Parse([]byte(strings.Replace(goodDocument, "component.version.startsWith", "component.versoin.startsWith", 1)))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1 {
		t.Fatal(err)
	}
	want := "  && component.versoin.startsWith(data[component.name])"
	line, caret, _ := strings.Cut(problems[0].Excerpt, "\n")
	if line != want || strings.Index(caret, "^") != strings.Index(want, ".versoin") {
		t.Errorf("%s", problems[0].Excerpt)
	}
}

func TestCompile(t *testing.T) {
	good := func(change func(*Policy)) Policy {
		p := Policy{ID: "a", Title: "A", Severity: Low, Stages: []Stage{Build}, Condition: "true"}
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		policies []Policy
		want     string
	}{
		"policy made in Go":           {[]Policy{good(func(p *Policy) { p.Condition = "image.usr == ''" })}, "policy a: spec.condition: undefined field 'usr' (line 1, column 6 of the expression)"},
		"name taken":                  {[]Policy{good(func(*Policy) {}), good(func(*Policy) {})}, `another policy has the name "a"`},
		"expression too long":         {[]Policy{good(func(p *Policy) { p.Condition = strings.Repeat("true && ", 2000) + "true" })}, "at most 8192 are allowed"},
		"expression too deep":         {[]Policy{good(func(p *Policy) { p.Condition = strings.Repeat("(", 3000) + "true" + strings.Repeat(")", 3000) })}, "recursion"},
		"comprehensions too deep":     {[]Policy{good(func(p *Policy) { p.Condition = "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))" })}, "comprehension exceeds nesting limit"},
		"text that is not UTF-8":      {[]Policy{good(func(p *Policy) { p.Title = "\xff" })}, "is not valid UTF-8"},
		"condition that is not UTF-8": {[]Policy{good(func(p *Policy) { p.Condition = "'\xff' == ''" })}, "is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(c.policies)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got %.300v", c.want, err)
			}
		})
	}
}

// TestFormat writes any policy so that it is read back.
func TestFormat(t *testing.T) {
	text := rapid.StringMatching(`[ -~\n\t\x{85}é日]{0,12}[a-z:#'"\-|>é]`)
	line := rapid.StringMatching(`[ -~é日]{0,12}[a-z:#'"\-|>é]`)
	trimmed := rapid.Custom(func(t *rapid.T) string { return strings.TrimSpace(text.Draw(t, "text")) })
	name := rapid.StringMatching("[a-z]{1,3}[*?]{0,2}")
	names := rapid.SliceOfNDistinct(name, 0, 3, rapid.ID)
	table := rapid.MapOfN(line, line, 0, 3)
	until := rapid.Custom(func(t *rapid.T) *time.Time {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "second"), rapid.Int64Range(0, 1).Draw(t, "nanosecond")).UTC()
		if rapid.Bool().Draw(t, "day") {
			at = at.Truncate(24 * time.Hour)
		}
		return &at
	})
	some := func(list []string) []string { // what is empty is left out
		if len(list) == 0 {
			return nil
		}
		return list
	}
	mapped := func(m map[string]string) map[string]string {
		if len(m) == 0 {
			return nil
		}
		return m
	}
	rapid.Check(t, func(t *rapid.T) {
		scope := Scope{
			Clusters: []string{"c"}, Namespaces: some(names.Draw(t, "namespaces")), Labels: mapped(rapid.MapOfN(name, name, 0, 2).Draw(t, "labels")),
		}
		p := Policy{
			ID: rapid.StringMatching("[a-z0-9]{1,9}|null|true|1e5|2020-01-01").Draw(t, "ID"), Title: strings.TrimSpace(line.Draw(t, "title")),
			Description: trimmed.Draw(t, "description"), Severity: rapid.SampledFrom(severities).Draw(t, "severity"),
			Stages: []Stage{Deploy}, Enforce: rapid.SampledFrom([][]Stage{nil, {Deploy}}).Draw(t, "enforce"), Disabled: rapid.Bool().Draw(t, "disabled"),
			Categories: some(names.Draw(t, "categories")), Data: mapped(table.Draw(t, "data")), Condition: "true",
			Scope:      []Scope{scope},
			Exclusions: []Exclusion{{Name: strings.TrimSpace(line.Draw(t, "name")), Reason: trimmed.Draw(t, "reason"), Scope: scope, Workloads: some(names.Draw(t, "workloads")), Until: until.Draw(t, "until")}},
		}
		got, err := Parse(Format(p))
		if err != nil || !reflect.DeepEqual(got, []Policy{p}) {
			t.Fatalf("%v\n%s\ngot  %+v\nwant %+v", err, Format(p), got, p)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodDocument))
	f.Add([]byte("a: &x [*x]\n---\n- b\n"))
	f.Add([]byte("spec: {condition: \"image.\\u00e9\", data: {1: 2, ? [a] : b}}"))
	f.Add([]byte("spec:\n  condition: >2-\n\n     x\n    y\n  message: |+\n\n    'a' +\n\n"))
	f.Add([]byte("kind: !!binary aGk=\nmetadata: {name: !x y}\nspec: !!set {a, b}"))
	for _, p := range Builtin() {
		document, _ := builtin.ReadFile("builtin/" + p.ID + ".yaml")
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		began := time.Now()
		policies, err := Parse(document)
		if took := time.Since(began); took > 3*time.Second {
			t.Fatalf("took %s", took)
		}
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			for _, p := range problems {
				if p.Message == "" || p.Line > len(document)+2 {
					t.Fatalf("%+v", p)
				}
			}
			return
		}
		set, err := Compile(policies)
		if err != nil {
			t.Fatalf("parsed but does not compile: %v", err)
		}
		for _, p := range policies {
			again, err := Parse(Format(p))
			if err != nil || !reflect.DeepEqual(again, []Policy{p}) {
				t.Fatalf("%v\nwrote %s\nread %+v\nwant %+v", err, Format(p), again, p)
			}
		}
		in := cleanInput()
		r := set.Evaluate(t.Context(), Build, in)
		if again := set.Evaluate(t.Context(), Build, in); !reflect.DeepEqual(r, again) {
			t.Fatalf("two answers: %+v, %+v", r, again)
		}
	})
}

func TestUnknown_names_real_fields(t *testing.T) {
	env, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	for field := range maps.Keys(unknown) {
		if _, ok := env.whole.CELTypeProvider().FindStructFieldType(field[0], field[1]); !ok {
			t.Errorf("%v is no field", field)
		}
	}
}
