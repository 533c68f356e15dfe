package ibm

import (
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// signIn is IBM Cloud IAM with one good key.
func signIn(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		integrationtest.Answer(w, status, map[string]any{"errorCode": code, "errorMessage": message, "context": map[string]string{"url": "https://iam.cloud.ibm.com"}})
	}
	switch key := r.FormValue("apikey"); {
	case r.Method != http.MethodPost || r.URL.Path != "/identity/token" || r.FormValue("grant_type") != "urn:ibm:params:oauth:grant-type:apikey":
		refuse(http.StatusBadRequest, "BXNIM0410E", "Provided grant type is not supported")
	case key == "l0cked":
		refuse(http.StatusBadRequest, "BXNIM0456E", "Provided API key is locked: "+key) // repeats the key, as no service should
	case key == "d1sabled":
		refuse(http.StatusBadRequest, "BXNIM0408E", "Provided API key is disabled.")
	case key != "g00d-key":
		refuse(http.StatusBadRequest, "BXNIM0415E", "Provided API key could not be found.")
	default:
		token := integrationtest.Claims{Subject: "ServiceId-1b2c"}.Sign("iam")
		integrationtest.Answer(w, http.StatusOK, map[string]any{"access_token": token, "expires_in": 3600})
	}
}

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		name, endpoint, key, user string
		iam                       http.HandlerFunc // nil: there is none
		want                      string
	}{
		{"good key", "us.icr.io", "g00d-key", "", signIn, "ibm-key passed"},
		{"private host", "private.us.icr.io", "g00d-key", "", signIn, "ibm-key passed"},
		{"trusted profile", "us.icr.io", "g00d-key", "Profile-1b2c", signIn, "ibm-key passed"},
		{"unknown key", "us.icr.io", "unkn0wn", "", signIn, "ibm-key failed ibm-unknown-key"},
		{"locked key", "us.icr.io", "l0cked", "", signIn, "ibm-key failed ibm-locked-key"},
		{"disabled key", "us.icr.io", "d1sabled", "", signIn, "ibm-key failed ibm-disabled"},
		{"IAM out of reach", "us.icr.io", "g00d-key", "", nil, "ibm-key skipped"},
		{"a page in its place", "us.icr.io", "g00d-key", "", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>g00d-key")) }, "ibm-key skipped"},
		{"entitlement key", "cp.icr.io", "g00d-key", "cp", signIn, ""},
		{"another host", "registry.example", "g00d-key", "", signIn, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := integrationtest.NewInternet(t)
			if test.iam != nil {
				n.Add("iam.cloud.ibm.com", test.iam)
			}
			r := n.Open(Type(), map[string]any{endpoint: test.endpoint, apiKey: test.key, username: test.user}, nil).Registry
			steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, test.endpoint+"/ns/app:1"), n.Transport(), test.key, "eyJ")
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			for _, sent := range n.Requests() {
				if test.want == "" && strings.Contains(sent.Dump, test.key) {
					t.Errorf("the key was sent to %s", sent.Host)
				}
			}
		})
	}
}

func TestProbe_tells_whose_key_it_is(t *testing.T) {
	n := integrationtest.NewInternet(t)
	n.Add("iam.cloud.ibm.com", http.HandlerFunc(signIn))
	r := n.Open(Type(), map[string]any{endpoint: "us.icr.io", apiKey: "g00d-key"}, nil).Registry
	steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, "us.icr.io/ns/app:1"), n.Transport())
	if got := steps.Fact("ibm-key", "key of"); got != "ServiceId-1b2c" {
		t.Errorf("the key is one of %q", got)
	}
}
