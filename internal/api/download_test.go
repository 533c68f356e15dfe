package api_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestDownload(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	running := write("running", "this program")
	write("secret", "a secret of the operator")
	write("cli/roxctl-linux-amd64", "theirs")
	write("cli/landwaiter-windows-amd64.exe", "for windows")
	write("cli/notes.txt", "a secret of the operator")
	if err := os.Mkdir(filepath.Join(dir, "cli", "roxctl-darwin-arm64"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "cli", "roxctl-linux-arm64")); err != nil {
		t.Fatal(err)
	}
	f := apitest.Start(t, func(o *api.Options) { o.Downloads = api.Downloads{Executable: running, Dir: filepath.Join(dir, "cli")} })
	bare := apitest.Start(t, func(o *api.Options) { o.Downloads = api.Downloads{Executable: running} })
	own := "landwaiter-" + runtime.GOOS + "-" + runtime.GOARCH

	for name, test := range map[string]struct {
		from   *apitest.Fixture
		name   string
		as     auth.Role
		status int
		body   string
	}{
		"placed":                      {f, "roxctl-linux-amd64", apitest.Nobody, 200, "theirs"},
		"placed_older_name":           {f, "roxctl-linux", auth.Viewer, 200, "theirs"},
		"placed_for_windows":          {f, "landwaiter-windows-amd64.exe", auth.Viewer, 200, "for windows"},
		"own_platform":                {f, own, auth.ContinuousIntegration, 200, "this program"},
		"own_platform_without_a_dir":  {bare, own, auth.Viewer, 200, "this program"},
		"without_credentials":         {f, own, "", 401, "credentials not found\n"},
		"not_placed":                  {bare, "roxctl-linux-amd64", auth.Viewer, 404, "--cli-dir. Without that there is " + own},
		"other_platform":              {f, "landwaiter-darwin-arm64", auth.Viewer, 404, "--cli-dir"},
		"a_directory":                 {f, "roxctl-darwin-arm64", auth.Viewer, 404, "--cli-dir"},
		"other_file_of_the_directory": {f, "notes.txt", auth.Viewer, 404, "not the name of a command line"},
		"parent":                      {f, "..%2Fsecret", auth.Viewer, 404, "not the name of a command line"},
		"parent_after_a_name":         {f, "roxctl-linux-amd64%2F..%2F..%2Fsecret", auth.Viewer, 404, "not the name of a command line"},
		"link_that_leads_out":         {f, "roxctl-linux-arm64", auth.Viewer, 500, "internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			w := test.from.Do("GET", "/api/cli/download/"+test.name, "", test.as)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) || strings.Contains(w.Body.String(), "secret of") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Code != 200 {
				return
			}
			if h := w.Header(); h.Get("Content-Disposition") != `attachment; filename="`+test.name+`"` || h.Get("Content-Length") == "" || h.Get("ETag") == "" || h.Get("Content-Type") != "application/octet-stream" {
				t.Errorf("%v", h)
			}
		})
	}

	t.Run("goes_on_where_it_broke_off", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/api/cli/download/roxctl-linux", nil)
		r.Header.Set("Authorization", "Bearer "+f.Token(auth.Viewer))
		r.Header.Set("Range", "bytes=3-")
		w := httptest.NewRecorder()
		if f.API.ServeHTTP(w, r); w.Code != 206 || w.Body.String() != "irs" {
			t.Error(w.Code, w.Body)
		}
	})
}
