package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// declared is what a file describes; changes are those of body.
func (b harness) declared(t testing.TB, file string, changes map[string]any) integration.Declared {
	t.Helper()
	d, err := b.types.Validate(b.draft(t, changes))
	if err != nil {
		d, err = b.types.ValidateMasked(b.draft(t, changes))
	}
	if err != nil {
		t.Fatal(err)
	}
	declared := integration.Declared{Draft: d, Origin: file + ":1"}
	if file != "" {
		declared.Owner = integration.FileOwner(file)
	}
	return declared
}

// told is a plan in short.
func told(actions []integration.Action) string {
	var lines []string
	for _, a := range actions {
		line := string(a.Verb) + " " + a.Name
		for _, c := range a.Changes {
			line += fmt.Sprintf(" %s[%s>%s]%s", c.Field, c.From, c.To, c.Secret)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// masked is what a client sees of an integration.
func masked(in integration.Integration) integration.Integration {
	for name := range in.Config.Secrets() {
		in.Config = in.Config.With(name, secret.New(secret.Mask))
	}
	return in
}

func TestPlan(t *testing.T) {
	b := newService(t)
	stored := b.create(t, nil)
	owned := stored
	owned.Owner = integration.FileOwner("team.yaml")
	referring := stored
	referring.Config = stored.Config.With("password", secret.New("env:PASSWORD"))
	anonymous := map[string]any{"plain.username": "", "plain.password": ""}
	for _, test := range []struct {
		name    string
		file    string
		adopt   bool
		changes map[string]any
		current []integration.Integration
		want    string
		problem string
	}{
		{name: "create", want: "create one type[>plain] categories[>REGISTRY] skipTest[false>true] plain.endpoint[>registry.example] plain.username[>jane] plain.password[>******]"},
		{name: "create with a mask", changes: map[string]any{"plain.password": "******"}, want: "refuse one",
			problem: "'plain.password' is masked, and there is no stored secret"},
		{name: "unchanged", current: []integration.Integration{stored}, want: "unchanged one"},
		{name: "unchanged with a mask", changes: map[string]any{"plain.password": "******"}, current: []integration.Integration{stored}, want: "unchanged one"},
		{name: "changed", changes: map[string]any{"plain.insecure": true, "skipTestIntegration": false, "clusterId": "c"}, current: []integration.Integration{stored},
			want: "update one skipTest[true>false] clusterId[>c] plain.insecure[false>true]"},
		{name: "changed secret", changes: map[string]any{"plain.password": "other"}, current: []integration.Integration{stored},
			want: "update one plain.password[******>******]differs"},
		{name: "secret that cannot be compared", current: []integration.Integration{masked(stored)},
			want: "resend one plain.password[******>******]cannot be compared"},
		{name: "secret that cannot be compared, and more", changes: map[string]any{"plain.insecure": true}, current: []integration.Integration{masked(stored)},
			want: "update one plain.password[******>******]cannot be compared plain.insecure[false>true]"},
		{name: "masks on both sides", changes: map[string]any{"plain.password": "******"}, current: []integration.Integration{masked(stored)}, want: "unchanged one"},
		{name: "removed secret", changes: anonymous, current: []integration.Integration{masked(stored)}, want: "update one plain.username[jane>] plain.password[******>]"},
		{name: "kept secret to another place", changes: map[string]any{"plain.password": "******", "plain.endpoint": "evil.example"},
			current: []integration.Integration{masked(stored)}, want: "refuse one", problem: "credentials required to update field 'plain.endpoint'"},
		{name: "the same reference", changes: map[string]any{"plain.password": "env:PASSWORD"}, current: []integration.Integration{referring}, want: "unchanged one"},
		{name: "another reference", changes: map[string]any{"plain.password": "env:OTHER"}, current: []integration.Integration{referring},
			want: "update one plain.password[env:PASSWORD>env:OTHER]"},
		{name: "a reference for a value", changes: map[string]any{"plain.password": "env:PASSWORD"}, current: []integration.Integration{masked(stored)},
			want: "update one plain.password[******>env:PASSWORD]"},
		{name: "a mask for a reference", changes: map[string]any{"plain.password": "******"}, current: []integration.Integration{referring}, want: "unchanged one"},
		{name: "a mask for a reference that becomes a file's", file: "team.yaml", adopt: true, changes: map[string]any{"plain.password": "******"},
			current: []integration.Integration{referring}, want: "refuse one", problem: "a reference that the file does not vouch for"},
		{name: "another type", changes: map[string]any{"type": "fancy", "plain": nil, "fancyCloud": map[string]any{"accountId": "a"}}, current: []integration.Integration{stored},
			want: "update one type[plain>fancy] plain.endpoint[registry.example>] plain.username[jane>] plain.password[******>] " +
				"fancyCloud.accountId[>a] fancyCloud.region[>north] fancyCloud.useIdentity[false>true]"},
		{name: "a file's, applied by a person", changes: map[string]any{"plain.insecure": true}, current: []integration.Integration{owned},
			want: "refuse one plain.insecure[false>true]", problem: "is described by the file team.yaml"},
		{name: "a file's, applied by a person as it is", current: []integration.Integration{owned}, want: "unchanged one"},
		{name: "a person's, in a file", file: "team.yaml", current: []integration.Integration{stored}, want: "refuse one", problem: "that no file owns"},
		{name: "in its file", file: "team.yaml", current: []integration.Integration{owned}, want: "unchanged one"},
		{name: "moved to another file", file: "b.yaml", current: []integration.Integration{owned}, want: "update one owner[file:team.yaml>file:b.yaml]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := b.declared(t, test.file, test.changes)
			d.Adopt = test.adopt
			got := b.types.Plan([]integration.Declared{d}, test.current, nil)
			if told(got) != test.want {
				t.Errorf("got  %s\nwant %s", told(got), test.want)
			}
			if !strings.Contains(got[0].Problem, test.problem) || (got[0].Problem != "") != (test.problem != "") {
				t.Errorf("problem %q, want %q", got[0].Problem, test.problem)
			}
			if got[0].Problem != "" && got[0].Fix == "" {
				t.Error("it does not say what to do")
			}
		})
	}
	t.Run("in the order of names", func(t *testing.T) {
		z := stored
		z.ID, z.Name = "z", "z"
		got := b.types.Plan([]integration.Declared{b.declared(t, "", map[string]any{"name": "b"}), b.declared(t, "", map[string]any{"name": "a"})},
			[]integration.Integration{z, stored}, func(in integration.Integration) bool { return in.Name == "z" })
		var names []string
		for _, a := range got {
			names = append(names, string(a.Verb)+" "+a.Name)
		}
		if want := []string{"create a", "create b", "delete z"}; !slices.Equal(names, want) {
			t.Errorf("got %q", names)
		}
	})
	t.Run("resending is no drift", func(t *testing.T) {
		for verb, want := range map[integration.Verb]bool{integration.Create: true, integration.Update: true, integration.Delete: true,
			integration.Refuse: true, integration.Unchanged: false, integration.Resend: false} {
			if got := (integration.Action{Verb: verb}).Drift(); got != want {
				t.Errorf("%s: %t", verb, got)
			}
		}
	})
}

func TestReconcile(t *testing.T) {
	all := func(in integration.Integration) bool { return in.Owner != "" }
	reconcile := func(t *testing.T, b harness, want string, prune func(integration.Integration) bool, declared ...integration.Declared) []integration.Action {
		t.Helper()
		actions, err := b.Reconcile(t.Context(), declared, prune)
		if err != nil {
			t.Fatal(err)
		}
		var verbs []string
		for _, a := range actions {
			verbs = append(verbs, string(a.Verb)+" "+a.Name)
		}
		if got := strings.Join(verbs, ", "); got != want {
			t.Errorf("did %q, want %q", got, want)
		}
		return actions
	}
	named := func(t *testing.T, b harness, name string) integration.Integration {
		t.Helper()
		list, err := b.List(t.Context(), name, "")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0]
	}

	t.Run("creates, updates and deletes without asking the registry", func(t *testing.T) {
		b := newService(t)
		down := map[string]any{"skipTestIntegration": false, "plain.endpoint": "127.0.0.1:1"}
		reconcile(t, b, "create one", all, b.declared(t, "a.yaml", down))
		made := named(t, b, "one")
		if made.Owner != "file:a.yaml" || made.SkipTest || made.Revision != 1 || made.Created.IsZero() || made.Config.Secret("password").Reveal() != "correct-horse" {
			t.Errorf("made %+v", made)
		}
		reconcile(t, b, "unchanged one", all, b.declared(t, "a.yaml", down))
		if got := named(t, b, "one"); got.Revision != 1 {
			t.Errorf("revision %d although nothing differed", got.Revision)
		}
		down["plain.insecure"] = true
		reconcile(t, b, "update one", all, b.declared(t, "a.yaml", down))
		if got := named(t, b, "one"); got.ID != made.ID || got.Revision != 2 || !got.Config.On("insecure") || got.Owner != "file:a.yaml" {
			t.Errorf("became %+v", got)
		}
		reconcile(t, b, "delete one", all)
		reconcile(t, b, "", all)
	})
	t.Run("leaves what people made, unless it is to be adopted", func(t *testing.T) {
		b := newService(t)
		mine := b.create(t, nil)
		d := b.declared(t, "a.yaml", map[string]any{"plain.password": "******"})
		if got := reconcile(t, b, "refuse one", all, d); !strings.Contains(got[0].Fix, "adopt: true") {
			t.Errorf("fix %q", got[0].Fix)
		}
		reconcile(t, b, "", all)
		if got := b.stored(t, mine.ID); got.Revision != mine.Revision || got.Owner != "" {
			t.Errorf("became %+v", got)
		}
		d.Adopt = true
		reconcile(t, b, "update one", all, d)
		got := b.stored(t, mine.ID)
		if got.Owner != "file:a.yaml" || got.Config.Secret("password").Reveal() != "correct-horse" {
			t.Errorf("became %+v", got)
		}
		_, err := b.Patch(t.Context(), mine.ID, b.draft(t, nil), true)
		wantError(t, err, fault.Conflict, "described by the file a.yaml")
		wantError(t, b.Delete(t.Context(), mine.ID), fault.Conflict, "described by the file a.yaml")
		if err := b.Release(t.Context(), mine.ID); err != nil {
			t.Fatal(err)
		}
		reconcile(t, b, "", all)
		if got := b.stored(t, mine.ID); got.Owner != "" {
			t.Errorf("became %+v", got)
		}
	})
	t.Run("one failure does not stop the others", func(t *testing.T) {
		b := newService(t)
		b.create(t, map[string]any{"name": "b"})
		reconcile(t, b, "create a, refuse b, create c", all, b.declared(t, "x.yaml", map[string]any{"name": "c"}),
			b.declared(t, "x.yaml", map[string]any{"name": "b"}), b.declared(t, "x.yaml", map[string]any{"name": "a"}))
	})
	t.Run("another server was faster", func(t *testing.T) {
		b := newService(t)
		d := b.declared(t, "a.yaml", nil)
		b.store.onList = func() { b.create(t, nil) }
		if got := reconcile(t, b, "refuse one", all, d); got[0].Problem == "" {
			t.Error("it does not say why")
		}
	})
}
