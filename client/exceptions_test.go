package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestExceptions(t *testing.T) {
	_, c := connect(t, auth.Administrator)
	ctx, x := t.Context(), c.Exceptions()
	until := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	added, err := x.Create(ctx, exception.Exception{
		Kind: exception.Accepted, CVEs: []string{"CVE-2026-1"}, Images: []string{"registry.example/app"}, Until: &until, Reason: "r", Author: "somebody else",
	})
	must(t, err)
	if added.ID == "" || added.Author != "Administrator" || added.State != exception.InForce || !added.Until.Equal(until) {
		t.Errorf("%+v", added)
	}
	changed := added.Exception
	changed.Reason = "another"
	put, err := x.Put(ctx, changed)
	must(t, err)
	if put.Reason != "another" || put.Updated == nil {
		t.Errorf("%+v", put)
	}
	document, left, err := x.OpenVEX(ctx)
	must(t, err)
	if !strings.Contains(string(document), "CVE-2026-1") || len(left) != 0 {
		t.Errorf("%s, %v", document, left)
	}
	wants(t, x.Delete(ctx, added.ID), fault.Conflict, "Revoke it first")
	_, err = x.Revoke(ctx, added.ID)
	must(t, err)
	list, err := x.List(ctx)
	must(t, err)
	if len(list) != 1 || list[0].State != exception.Revoked {
		t.Errorf("%+v", list)
	}
	must(t, x.Delete(ctx, added.ID))
	_, err = x.Get(ctx, added.ID)
	wants(t, err, fault.NotFound)
}
