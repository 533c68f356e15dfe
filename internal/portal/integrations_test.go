package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestIntegrations(t *testing.T) {
	s := newSite(t, nil)
	b := s.as(t, auth.Viewer)
	contains(t, b.page(t, "/integrations", http.StatusOK).text(), "There are no integrations. Create one with")

	for _, body := range []string{
		s.Docker("Team <b>registry</b>", apitest.Marked),
		`{"name":"Public","type":"docker","categories":["REGISTRY"],"skipTestIntegration":true,"docker":{"endpoint":"registry.example"}}`,
		`{"name":"Reference","type":"docker","categories":["REGISTRY"],"skipTestIntegration":true,"docker":{"endpoint":"registry.example","username":"a",` +
			`"password":"env:TEAM_PASSWORD"}}`,
		`{"name":"Quay","type":"quay","categories":["REGISTRY","SCANNER"],"skipTestIntegration":true,"quay":{"endpoint":"quay.example",` +
			`"oauthToken":"` + apitest.Marked + `","registryRobotCredentials":{"username":"team+robot","password":"` + apitest.Marked + `"}}}`,
	} {
		if w := s.Do("POST", "/v1/imageintegrations", body, auth.Administrator); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	w := b.get("/integrations")
	d := b.read(t, w, http.StatusOK)
	lacks(t, w.Body.String(), apitest.Marked, "******")

	t.Run("have_the_columns_their_types_declare", func(t *testing.T) {
		if got := text(d.all("thead")[0]); strings.Join(strings.Fields(got), " ") != "NameHealthTypeEndpointUsernameCredentialsCategories" {
			t.Error(got)
		}
		for name, want := range map[string]string{
			"Team":      "Team <b>registry</b> not looked at yet Generic Docker Registry http://" + s.Registry + " robot stored registry",
			"Public":    "Public not looked at yet Generic Docker Registry registry.example none: anonymous registry",
			"Reference": "Reference not looked at yet Generic Docker Registry registry.example a env:TEAM_PASSWORD registry",
			"Quay":      "Quay not looked at yet Quay.io quay.example stored registry, scanner",
		} {
			if got := d.row(t, name); got != want {
				t.Errorf("row is %q, want %q", got, want)
			}
		}
		contains(t, d.text(), "4 integrations.")
	})
}
