package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// What quay and a proxy are signed in to with, besides the fixture's marked password.
const (
	markedRobot = "marked-r0bot-value"
	markedOAuth = "marked-0auth-value"
	markedProxy = "marked-pr0xy-value"
)

// TestSecretsStayInside sends marked secrets through every operation, to a good registry and to hostile ones, and looks for
// them wherever they must not be: in answers, log lines, database files, and requests to a host that no integration names.
func TestSecretsStayInside(t *testing.T) {
	dir := t.TempDir()
	outside := t.TempDir()
	allowed, err := secretref.ParseAllowed("file:" + outside + "/*")
	if err != nil {
		t.Fatal(err)
	}
	references := secretref.New(secretref.Options{Env: func(string) string { return apitest.Marked }, Allowed: allowed})
	ground := apitest.Ground{Database: "sqlite:" + filepath.Join(dir, "leak.db"), Deps: integration.Deps{References: references.Resolve}}
	w := &leakWatch{Fixture: apitest.StartOn(t, ground, nil), t: t, outside: outside}
	elsewhere := w.serveElsewhere()
	hostile := w.serveHostile(elsewhere)

	for _, host := range []string{w.Registry, hostile.host} {
		w.integrations(host, elsewhere)
	}
	w.proxies(elsewhere, hostile.host)
	for _, behaviour := range hostile.behaviours() {
		hostile.behave(behaviour)
		w.connections(hostile.host, behaviour)
	}
	w.send("POST", "/v1/assessments", `{"image":"`+w.Image+`"}`, auth.ContinuousIntegration, 200)
	w.send("POST", "/v1/assessments", `{"image":"`+w.Registry+`/team/none:1"}`, auth.ContinuousIntegration, 0)
	w.send("POST", "/v1/assessments", `{"image":"`+elsewhere+`/team/app:1"}`, auth.ContinuousIntegration, 0)
	for _, role := range []auth.Role{auth.Administrator, auth.Viewer} {
		for _, path := range []string{"/v1/imageintegrations", "/v1/assessments", "/v1/explain?image=" + w.Image, "/v1/integrationtypes", "/openapi.json", "/v1/apitokens"} {
			w.send("GET", path, "", role, 0)
		}
	}

	w.look("the log", w.Log.String())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look("a request to another host", strings.Join(w.elsewhere, "\n"))
	stored := filesIn(t, dir)
	w.look("the database's files", stored)

	// Whoever looks in the wrong place finds nothing.
	if !strings.Contains(stored, "docker at "+w.Registry) {
		t.Error("the files read are not the database's")
	}
	if len(w.elsewhere) == 0 {
		t.Error("nothing reached the other host, so the redirects were not tried")
	}
	for _, behaviour := range hostile.behaviours() {
		if !hostile.told[behaviour] {
			t.Errorf("%s: the hostile registry never had the password to repeat", behaviour)
		}
	}
}

// filesIn are the contents of a folder's files.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// leakWatch looks for secrets in every answer.
type leakWatch struct {
	*apitest.Fixture
	t         *testing.T
	outside   string // directory of files that integrations may refer to
	clientKey string // a piece of it, in lower case
	mu        sync.Mutex
	elsewhere []string // requests
}

func (w *leakWatch) look(where, text string) {
	w.t.Helper()
	text = strings.ToLower(text)
	if w.clientKey != "" && strings.Contains(text, w.clientKey) {
		w.t.Errorf("%s holds the client key", where)
	}
	for _, mark := range []string{apitest.Marked, markedRobot, markedOAuth, markedProxy} {
		forms := []string{mark, url.QueryEscape(mark)}
		for _, user := range []string{"robot", "o+robot", "$oauthtoken", "prox"} {
			forms = append(forms, base64.RawStdEncoding.EncodeToString([]byte(user + ":" + mark))[:20])
		}
		for _, form := range forms {
			if i := strings.Index(text, strings.ToLower(form)); i >= 0 {
				w.t.Errorf("%s holds %q: ...%.300q", where, form, text[max(0, i-200):])
			}
		}
	}
}

