package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/typestest"
)

// stranger is a host that no integration names.
const stranger = "stranger.example"

// TestSecretsStayInside_for_every_type goes the good and the bad ways of every type, with services that repeat what they are
// sent, and looks for the secrets that are given, found on the machine and lent by clouds: in answers, the log, the trace of
// exchanges, the database's files, and requests to hosts that are not the integration's.
func TestSecretsStayInside_for_every_type(t *testing.T) {
	for _, way := range typestest.Ways() {
		t.Run(way.Type+"_"+way.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			w := &typeWatch{World: way.Start(t), t: t, way: way}
			w.Fixture = apitest.StartOn(t, apitest.Ground{
				Database: "sqlite:" + filepath.Join(dir, "leak.db"),
				Client:   distribution.Options{Transport: w.Transport(), MaxAttempts: 1, Observe: w.observe},
				Deps:     integration.Deps{HTTP: w.Transport(), Identity: w.Machine.Variable},
			}, nil)
			w.Add(stranger, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				rw.WriteHeader(http.StatusUnauthorized)
			}))
			w.goodWay()
			w.badWays()
			w.hostileWays()

			w.look("the log", w.Log.String())
			w.look("the trace", strings.Join(w.trace, "\n"))
			files := filesIn(t, dir)
			w.look("the database's files", files)
			seen, met := false, false
			for _, r := range w.Requests() {
				if slices.Contains(w.Owned, strings.TrimSuffix(r.Host, ":80")) {
					seen = seen || holds(r.Dump) != ""
					continue
				}
				met = met || r.Host == stranger
				w.look("a request to "+r.Host, r.Dump)
			}
			// Whoever looks in the wrong place finds nothing.
			if !strings.Contains(files, "good way") || len(w.trace) == 0 || !seen || !met {
				t.Errorf("looked in the wrong place: %d exchanges, a secret was sent: %t, a redirect was followed: %t", len(w.trace), seen, met)
			}
		})
	}
}

type typeWatch struct {
	*typestest.World
	*apitest.Fixture
	t   *testing.T
	way typestest.Way

	mu    sync.Mutex
	trace []string
}

func (w *typeWatch) observe(x distribution.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf("%+v %v", x, x.Err))
}

// marks are what secrets look like: as they are, and in base64 after whatever stands before them.
var marks = sync.OnceValue(func() []string {
	list := append([]string{typestest.Mark}, typestest.Lent...)
	for _, text := range list {
		for before := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
			if part := encoded[(before*8+5)/6 : (before+len(text))*8/6]; len(part) > 8 {
				list = append(list, part)
			}
		}
	}
	return list
})

// holds is the secret in a text, or "".
func holds(text string) string {
	for _, mark := range marks() {
		if strings.Contains(text, mark) {
			return mark
		}
	}
	return ""
}

func (w *typeWatch) look(where, text string) {
	w.t.Helper()
	if mark := holds(text); mark != "" {
		i := strings.Index(text, mark)
		w.t.Errorf("%s holds %q: ...%.400s", where, mark, text[max(0, i-200):])
	}
}

// send makes a request and checks its status, unless that is 0.
func (w *typeWatch) send(method, path, body string, role auth.Role, status int) []byte {
	w.t.Helper()
	answer := w.Do(method, path, body, role)
	w.look("the answer to "+method+" "+path, fmt.Sprint(answer.Header())+answer.Body.String())
	if status != 0 && answer.Code != status {
		w.t.Errorf("%s %s: status %d, want %d: %s", method, path, answer.Code, status, answer.Body)
	}
	return answer.Body.Bytes()
}

