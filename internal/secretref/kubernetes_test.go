package secretref_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// apiServer answers as a cluster's API server does about Secrets, with RBAC.
type apiServer struct {
	mu      sync.Mutex
	token   string
	may     map[string]bool   // namespace/name
	secrets map[string]string // namespace/name to the JSON of data
	other   http.Handler      // answers instead
}

func (a *apiServer) change(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	status := func(code int, reason, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
	}
	parts := strings.Split(r.URL.Path, "/") // /api/v1/namespaces/NAMESPACE/secrets/NAME
	switch {
	case a.other != nil:
		a.other.ServeHTTP(w, r)
	case r.Header.Get("Authorization") != "Bearer "+a.token:
		status(401, "Unauthorized", "Unauthorized")
	case r.Method != http.MethodGet || len(parts) != 7 || !strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/") || parts[5] != "secrets":
		status(404, "NotFound", "the server could not find the requested resource")
	case !a.may[parts[4]+"/"+parts[6]]:
		status(403, "Forbidden", fmt.Sprintf(`secrets %q is forbidden: User "system:serviceaccount:lw:server" cannot get resource "secrets" in API group "" in the namespace %q`, parts[6], parts[4]))
	case a.secrets[parts[4]+"/"+parts[6]] == "":
		status(404, "NotFound", fmt.Sprintf("secrets %q not found", parts[6]))
	default:
		fmt.Fprintf(w, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":%q,"namespace":%q},"type":"Opaque","data":%s}`, parts[6], parts[4], a.secrets[parts[4]+"/"+parts[6]])
	}
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestResolve_Kubernetes(t *testing.T) {
	api := &apiServer{
		token: "first-token",
		may:   map[string]bool{"team/pull": true, "team/none": true, "other/pull": true},
		secrets: map[string]string{
			"team/pull":  fmt.Sprintf(`{"password":%q,"binary":%q,"empty":""}`, base64Of("hunter2\n"), base64Of("\x00\x01")),
			"other/pull": fmt.Sprintf(`{"password":%q}`, base64Of("of somebody else")),
			"team/dark":  fmt.Sprintf(`{"password":%q}`, base64Of("dark")),
		},
	}
	server := httptest.NewTLSServer(api)
	defer server.Close()
	account := t.TempDir()
	write(t, filepath.Join(account, "token"), "first-token\n")
	write(t, filepath.Join(account, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	host, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	inside := map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
	r := secretref.New(secretref.Options{Env: environment(inside), Allowed: allow(t, "kubernetes:team/*/*"), ServiceAccount: account})

	t.Run("a_key_is_read", func(t *testing.T) {
		want(t, r, "kubernetes:team/pull/password", false, "hunter2", "")
		want(t, r, "kubernetes:other/pull/password", true, "of somebody else", "")
		want(t, r, "kubernetes:other/pull/password", false, "", fault.Forbidden, "--allow-references")
	})
	t.Run("what_is_missing_is_said", func(t *testing.T) {
		want(t, r, "kubernetes:team/pull/user", false, "", fault.Unauthenticated, `no key "user"`, "kubectl -n team describe secret pull")
		want(t, r, "kubernetes:team/none/password", false, "", fault.Unauthenticated, "no Secret none in the namespace team")
		want(t, r, "kubernetes:team/pull/binary", false, "", fault.Unauthenticated, "binary")
		want(t, r, "kubernetes:team/pull/empty", false, "", fault.Unauthenticated, "empty")
	})
	t.Run("the_Role_that_is_missing_is_shown", func(t *testing.T) {
		want(t, r, "kubernetes:team/dark/password", false, "", fault.Forbidden, "lw:server may not get the Secret team/dark",
			"kubectl -n team create role landwaiter-dark --verb=get --resource=secrets --resource-name=dark",
			"kubectl -n team create rolebinding landwaiter-dark --role=landwaiter-dark --serviceaccount=lw:server")
	})
	t.Run("the_token_is_read_again", func(t *testing.T) {
		api.change(func() { api.token = "second-token" })
		want(t, r, "kubernetes:team/pull/password", false, "", fault.Unauthenticated, "does not accept the token")
		write(t, filepath.Join(account, "token"), "second-token")
		want(t, r, "kubernetes:team/pull/password", false, "hunter2", "")
	})
	t.Run("a_failing_API_may_be_well_again", func(t *testing.T) {
		for _, other := range []http.HandlerFunc{
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":{"password":"no base64"}}`) },
			func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `{"data":{"x":"`+strings.Repeat("A", 3<<20))
			},
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			},
		} {
			api.change(func() { api.other = other })
			want(t, r, "kubernetes:team/pull/password", false, "", fault.Unavailable)
		}
		api.change(func() { api.other = nil })
	})
	t.Run("only_the_cluster's_CA_is_trusted", func(t *testing.T) {
		stranger := registrytest.Start(t, registrytest.Options{TLS: registrytest.NewAuthority(t)})
		_, port, _ := net.SplitHostPort(stranger.Host)
		r := secretref.New(secretref.Options{
			Env: environment(map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}), ServiceAccount: account,
		})
		want(t, r, "kubernetes:team/pull/password", true, "", fault.Unavailable, "cannot be reached", "certificate")
	})
	t.Run("outside_of_a_cluster", func(t *testing.T) {
		want(t, secretref.New(secretref.Options{Env: environment(nil), ServiceAccount: account}), "kubernetes:team/pull/password", true, "",
			fault.Unauthenticated, "does not run in a Kubernetes cluster")
		want(t, secretref.New(secretref.Options{Env: environment(inside), ServiceAccount: t.TempDir()}), "kubernetes:team/pull/password", true, "",
			fault.Unauthenticated, "service account of this pod cannot be read")
	})
}