// send makes a request and checks its status, unless that is 0.
func (w *leakWatch) send(method, path, body string, role auth.Role, status int) *httptest.ResponseRecorder {
	w.t.Helper()
	answer := w.Do(method, path, body, role)
	w.look(fmt.Sprintf("the answer to %s %s (%.200s)", method, path, body), fmt.Sprint(answer.Header())+answer.Body.String())
	if status != 0 && answer.Code != status {
		w.t.Errorf("%s %s %s: status %d, want %d: %s", method, path, body, answer.Code, status, answer.Body)
	}
	return answer
}

type settings map[string]any

func (s settings) with(changes ...any) settings {
	next := settings{}
	for k, v := range s {
		next[k] = v
	}
	for i := 0; i < len(changes); i += 2 {
		next[changes[i].(string)] = changes[i+1]
	}
	return next
}

func integrationJSON(id, name, typ, key string, skip bool, s settings) string {
	b, _ := json.Marshal(map[string]any{
		"id": id, "name": name, "type": typ, "categories": []string{"REGISTRY"}, "skipTestIntegration": skip, key: s,
	})
	return string(b)
}

func (w *leakWatch) create(name, typ, key string, s settings) string {
	w.t.Helper()
	answer := w.send("POST", "/v1/imageintegrations", integrationJSON("", name, typ, key, true, s), auth.Administrator, 200)
	var in struct{ ID string }
	json.Unmarshal(answer.Body.Bytes(), &in)
	return in.ID
}

