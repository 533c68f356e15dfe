package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSaid(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"as it is", "Rate exceeded", "Rate exceeded"},
		{"one line", " two\r\n\tlines\x1b[31m \x00", "two lines [31m"},
		{"no secret", "token tok-1 is bad, tok-1!", "token *** is bad, ***!"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"bounded", strings.Repeat("é", 400), strings.Repeat("é", 200) + "..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Said(test.text, "tok-1", "", "a"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestReadToken(t *testing.T) {
	folder := t.TempDir()
	for name, test := range map[string]struct {
		content string
		ok      bool
	}{
		"token":     {"a.b.c\n", true},
		"empty":     {" \n", false},
		"two lines": {"a\nb", false},
		"huge":      {strings.Repeat("a", maxTokenFile+1), false},
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := ReadToken(path)
		if (err == nil) != test.ok || (test.ok && token.Reveal() != "a.b.c") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadToken(filepath.Join(folder, "none")); err == nil {
		t.Error("a file that is not there has a token")
	}
}
