package docker

import (
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

const (
	openShift = "default-route-openshift-image-registry.apps.example"
	puller    = "system:serviceaccount:ci:landwaiter"
)

// cluster is OpenShift's registry, in which the service account may pull from the project shop.
func cluster(w http.ResponseWriter, r *http.Request) {
	known := func(token string) bool {
		claims, signed := integrationtest.Verify("cluster", token)
		return signed && claims.Subject == puller
	}
	refuse := func(challenge string) {
		w.Header().Set("WWW-Authenticate", challenge)
		integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "authentication required"}}})
	}
	_, password, _ := r.BasicAuth()
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.URL.Path == "/openshift/token" && known(password):
		integrationtest.Answer(w, http.StatusOK, map[string]string{"token": password, "access_token": password})
	case r.URL.Path == "/openshift/token" && password == "slow-t0ken":
		integrationtest.Answer(w, http.StatusUnauthorized, map[string]string{"details": "unable to validate token: Timeout"})
	case r.URL.Path == "/openshift/token":
		w.WriteHeader(http.StatusUnauthorized)
	case known(bearer) && strings.HasPrefix(r.URL.Path, "/v2/shop/app/"):
		integrationtest.Answer(w, http.StatusOK, map[string]any{"name": "shop/app", "tags": []string{"1"}})
	case bearer != "":
		refuse(`Basic realm=openshift,error="access denied"`)
	default:
		refuse(`Bearer realm="https://` + openShift + `/openshift/token"`)
	}
}

func TestProbe_OpenShift(t *testing.T) {
	good := integrationtest.Claims{Subject: puller}.Sign("cluster")
	for _, test := range []struct{ name, token, repository, want, fix string }{
		{"may pull", good, "shop/app", "docker-openshift-token passed; docker-openshift-role passed", ""},
		{"no role in the project", good, "bank/app", "docker-openshift-token passed; docker-openshift-role failed openshift-puller-role", "oc policy add-role-to-user system:image-puller system:serviceaccount:ci:landwaiter -n bank"},
		{"no image", good, "", "docker-openshift-token passed", ""},
		{"another cluster's token", integrationtest.Claims{Subject: puller}.Sign("another"), "shop/app", "docker-openshift-token failed openshift-token", "oc create token landwaiter -n ci"},
		{"a cluster that does not answer its registry", "slow-t0ken", "shop/app", "docker-openshift-token skipped", ""},
		{"an OAuth token that has ended", "sha256~gone", "shop/app", "docker-openshift-token failed openshift-token", "oc create token SERVICE-ACCOUNT -n PROJECT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := integrationtest.NewInternet(t)
			n.Add(openShift, http.HandlerFunc(cluster))
			r := n.Open(Type(), map[string]any{"endpoint": openShift, "username": "landwaiter", "password": test.token}, nil).Registry
			ref := integrationtest.Reference(t, openShift+"/any/app:1")
			ref.Repository = test.repository
			steps := diagnosistest.Probe(t, r, ref, n.Transport(), test.token)
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if test.fix != "" && !strings.Contains(steps[len(steps)-1].Findings[0].Fix, test.fix) {
				t.Errorf("the fix %q misses %q", steps[len(steps)-1].Findings[0].Fix, test.fix)
			}
		})
	}
}

func TestProbe_other_registries_have_nothing_to_tell(t *testing.T) {
	n := integrationtest.NewInternet(t)
	n.Add("registry.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	r := n.Open(Type(), map[string]any{"endpoint": "registry.example", "username": "jane", "password": "s3cret!"}, nil).Registry
	if got := diagnosistest.Probe(t, r, integrationtest.Reference(t, "registry.example/a/b:1"), n.Transport()).String(); got != "" {
		t.Errorf("got %s", got)
	}
	for _, sent := range n.Requests() {
		if strings.Contains(sent.Dump, "Authorization") {
			t.Errorf("%s was signed in to", sent.Path)
		}
	}
}

func TestDiagnose_OpenShift_without_the_puller_role(t *testing.T) {
	n := integrationtest.NewInternet(t)
	n.Add(openShift, http.HandlerFunc(cluster))
	token := integrationtest.Claims{Subject: puller}.Sign("cluster")
	c := n.Open(Type(), map[string]any{"endpoint": openShift, "username": "landwaiter", "password": token}, nil)
	steps := diagnosistest.Diagnose(t, Type(), c, integrationtest.Reference(t, openShift+"/bank/app:1"), n.Transport(), token)
	if got := steps.Wrong().String(); !strings.HasPrefix(got, "docker-openshift-role failed openshift-puller-role; ") {
		t.Errorf("got %s", got)
	}
}