// integrations stores some for a host and tries to have their secrets sent elsewhere.
func (w *leakWatch) integrations(host, elsewhere string) {
	const path = "/v1/imageintegrations"
	docker := settings{"endpoint": "http://" + host, "username": "robot", "password": apitest.Marked}
	id := w.create("docker at "+host, "docker", "docker", docker)
	quay := settings{"endpoint": "http://" + host, "oauthToken": markedOAuth}
	quayID := w.create("quay at "+host, "quay", "quay", quay)
	robot := settings{"endpoint": "http://" + host, "registryRobotCredentials": settings{"username": "o+robot", "password": markedRobot}}
	robotID := w.create("robot at "+host, "quay", "quay", robot)

	kept := filepath.Join(w.outside, "password")
	if err := os.WriteFile(kept, []byte(apitest.Marked+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	referring := docker.with("password", "file:"+kept)
	referringID := w.create("reference at "+host, "docker", "docker", referring)

	type change struct {
		id, typ, key string
		settings     settings
	}
	masked := docker.with("password", "******")
	quayMasked := quay.with("oauthToken", "******")
	refused := []change{
		{id, "docker", "docker", masked.with("endpoint", "http://"+elsewhere)},
		{id, "docker", "docker", masked.with("endpoint", "https://"+host)},
		{id, "docker", "docker", masked.with("endpoint", host)},
		{id, "docker", "docker", masked.with("endpoint", "http://"+host+"/other")},
		{id, "docker", "docker", masked.with("endpoint", "http://"+host+"/v2/v2")},
		{id, "docker", "docker", masked.with("endpoint", "http://robot@"+host)},
		{id, "docker", "docker", masked.with("endpoint", "http://"+elsewhere+"\\@"+host)},
		{id, "docker", "docker", masked.with("username", "robot2")},
		{id, "ghcr", "docker", masked},
		{id, "quay", "quay", quayMasked},
		{id, "quay", "quay", quayMasked.with("endpoint", "http://"+elsewhere)},
		{quayID, "quay", "quay", quayMasked.with("endpoint", "http://"+elsewhere)},
		{quayID, "docker", "docker", masked.with("endpoint", "http://"+elsewhere)},
		{robotID, "quay", "quay", robot.with("endpoint", "http://"+elsewhere, "registryRobotCredentials", settings{"username": "x", "password": "******"})},
		{robotID, "quay", "quay", robot.with("endpoint", "http://"+elsewhere, "registryRobotCredentials", settings{"username": "", "password": "******"}, "oauthToken", "******")},
	}
	for _, c := range refused {
		body := integrationJSON(c.id, "stolen", c.typ, c.key, true, c.settings)
		w.send("PUT", path+"/"+c.id, body, auth.Administrator, 400)
		w.send("POST", path+"/test", body, auth.Administrator, 400)
		for _, update := range []bool{true, false} {
			envelope := fmt.Sprintf(`{"config":%s,"updatePassword":%t}`, body, update)
			w.send("PATCH", path+"/"+c.id, envelope, auth.Administrator, 400)
			w.send("POST", path+"/test/updated", envelope, auth.Administrator, 400)
			w.send("POST", path+"/"+c.id+"/consequences", envelope, auth.Administrator, 400)
		}
	}
	// A reference that is sent back is kept, and does not go elsewhere. Those that are not allowed are not looked up.
	body := integrationJSON(referringID, "reference at "+host, "docker", "docker", true, referring)
	w.send("PATCH", path+"/"+referringID, `{"config":`+body+`}`, auth.Administrator, 200)
	body = integrationJSON(referringID, "stolen", "docker", "docker", true, referring.with("endpoint", "http://"+elsewhere))
	w.send("PATCH", path+"/"+referringID, `{"config":`+body+`}`, auth.Administrator, 400)
	w.send("POST", path+"/test/updated", `{"config":`+body+`}`, auth.Administrator, 400)
	for _, written := range []string{"env:SECRET", "file:" + w.outside + "/../x", "file:/etc/hostname", "kubernetes:kube-system/x/y", "env:" + apitest.Marked} {
		stolen := docker.with("endpoint", "http://"+elsewhere, "password", written)
		w.send("POST", path, integrationJSON("", "stolen", "docker", "docker", false, stolen), auth.Administrator, 400)
	}

	// The mask is worth nothing without what is stored, and under the ID of another integration it is that one's.
	w.send("POST", path, integrationJSON("", "new", "docker", "docker", true, masked), auth.Administrator, 400)
	w.send("POST", path+"/test", integrationJSON("", "new", "docker", "docker", true, masked), auth.Administrator, 400)
	w.send("POST", path+"/test", integrationJSON(robotID, "new", "docker", "docker", true, masked), auth.Administrator, 400)
	w.send("PUT", path+"/"+id, integrationJSON(robotID, "docker at "+host, "docker", "docker", true, masked.with("endpoint", "http://"+elsewhere)), auth.Administrator, 400)

	// What was read can be sent back, and tried.
	body = integrationJSON(id, "docker at "+host, "docker", "docker", true, masked.with("endpoint", "HTTP://"+host+"/v2/"))
	w.send("PUT", path+"/"+id, body, auth.Administrator, 200)
	w.send("PATCH", path+"/"+id, `{"config":`+body+`}`, auth.Administrator, 200)
	w.send("GET", path+"/"+id, "", auth.Viewer, 200)
	w.send("GET", path+"/"+quayID, "", auth.Viewer, 200)

	// Bad bodies are not repeated.
	for _, bad := range []string{
		`{"docker":{"password":"` + apitest.Marked + `"`,
		`{"type":"docker","docker":{"password":["` + apitest.Marked + `"]}}`,
		`{"type":"docker","docker":{"insecure":"` + apitest.Marked + `"}}`,
		`{"type":"docker","docker":"` + apitest.Marked + `"}`,
		`"` + apitest.Marked + `"`,
		integrationJSON("", "x", "docker", "docker", true, docker.with("password", apitest.Marked+"\x00")),
	} {
		w.send("POST", path, bad, auth.Administrator, 400)
		w.send("PATCH", path+"/"+id, `{"config":`+bad+`}`, auth.Administrator, 400)
		w.send("POST", path+"/test/updated", `{"config":`+bad+`}`, auth.Administrator, 400)
		w.send("POST", path+"/"+id+"/consequences", `{"config":`+bad+`}`, auth.Administrator, 400)
	}
	for _, role := range []auth.Role{auth.Viewer, auth.ContinuousIntegration, ""} {
		w.send("POST", path+"/test", body, role, 0)
	}
}

// connections has the stored secrets used in every way.
func (w *leakWatch) connections(host, behaviour string) {
	const path = "/v1/imageintegrations"
	for _, in := range w.stored(host) {
		body, _ := json.Marshal(in)
		w.send("POST", path+"/test", string(body), auth.Administrator, 0)
		w.send("POST", path+"/test/updated", `{"config":`+string(body)+`}`, auth.Administrator, 0)
		in["skipTestIntegration"] = false
		body, _ = json.Marshal(in)
		w.send("PUT", path+"/"+in["id"].(string), string(body), auth.Administrator, 0)
	}
	w.send("POST", path, integrationJSON("", behaviour, "docker", "docker", false,
		settings{"endpoint": "http://" + host, "username": "robot", "password": apitest.Marked}), auth.Administrator, 0)
	for _, depth := range []string{"inspect", "check"} {
		w.send("POST", "/v1/assessments", fmt.Sprintf(`{"image":"%s/team/app:1","depth":%q}`, host, depth), auth.ContinuousIntegration, 0)
	}
}

// proxies has integrations use proxies that repeat what they are sent, and client keys, and tries to have both sent elsewhere.
func (w *leakWatch) proxies(elsewhere, host string) {
	certificate, key := registrytest.NewAuthority(w.t).Client(w.t, registrytest.Leaf{})
	w.clientKey = strings.ToLower(strings.Split(key, "\n")[1][:40])
	var told atomic.Int32 // requests with a password to repeat
	repeating := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Proxy-Authorization")
		given := http.Request{Header: http.Header{"Authorization": {sent}}}
		_, password, ok := given.BasicAuth()
		if ok {
			told.Add(1)
		}
		rw.Header().Set("Proxy-Authenticate", "Basic realm="+strconv.Quote(sent+password))
		http.Error(rw, sent+" "+password, http.StatusProxyAuthRequired)
	}))
	w.t.Cleanup(repeating.Close)
	const path = "/v1/imageintegrations"
	for scheme, endpoint := range map[string]string{"plain": "http://" + host, "tunnelled": "https://" + host} {
		via := settings{
			"proxy": repeating.URL, "proxyUsername": "prox", "proxyPassword": markedProxy, "clientCertificate": certificate, "clientKey": key,
		}
		docker := settings{"endpoint": endpoint, "username": "robot", "password": apitest.Marked, "connection": via}
		id := w.create(scheme+" through a proxy", "docker", "docker", docker)
		w.send("POST", path+"/test", integrationJSON("", "x", "docker", "docker", false, docker), auth.Administrator, 400)
		masked := docker.with("password", "******")
		kept := via.with("proxyPassword", "******", "clientKey", "******")
		w.send("POST", path+"/test", integrationJSON(id, "x", "docker", "docker", false, masked.with("connection", kept)), auth.Administrator, 400)
		for _, changed := range []settings{
			kept.with("proxy", "http://"+elsewhere), kept.with("proxy", "none"), kept.with("proxyUsername", "other"), {"proxy": "http://" + elsewhere},
		} {
			body := integrationJSON(id, "stolen", "docker", "docker", false, masked.with("connection", changed))
			w.send("PUT", path+"/"+id, body, auth.Administrator, 400)
			w.send("POST", path+"/test/updated", `{"config":`+body+`}`, auth.Administrator, 400)
		}
		for _, bad := range []settings{
			via.with("caBundle", key), via.with("clientCertificate", key), via.with("clientKey", key+key+"x"), via.with("clientKey", markedProxy),
			via.with("proxy", "http://prox:"+markedProxy+"@proxy.example"), via.with("requestsPerSecond", markedProxy), via.with("credentialExpires", markedProxy),
		} {
			w.send("POST", path, integrationJSON("", "bad", "docker", "docker", true, docker.with("connection", bad)), auth.Administrator, 0)
		}
	}
	if told.Load() < 4 {
		w.t.Errorf("the proxy had a password to repeat %d times", told.Load())
	}
}

