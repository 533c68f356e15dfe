package yamldoc_test

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

func TestNearest(t *testing.T) {
	known := []string{"endpoint", "username", "password", "insecure", "type", "docker"}
	for word, want := range map[string]string{
		"endpont": "endpoint", "Endpoint": "endpoint", "user_name": "username", "passwrod": "password", "dokcer": "docker", "typ": "type",
		"colour": "", "e": "", "": "", "tags": "", "usr": "", strings.Repeat("endpoint", 10): "",
	} {
		if got := yamldoc.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// read has one key that takes text.
func read(data string) (text string, problems []yamldoc.Problem) {
	roots, problems := yamldoc.Documents([]byte(data), 2)
	for _, root := range roots {
		r := yamldoc.Reader{}
		r.Mapping(root, "", yamldoc.Fields{"password": r.Text(&text)})
		problems = append(problems, r.Problems...)
	}
	return text, problems
}

func TestReader_repeats_nothing_that_may_be_a_secret(t *testing.T) {
	for _, data := range []string{
		"password: *hunter2\n", "password: &hunter2 x\n", "password: [hunter2]\n", "password: {hunter2: 1}\n", "{password:hunter2}\n",
		"password hunter2: x\n", "hunter2$: x\n", "password:\n  hunter2\n : x\n", "password: \"hunter2\n", "password: !!int hunter2\n", "password: `hunter2`\n", "password: %hunter2\n",
	} {
		text, problems := read(data)
		if len(problems) == 0 && text != "hunter2" {
			t.Errorf("%q is read as %q", data, text)
		}
		if said := fmt.Sprint(problems); strings.Contains(said, "hunter2") {
			t.Errorf("%q: %s", data, said)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{"password: x\n", "---\npassword: 'y'\n---\n{}\n", "a: &a [*a]\n", "\tx", "password: |\n  x\n", "%YAML 1.1\n---\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		text, problems := read(data)
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.Column < 0 {
				t.Errorf("%+v", p)
			}
		}
		var doc struct{ Password string }
		if len(problems) == 0 && text != "" && strings.Count(data, "password") == 1 && !strings.Contains(data, "---") {
			if err := yaml.Unmarshal([]byte(data), &doc); err != nil || doc.Password != text {
				t.Errorf("read %q, the library %q, %v", text, doc.Password, err)
			}
		}
	})
}