// body is an integration with the world's settings and changes to them.
func (w *typeWatch) body(name string, skipTest bool, changes map[string]any) string {
	all := integrations.All()
	typ := all[slices.IndexFunc(all, func(typ integration.Type) bool { return typ.ID == w.way.Type })]
	settings := maps.Clone(w.Settings)
	maps.Copy(settings, changes)
	object := map[string]any{}
	for name, v := range settings {
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			object[name] = v
			continue
		}
		if object[outer] == nil {
			object[outer] = map[string]any{}
		}
		object[outer].(map[string]any)[inner] = v
	}
	raw, err := json.Marshal(map[string]any{
		"name": name, "type": typ.ID, "categories": typ.Categories[:1], "skipTestIntegration": skipTest, typ.ConfigKey: object,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

const integrationsPath = "/v1/imageintegrations"

func (w *typeWatch) goodWay() {
	created := w.send("POST", integrationsPath, w.body("good way", false, nil), auth.Administrator, 200)
	var in struct{ ID string }
	if err := json.Unmarshal(created, &in); err != nil {
		w.t.Fatal(err)
	}
	w.send("POST", integrationsPath+"/test", w.body("good way", false, nil), auth.Administrator, 200)
	for _, role := range []auth.Role{auth.Administrator, auth.Viewer} {
		for _, path := range []string{integrationsPath, integrationsPath + "/" + in.ID, "/v1/explain?image=" + w.World.Image} {
			w.send("GET", path, "", role, 200)
		}
	}
	w.send("PUT", integrationsPath+"/"+in.ID, string(created), auth.Administrator, 200)
	image := fmt.Sprintf(`{"image":%q}`, w.World.Image)
	w.send("POST", integrationsPath+"/"+in.ID+"/diagnose", image, auth.Administrator, 200)
	for _, depth := range []string{"inspect", "check"} {
		w.send("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q,"depth":%q}`, w.World.Image, depth), auth.ContinuousIntegration, 200)
	}
}

func (w *typeWatch) badWays() {
	for _, what := range slices.Sorted(maps.Keys(w.Wrong)) {
		w.send("POST", integrationsPath+"/test", w.body(what, false, w.Wrong[what]), auth.Administrator, 400)
		w.send("POST", integrationsPath, w.body(what, false, w.Wrong[what]), auth.Administrator, 400)
		w.send("POST", integrationsPath, w.body(what, true, w.Wrong[what]), auth.Administrator, 200)
		w.diagnose(w.body(what, true, w.Wrong[what]))
	}
	w.send("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q}`, w.World.Image+"-unknown"), auth.ContinuousIntegration, 0)
}

func (w *typeWatch) diagnose(integration string) {
	w.send("POST", integrationsPath+"/diagnose", fmt.Sprintf(`{"config":%s,"image":%q}`, integration, w.World.Image), auth.Administrator, 200)
}

// hostileWays has every host that the integration knows repeat what it is sent, and redirect.
func (w *typeWatch) hostileWays() {
	echo := func(status int) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			r.ParseForm()
			said := fmt.Sprint(r.Header.Get("Authorization"), " ", password, " ", r.Form, " ", r.Header.Get("X-Amz-Security-Token"))
			rw.Header().Set("X-Said", said)
			integrationtest.Answer(rw, status, map[string]any{
				"error": said, "error_description": said, "__type": said, "message": said, "detail": said, "token": "", "Code": said,
				"errors": []any{map[string]string{"code": "DENIED", "message": said}},
			})
		}
	}
	redirect := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://"+stranger+r.URL.Path, http.StatusTemporaryRedirect)
	}
	registry := w.Owned[slices.IndexFunc(w.Owned, func(host string) bool {
		return strings.HasPrefix(w.World.Image, host+"/") || host == "registry-1.docker.io"
	})]
	challenge := func(rw http.ResponseWriter, r *http.Request) {
		if _, _, basic := r.BasicAuth(); !basic {
			rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		echo(http.StatusForbidden)(rw, r)
	}
	use := func() {
		w.send("POST", integrationsPath+"/test", w.body("hostile way", false, nil), auth.Administrator, 0)
		w.diagnose(w.body("hostile way", true, nil))
		for _, tag := range []string{"", "-other"} {
			w.send("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q}`, w.World.Image+tag), auth.ContinuousIntegration, 0)
		}
		w.send("GET", "/v1/explain?image="+w.World.Image, "", auth.Administrator, 200)
	}
	w.Add(registry, http.HandlerFunc(challenge)) // the clouds still lend
	use()
	w.Add(registry, http.HandlerFunc(redirect))
	use()
	for _, h := range []http.HandlerFunc{echo(http.StatusUnauthorized), echo(http.StatusBadRequest), echo(http.StatusOK), redirect} {
		for _, host := range w.Owned {
			w.Add(host, h)
			w.Add(host+":80", h)
		}
		use()
	}
}
