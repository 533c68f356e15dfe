package integrationfile_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const marked = "marked-5ecret-value"

func allTypes(t testing.TB) *integration.Types {
	t.Helper()
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// team is a document; more stands below its settings.
func team(more string) string {
	return "apiVersion: landwaiter.dev/v1\nkind: Integration\nmetadata:\n  name: team\nspec:\n  type: docker\n  docker:\n    endpoint: registry.example\n" + more
}

func TestParse(t *testing.T) {
	data := team("    username: robot\n    password: "+marked+"\n    insecure: true\n  skipTest: true\n  clusterId: c1\n  categories: [REGISTRY]\n") + `---
# nothing but a comment
---
apiVersion: landwaiter.dev/v1
kind: Integration
metadata: {name: quay, adopt: true}
spec:
  quay:
    endpoint: quay.io
    registryRobotCredentials:
      username: org+robot
      password: "******"
  categories: [SCANNER, REGISTRY]
  type: quay
`
	got, problems := integrationfile.Parse(allTypes(t), "team.yaml", []byte(data))
	if len(problems) > 0 || len(got) != 2 {
		t.Fatal(got, problems)
	}
	first, second := got[0], got[1]
	if first.Name != "team" || first.Type != "docker" || !first.SkipTest || first.ClusterID != "c1" || first.Adopt || first.Origin != "team.yaml:1" || first.Owner != "" ||
		first.Config.Text("endpoint") != "registry.example" || !first.Config.On("insecure") || first.Config.Secret("password").Reveal() != marked {
		t.Errorf("read %+v", first)
	}
	if second.Name != "quay" || !second.Adopt || second.Origin != "team.yaml:18" || second.Line != 18 ||
		fmt.Sprint(second.Categories) != "[REGISTRY SCANNER]" || !second.Config.Secret("registryRobotCredentials.password").IsMask() {
		t.Errorf("read %+v", second)
	}
}

// TestParse_places_mistakes marks the place of the mistake with «, which is taken out before parsing.
func TestParse_places_mistakes(t *testing.T) {
	with := func(old, new string) string {
		s := strings.Replace(team(""), old, new, 1)
		if s == team("") {
			panic(old)
		}
		return s
	}
	for name, test := range map[string]struct{ document, want string }{
		"misspelt setting":    {with("endpoint:", "«endpont:"), `spec.docker: unknown key "endpont"; did you mean endpoint?`},
		"unknown setting":     {team("    «colour: red\n"), `spec.docker: unknown key "colour"; known are`},
		"setting twice":       {team("    «endpoint: other\n"), "spec.docker.endpoint: given twice, first on line 8"},
		"setting of another":  {team("    «oauthToken: x\n"), `spec.docker: unknown key "oauthToken"; known are`},
		"unknown type":        {with("type: docker", "type: «dokcer"), "spec.type: there is no such type; did you mean docker?"},
		"odd type":            {with("type: docker", "type: «frobnicate"), "spec.type: there is no such type; there are docker, "},
		"no type":             {with("  type: docker\n  docker", "  «docker"), "spec.type: must be given: one of docker, "},
		"settings of another": {with("  docker:", "  «quay:"), `spec: unknown key "quay"; known are categories, clusterId, docker`},
		"no settings":         {"apiVersion: landwaiter.dev/v1\nkind: Integration\nmetadata: {name: a}\nspec:\n  «type: docker\n", "spec.docker: Docker configuration required"},
		"number for text":     {team("    username: «12\n"), "spec.docker.username: must be text; put it in quotes"},
		"number for secret":   {team("    username: a\n    password: «12\n"), "spec.docker.password: must be text; put it in quotes"},
		"text for toggle":     {team("    insecure: «maybe\n"), "spec.docker.insecure: must be true or false"},
		"text for a toggle on which others depend": {"apiVersion: landwaiter.dev/v1\nkind: Integration\nmetadata: {name: a}\nspec:\n  type: ecr\n  ecr:\n    registryId: '123456789012'\n    region: eu-west-1\n    useIam: «yes\n",
			"spec.ecr.useIam: must be true or false"},
		"nothing":               {team("    username:«\n"), "spec.docker.username: has no value"},
		"anchor":                {team("    username: «&a b\n"), "anchors and aliases are not supported"},
		"missing endpoint":      {with("endpoint: registry.example", "«insecure: true"), "spec.docker.endpoint: An endpoint is required"},
		"bad endpoint":          {with("endpoint: registry.example", "endpoint: «http://user@host"), "spec.docker.endpoint: invalid endpoint"},
		"password without user": {strings.Replace(team("    password: x\n"), "type: docker", "type: nexus", 1), "spec.docker.username: A username is required"},
		"unknown category":      {team("  categories: «[REGISTRI]\n"), "spec.categories: type 'docker' does not offer category REGISTRI"},
		"no name":               {with("metadata:\n  name: team", "metadata:\n  «adopt: true"), "metadata.name: name for integration is required"},
		"no metadata":           {with("metadata:\n  name: team\n", ""), "metadata.name: name for integration is required"},
		"old version":           {with("landwaiter.dev/v1", "«landwaiter.dev/v0"), "apiVersion: must be landwaiter.dev/v1"},
		"other kind":            {with("kind: Integration", "kind: «Policy"), "kind: must be Integration"},
		"no kind":               {"«" + with("kind: Integration\n", ""), "kind: must be given"},
		"a list":                {"«- a\n", "must be a mapping of apiVersion, kind, metadata, spec"},
		"text":                  {"«hello\n", "must be a mapping of"},
		"not YAML":              {"«a: b: c\n", "not YAML"},
		"alias":                 {team("    password: *" + marked + "\n"), "text that begins with * must be in quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			before, _, marks := strings.Cut(test.document, "«")
			documents, problems := integrationfile.Parse(allTypes(t), "a.yaml", []byte(strings.Replace(test.document, "«", "", 1)))
			if name == "settings of another" { // its own are missing, too
				problems = slices.DeleteFunc(problems, func(p integrationfile.Problem) bool { return p.Message == "Docker configuration required" })
			}
			if len(problems) != 1 || len(documents) != 0 || !strings.Contains(problems[0].String(), test.want) {
				t.Fatalf("got %d documents, %v; want %q", len(documents), problems, test.want)
			}
			if strings.Contains(fmt.Sprint(problems), marked) {
				t.Error("the problem repeats a secret")
			}
			line := 1 + strings.Count(before, "\n")
			if !marks || strings.HasSuffix(test.document, "«") || test.want == "not YAML" || strings.HasPrefix(test.want, "spec.docker.username: has") {
				return
			}
			if column := len(before) - strings.LastIndexByte(before, '\n'); problems[0].Line != line || problems[0].Column != column {
				t.Errorf("placed at %d:%d, want %d:%d", problems[0].Line, problems[0].Column, line, column)
			}
		})
	}
	t.Run("all of them at once, and the good documents besides", func(t *testing.T) {
		bad := strings.Replace(team("    insecure: 1\n    colour: red\n"), "name: team", "name: 7", 1)
		documents, problems := integrationfile.Parse(allTypes(t), "a.yaml", []byte(bad+"---\n"+team("")))
		if len(documents) != 1 || len(problems) != 3 {
			t.Error(documents, problems)
		}
	})
}

