package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const ciPages = "../../docs/ci"

// ciBlock is a block of a page in docs/ci, groovyShell the script in one of Jenkins.
var (
	ciBlock     = regexp.MustCompile("(?ms)^```(yaml|groovy)\n(.*?)^```$")
	groovyShell = regexp.MustCompile(`(?s)sh '''\n(.*?)'''`)
)

// ciSchemas are of the pages that there are published schemas for.
var ciSchemas = map[string]string{"github-actions.md": "github-workflow", "gitlab-ci.md": "gitlab-ci", "tekton.md": "tekton-task"}

// A ciSnippet is one pipeline in a page.
type ciSnippet struct {
	page    string
	content any    // nil for Groovy
	shell   string // all its scripts, one after the other
}

func (s ciSnippet) roxctl() bool { return strings.Contains(s.shell, "roxctl") }

// ciShell collects the scripts of a pipeline in their order; after are those that run whatever became of the others.
func ciShell(n *yaml.Node, scripts, after *[]string) {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		key, value, list := n.Content[i].Value, n.Content[i+1], scripts
		if key == "after_script" {
			list = after
		}
		switch {
		case !slices.Contains([]string{"run", "command", "script", "before_script", "after_script"}, key):
		case value.Kind == yaml.ScalarNode:
			*list = append(*list, value.Value)
		case value.Kind == yaml.SequenceNode:
			for _, line := range value.Content {
				*list = append(*list, line.Value)
			}
		}
	}
	for _, child := range n.Content {
		ciShell(child, scripts, after)
	}
}

func ciSnippets(t *testing.T) []ciSnippet {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(ciPages, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var list []ciSnippet
	for _, path := range pages {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range ciBlock.FindAllStringSubmatch(string(b), -1) {
			s := ciSnippet{page: filepath.Base(path)}
			var scripts, after []string
			if block[1] == "groovy" {
				for _, script := range groovyShell.FindAllStringSubmatch(block[2], -1) {
					scripts = append(scripts, script[1])
				}
			} else {
				var node yaml.Node
				if err := yaml.Unmarshal([]byte(block[2]), &node); err != nil {
					t.Fatalf("%s: %v", s.page, err)
				}
				if err := node.Decode(&s.content); err != nil {
					t.Fatalf("%s: %v", s.page, err)
				}
				ciShell(&node, &scripts, &after)
			}
			s.shell = strings.Join(scripts, "\n")
			if len(after) > 0 {
				s.shell = "trap '" + strings.Join(after, "\n") + "' EXIT\n" + s.shell
			}
			if s.shell == "" {
				t.Errorf("%s: a pipeline without a script", s.page)
			}
			list = append(list, s)
		}
	}
	if len(list) != 12 {
		t.Fatalf("%d pipelines in %d pages", len(list), len(pages))
	}
	return list
}

func TestCI_pages_follow_the_published_schemas(t *testing.T) {
	tried := 0
	for _, s := range ciSnippets(t) {
		name, ok := ciSchemas[s.page]
		if !ok {
			continue
		}
		tried++
		schema, err := jsonschema.NewCompiler().Compile("testdata/schemas/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(s.content)
		if err != nil {
			t.Fatal(err)
		}
		check := func(text []byte) error {
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			return schema.Validate(document)
		}
		if err := check(asJSON); err != nil {
			t.Errorf("%s: %v", s.page, err)
		}
		broken := regexp.MustCompile(`"(steps|script)":`).ReplaceAll(asJSON, []byte(`"stepps":`))
		if check(broken) == nil {
			t.Errorf("%s: the schema accepts anything", s.page)
		}
	}
	if tried != 6 {
		t.Errorf("%d pipelines were validated", tried)
	}
}

func TestCI_pages_shell_works(t *testing.T) {
	for _, tool := range []string{"curl", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	env := registries(t)
	server, err := serve([]string{"--data", t.TempDir(), "--listen", "127.0.0.1:0"}, func(name string) string {
		return map[string]string{"LANDWAITER_ADMIN_PASSWORD": marked, "LANDWAITER_ALLOW_ADDRESSES": "loopback"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(client.Options{URL: server.url, Username: "admin", Password: secret.New(marked)})
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := c.CreateToken(t.Context(), "ci", "Continuous Integration", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, dir, script, image string) (status int, output string) {
		cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANDWAITER_SERVER=" + server.url, "LANDWAITER_TOKEN=" + token.Reveal(), "IMAGE=" + image,
			"GORACE=atexit_sleep_ms=0",
		}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, s := range ciSnippets(t) {
		if s.roxctl() {
			if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", s.shell).CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s", s.page, err, out)
			}
			continue
		}
		t.Run(strings.TrimSuffix(s.page, ".md"), func(t *testing.T) {
			for image, want := range map[string]int{"team/alpine:3": 0, "team/secret:1": 1, "team/none:1": 2} {
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				status, output := run(t, dir, s.shell, env["OPEN"]+"/"+image)
				if status != want {
					t.Errorf("%s: exit status %d, want %d\n%s", image, status, want, output)
				}
				for _, file := range ciOutputs(s.shell) {
					if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !bytes.Contains(b, []byte(image)) {
						t.Errorf("%s: %s: %v\n%s", image, file, err, b)
					}
				}
			}
		})
	}
}

var redirection = regexp.MustCompile(`> (\S+)`)

// ciOutputs are the files that a script writes reports to.
func ciOutputs(script string) []string {
	var files []string
	for _, m := range redirection.FindAllStringSubmatch(script, -1) {
		files = append(files, m[1])
	}
	return files
}
