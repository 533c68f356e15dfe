package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestIntegrationHealth(t *testing.T) {
	f := apitest.Start(t, nil)
	read := func(t *testing.T, method, path string, out any) {
		t.Helper()
		if w := f.Do(method, path, "", auth.Administrator); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), out) != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	type line struct {
		ID, Name, Type, Status, ErrorMessage string
		LastTimestamp                        *time.Time
	}
	rhacs := func(t *testing.T) line {
		t.Helper()
		var list struct{ IntegrationHealth []line }
		read(t, "GET", "/v1/integrationhealth/imageintegrations", &list)
		if len(list.IntegrationHealth) != 1 {
			t.Fatalf("%+v", list)
		}
		return list.IntegrationHealth[0]
	}
	var created struct{ ID string }
	if w := f.Do("POST", "/v1/imageintegrations", f.Docker("team", apitest.Marked), auth.Administrator); json.Unmarshal(w.Body.Bytes(), &created) != nil || created.ID == "" {
		t.Fatal(w.Body)
	}
	path := "/v1/imageintegrations/" + created.ID

	t.Run("is_uninitialized_before_the_first_look", func(t *testing.T) {
		if got := rhacs(t); got != (line{created.ID, "team", "IMAGE_INTEGRATION", "UNINITIALIZED", "", nil}) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("is_healthy_once_it_was_let_in", func(t *testing.T) {
		var one struct {
			Status  string
			Axes    []struct{ Name, Verdict string }
			History []struct{ From, To string }
		}
		read(t, "POST", path+"/health", &one)
		if one.Status != "healthy" || len(one.Axes) != 5 || len(one.History) != 1 || one.History[0].To != "healthy" {
			t.Errorf("%+v", one)
		}
		if got := rhacs(t); got.Status != "HEALTHY" || got.LastTimestamp == nil || got.ErrorMessage != "" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("is_unhealthy_with_a_reason_and_without_the_secret", func(t *testing.T) {
		if w := f.Do("PUT", path, f.Docker("team", "another-"+apitest.Marked), auth.Administrator); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		var one any
		read(t, "POST", path+"/health", &one)
		read(t, "GET", path+"/health", &one)
		got := rhacs(t)
		if got.Status != "UNHEALTHY" || got.ErrorMessage == "" {
			t.Errorf("%+v", got)
		}
		w := f.Do("GET", "/v1/integrationhealth", "", auth.Administrator)
		if strings.Contains(w.Body.String()+f.Log.String(), apitest.Marked) {
			t.Error("a secret is told")
		}
	})
	t.Run("tells_what_ends", func(t *testing.T) {
		var list struct {
			Expiries []struct{ Integration, What string }
		}
		const token = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln" // ends in 2100
		if w := f.Do("PUT", path, f.Docker("team", token), auth.Administrator); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		var one any
		read(t, "POST", path+"/health", &one)
		read(t, "GET", "/v1/integrationexpiries", &list)
		if len(list.Expiries) != 1 || list.Expiries[0].Integration != "team" || list.Expiries[0].What != "credential" {
			t.Errorf("%+v", list)
		}
	})
	t.Run("of_what_is_not_there_is_not_found", func(t *testing.T) {
		for _, method := range []string{"GET", "POST"} {
			if w := f.Do(method, "/v1/imageintegrations/gone/health", "", auth.Administrator); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", method, w.Code)
			}
		}
	})
	t.Run("is_looked_at_by_those_only_who_may_change_integrations", func(t *testing.T) {
		if w := f.Do("POST", path+"/health", "", auth.Viewer); w.Code != http.StatusForbidden {
			t.Errorf("%d", w.Code)
		}
	})
}