func TestParse_reads_what_RHACS_answers(t *testing.T) {
	data := `{"integrations":[
	{"id":"05fea766-e2f8-44b3-9959-eaa61a4f7466","name":"team","type":"docker","categories":["REGISTRY"],"clusterId":"","autogenerated":false,
	 "docker":{"endpoint":"registry.example","username":"robot","password":"******","insecure":false},"clusters":[],"skipTestIntegration":false,"source":null},
	{"id":"b","name":"from a pull secret","type":"docker","categories":["REGISTRY"],"autogenerated":true,"docker":{"endpoint":"quay.example","username":"a","password":"******"}},
	{"id":"c","name":"scanner","type":"clairify","categories":["SCANNER"],"clairify":{"endpoint":"https://scanner"}}
	]}`
	documents, problems := integrationfile.Parse(allTypes(t), "rhacs.json", []byte(data))
	if len(documents) != 1 || documents[0].Name != "team" || documents[0].ID != "" || !documents[0].Config.Secret("password").IsMask() || documents[0].Line != 2 {
		t.Errorf("read %+v", documents)
	}
	if len(problems) != 1 || problems[0].Line != 5 || !strings.Contains(problems[0].String(), "integrations[2]: registry with type 'clairify' does not exist") {
		t.Errorf("problems %v", problems)
	}
}