func (w *leakWatch) stored(host string) []map[string]any {
	var list struct{ Integrations []map[string]any }
	answer := w.send("GET", "/v1/imageintegrations", "", auth.Administrator, 200)
	if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(list.Integrations, func(in map[string]any) bool { return !strings.HasSuffix(in["name"].(string), " at "+host) })
}

// serveElsewhere is a server that no integration names and that asks for passwords.
func (w *leakWatch) serveElsewhere() (host string) {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		w.mu.Lock()
		w.elsewhere = append(w.elsewhere, string(dump))
		w.mu.Unlock()
		rw.Header().Add("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="x"`)
		rw.Header().Add("WWW-Authenticate", `Basic realm="x"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}))
	w.t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// A hostileRegistry repeats the credentials it gets, each time where its behaviour says.
type hostileRegistry struct {
	host, elsewhere, closed string

	mu      sync.Mutex
	current string
	told    map[string]bool // behaviours that had a credential to repeat
}

func (w *leakWatch) serveHostile(elsewhere string) *hostileRegistry {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	closed.Close()
	h := &hostileRegistry{elsewhere: elsewhere, closed: closed.Addr().String(), told: map[string]bool{}}
	srv := httptest.NewServer(h)
	w.t.Cleanup(srv.Close)
	h.host = strings.TrimPrefix(srv.URL, "http://")
	return h
}

func (h *hostileRegistry) behave(behaviour string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = behaviour
}

func (h *hostileRegistry) behaviours() []string {
	return []string{
		"error in JSON", "error in text", "status line", "header line", "redirect elsewhere", "redirect to itself", "redirect to nowhere",
		"scheme", "scope", "token realm", "media type", "platform",
	}
}

func (h *hostileRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := r.Header.Get("Authorization")
	h.mu.Lock()
	behaviour := h.current
	h.told[behaviour] = h.told[behaviour] || header != ""
	h.mu.Unlock()
	if header == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		if behaviour == "token realm" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+h.host+`/token"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, password, _ := r.BasicAuth()
	both := header + " " + password
	switch behaviour {
	case "error in JSON":
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": password, "message": both}}})
	case "error in text":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, strings.ToUpper(password), " ", url.QueryEscape(both), " ", both)
	case "status line":
		hijack(w, both+"\r\n\r\n")
	case "header line":
		hijack(w, "HTTP/1.1 200 OK\r\n"+both+"\r\n\r\n")
	case "redirect elsewhere":
		http.Redirect(w, r, "http://"+h.elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
	case "redirect to itself":
		http.Redirect(w, r, "/"+password, http.StatusFound)
	case "redirect to nowhere":
		http.Redirect(w, r, "http://"+h.closed+"/"+url.PathEscape(both), http.StatusFound)
	case "scheme":
		w.Header().Set("WWW-Authenticate", password)
		w.WriteHeader(http.StatusUnauthorized)
	case "scope":
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,scope=%q,service=%q", "http://"+h.closed+"/", password, header))
		w.WriteHeader(http.StatusUnauthorized)
	case "token realm":
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"details": both})
	case "media type":
		w.Header().Set("Content-Type", both)
		fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":%q}`, both)
	case "platform":
		w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%064d","size":1,"platform":{"os":%q,"architecture":%q}}]}`,
			1, password, password)
	}
}

func hijack(w http.ResponseWriter, answer string) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		fmt.Fprint(conn, answer)
		conn.Close()
	}
}
