// Package exceptiontest checks what keeps exceptions.
package exceptiontest

import (
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// Store checks that an empty one keeps its contract.
func Store(t *testing.T, s exception.Store) {
	t.Helper()
	ctx := t.Context()
	until := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	one := exception.Exception{
		ID: "one", Kind: exception.Accepted, CVEs: []string{"CVE-1"}, Images: []string{"**"}, Until: &until, Reason: "r", Author: "a", Created: until.AddDate(-1, 0, 0),
	}
	two := one
	two.ID, two.Kind = "two", exception.FalsePositive
	seen := map[string]bool{}
	revision := func(changed bool) {
		t.Helper()
		r, err := s.ExceptionsRevision(ctx)
		if err != nil || seen[r] == changed {
			t.Errorf("revision %q, %v, want changed %t", r, err, changed)
		}
		seen[r] = true
	}
	revision(true)
	if list, err := s.Exceptions(ctx); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, e := range []exception.Exception{one, two} {
		if err := s.PutException(ctx, e, nil); err != nil {
			t.Fatal(err)
		}
		revision(true)
	}
	revision(false)
	if list, err := s.Exceptions(ctx); err != nil || len(list) != 2 || string(exception.Format(list[0])) != string(exception.Format(one)) {
		t.Fatalf("%v, %v", list, err)
	}
	if n, err := s.CountExceptions(ctx); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	if err := s.PutException(ctx, one, nil); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("added twice: %v", err)
	}
	was, err := s.Exception(ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	changed := was
	changed.Author = "b"
	if err := s.PutException(ctx, changed, &was); err != nil {
		t.Error(err)
	}
	revision(true)
	if err := s.PutException(ctx, changed, &was); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("somebody else's change was replaced: %v", err)
	}
	if got, err := s.Exception(ctx, "one"); err != nil || got.Author != "b" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.DeleteException(ctx, "one"); err != nil {
		t.Error(err)
	}
	revision(true)
	if err := s.DeleteException(ctx, "one"); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, err := s.Exception(ctx, "one"); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
}