func TestParse_has_bounds(t *testing.T) {
	for name, data := range map[string]string{
		"at most 1048576 are read": strings.Repeat("#", 1<<20+1),
		"more than 1000 documents": strings.Repeat("---\na: b\n", 1001),
		"not YAML":                 strings.Repeat("[", 100_000),
	} {
		if _, problems := integrationfile.Parse(allTypes(t), "a.yaml", []byte(data)); !strings.Contains(fmt.Sprint(problems), name) {
			t.Errorf("want %q, got %.200v", name, problems)
		}
	}
	bomb := "integrations:\n- &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 20 {
		bomb += fmt.Sprintf("- &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", 'b'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i)
	}
	if documents, problems := integrationfile.Parse(allTypes(t), "a.yaml", []byte(bomb)); len(documents) > 0 || len(problems) != 21 {
		t.Errorf("%d documents, %d problems", len(documents), len(problems))
	}
}

func FuzzParse(f *testing.F) {
	types := allTypes(f)
	f.Add(team("    username: robot\n    password: x\n"))
	f.Add(team("  categories: [REGISTRY, SCANNER]\n---\n") + team(""))
	f.Add(`{"integrations":[{"name":"a","type":"quay","categories":[0],"quay":{"endpoint":"quay.io"}}]}`)
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, data string) {
		documents, problems := integrationfile.Parse(types, "f.yaml", []byte(data))
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 {
				t.Errorf("a problem says nothing: %+v", p)
			}
		}
		var list []integration.Integration
		for _, d := range documents {
			if _, err := types.ValidateMasked(d.Draft); err != nil {
				t.Errorf("not valid: %v", err)
			}
			list = append(list, d.Integration)
		}
		checkRoundTrip(t, types, list)
	})
}

// checkRoundTrip writes integrations and reads them back.
func checkRoundTrip(t *testing.T, types *integration.Types, list []integration.Integration) {
	t.Helper()
	data, err := integrationfile.Write(types, list)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), marked) {
		t.Errorf("a secret is written:\n%s", data)
	}
	back, problems := integrationfile.Parse(types, "written.yaml", data)
	if len(problems) > 0 || len(back) != len(list) {
		t.Fatalf("%v reading\n%s", problems, data)
	}
	for i, d := range back {
		for _, c := range types.Changes(list[i], d.Integration) {
			if c.Secret == "" {
				t.Errorf("%s: %q became %q in\n%s", c.Field, c.From, c.To, data)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	types := allTypes(t)
	documents, problems := integrationfile.Parse(types, "a.yaml", []byte(
		team("    username: '12'\n    password: "+marked+"\n")+"---\n"+strings.Replace(team("    insecure: true\n  clusterId: 'yes'\n  skipTest: true\n"), "name: team", `name: "a: b # \u00e4 \\ *"`, 1)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	list := []integration.Integration{documents[0].Integration, documents[1].Integration}
	data, err := integrationfile.Write(types, list[:1])
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/team.yaml")
	if err != nil || string(data) != string(want) {
		t.Errorf("wrote %v\n%s", err, data)
	}
	checkRoundTrip(t, types, list)

	t.Run("keeps references", func(t *testing.T) {
		in := list[0]
		in.Config = in.Config.With("password", secret.New("file:/run/secrets/robot"))
		data, err := integrationfile.Write(types, []integration.Integration{in})
		if err != nil || !strings.Contains(string(data), "password: file:/run/secrets/robot\n") {
			t.Errorf("wrote %v\n%s", err, data)
		}
		checkRoundTrip(t, types, []integration.Integration{in})
	})
}
