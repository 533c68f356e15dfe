package exception_test

import (
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/exception/exceptiontest"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestDir(t *testing.T) {
	exceptiontest.Store(t, exception.Dir(t.TempDir()+"/exceptions"))
}

func TestLedger(t *testing.T) {
	at := now
	ledger := exception.NewLedger(exception.Dir(t.TempDir()), func() time.Time { return at }, func() string { return "new" })
	e := parse(t, valid)[0]
	e.ID = ""
	created, err := ledger.Create(t.Context(), e)
	if err != nil || created.ID != "new" || created.State != exception.InForce || !created.Created.Equal(now) {
		t.Fatalf("%+v, %v", created, err)
	}
	names := map[string]string{}
	current := func(when string) string {
		t.Helper()
		set, err := ledger.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names[when] = set.Name()
		return set.Name()
	}
	if current("created") == "" {
		t.Error("nothing is in force")
	}

	same, err := ledger.Put(t.Context(), created.Exception)
	if err != nil || same.Updated != nil || current("same") != names["created"] {
		t.Errorf("putting the same changed it: %+v, %v", same, err)
	}
	later := created.Until.AddDate(0, 1, 0)
	extended := created.Exception
	extended.Until, extended.Author = &later, "bob"
	if got, err := ledger.Put(t.Context(), extended); err != nil || got.Author != "bob" || got.Updated == nil || !got.Created.Equal(now) || current("extended") == names["created"] {
		t.Errorf("%+v, %v", got, err)
	}

	if err := ledger.Delete(t.Context(), "new"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("deleted while in force: %v", err)
	}
	at = later
	if current("expired") != "" {
		t.Error("the end passed, and it is in force")
	}
	at = now
	if revoked, err := ledger.Revoke(t.Context(), "new", "carol"); err != nil || revoked.State != exception.Revoked || revoked.RevokedBy != "carol" || current("revoked") != "" {
		t.Errorf("%+v, %v", revoked, err)
	}
	if _, err := ledger.Put(t.Context(), extended); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("what was revoked came back: %v", err)
	}
	list, err := ledger.List(t.Context())
	if err != nil || len(list) != 1 || list[0].State != exception.Revoked {
		t.Errorf("history: %+v, %v", list, err)
	}
	if err := ledger.Delete(t.Context(), "new"); err != nil {
		t.Error(err)
	}
	if _, err := ledger.Get(t.Context(), "new"); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}

	e.Until = &now
	if _, err := ledger.Create(t.Context(), e); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("added though it is over: %v", err)
	}
}
