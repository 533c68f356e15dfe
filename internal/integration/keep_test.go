package integration_test

import (
	"encoding/json"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// The stored integration has endpoint registry.example, user jane and a password.
func TestPatch(t *testing.T) {
	for _, test := range []struct {
		name           string
		changes        map[string]any
		updatePassword bool
		wantPassword   string
		wantError      string
	}{
		{"a masked secret is kept", map[string]any{"plain.password": "******"}, false, "correct-horse", ""},
		{"an empty secret is kept", map[string]any{"plain.password": ""}, false, "correct-horse", ""},
		{"an absent secret is kept", map[string]any{"plain.password": nil}, false, "correct-horse", ""},
		{"a new secret needs updatePassword", map[string]any{"plain.password": "new"}, false, "",
			"non-zero or unmasked credential field 'plain.password'"},
		{"changed endpoint needs credentials", map[string]any{"plain.password": "******", "plain.endpoint": "evil.example"}, false, "",
			"credentials required to update field 'plain.endpoint'"},
		{"changed path needs credentials", map[string]any{"plain.password": "", "plain.endpoint": "registry.example/x"}, false, "",
			"credentials required to update field 'plain.endpoint'"},
		{"downgrade to plain HTTP needs credentials", map[string]any{"plain.password": "", "plain.endpoint": "http://registry.example"}, false, "",
			"credentials required to update field 'plain.endpoint'"},
		{"endpoint spelt otherwise is the same", map[string]any{"plain.password": "", "plain.endpoint": " https://Registry.Example/ "}, false, "correct-horse", ""},
		{"changed user name needs credentials", map[string]any{"plain.password": "", "plain.username": "eve"}, false, "",
			"credentials required to update field 'plain.username'"},
		{"cleared user name needs credentials", map[string]any{"plain.password": "", "plain.username": ""}, false, "",
			"credentials required to update field 'plain.username'"},
		{"name, categories and TLS check change freely", map[string]any{"plain.password": "", "name": "two", "plain.insecure": true}, false, "correct-horse", ""},
		{"changed type needs credentials", map[string]any{"type": "fancy", "plain": nil, "fancyCloud": map[string]any{"accountId": "a"}}, false, "",
			"credentials required to update field 'type'"},
		{"settings of another kind", map[string]any{"plain": nil, "fancyCloud": map[string]any{}}, false, "", "Plain configuration required"},

		{"a new secret replaces", map[string]any{"plain.password": "new"}, true, "new", ""},
		{"a new secret replaces at a new endpoint", map[string]any{"plain.password": "new", "plain.endpoint": "other.example", "plain.username": "joe"}, true, "new", ""},
		{"an empty secret clears", map[string]any{"plain.password": "", "plain.endpoint": "other.example"}, true, "", ""},
		{"the mask keeps", map[string]any{"plain.password": "******"}, true, "correct-horse", ""},
		{"the mask at a changed endpoint needs credentials", map[string]any{"plain.password": "******", "plain.endpoint": "evil.example"}, true, "",
			"credentials required to update field 'plain.endpoint'"},
		{"the mask of a changed user needs credentials", map[string]any{"plain.password": "******", "plain.username": "eve"}, true, "",
			"credentials required to update field 'plain.username'"},
		{"the mask in a changed type needs credentials", map[string]any{"type": "fancy", "plain": nil,
			"fancyCloud": map[string]any{"accountId": "a", "serviceKey": "******"}}, true, "", "credentials required to update field 'type'"},
		{"a reference needs updatePassword", map[string]any{"plain.password": "env:X"}, false, "",
			"non-zero or unmasked credential field 'plain.password'"},
		{"a reference replaces", map[string]any{"plain.password": "env:X"}, true, "env:X", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newService(t)
			in := b.create(t, nil)
			_, err := b.Patch(t.Context(), in.ID, b.draft(t, test.changes), test.updatePassword)
			stored := b.stored(t, in.ID)
			if test.wantError != "" {
				wantError(t, err, fault.Invalid, test.wantError)
				if stored.Revision != in.Revision || stored.Config.Secret("password").Reveal() != "correct-horse" {
					t.Errorf("a refused change left %+v", stored)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := stored.Config.Secret("password").Reveal(); got != test.wantPassword {
				t.Errorf("the password is %q, want %q", got, test.wantPassword)
			}
			if stored.Revision <= in.Revision {
				t.Errorf("revision %d after %d", stored.Revision, in.Revision)
			}
		})
	}
}

func TestPatch_anonymous_integration_moves_freely(t *testing.T) {
	b := newService(t)
	in := b.create(t, map[string]any{"plain.username": "", "plain.password": ""})
	_, err := b.Patch(t.Context(), in.ID, b.draft(t, map[string]any{
		"plain.username": "", "plain.password": "******", "plain.endpoint": "other.example",
	}), false)
	if err != nil {
		t.Fatal(err)
	}
	stored := b.stored(t, in.ID)
	if stored.Config.Secret("password").IsSet() || stored.Config.Text("endpoint") != "other.example" {
		t.Errorf("stored %v", stored.Config)
	}
}

func TestReplace_with_what_was_read_changes_nothing(t *testing.T) {
	b := newService(t)
	in := b.create(t, map[string]any{"plain.endpoint": "http://Registry.Example:80/path/", "plain.insecure": true, "clusterId": "c"})
	for range 2 {
		read, err := json.Marshal(b.types.Encode(b.stored(t, in.ID)))
		if err != nil {
			t.Fatal(err)
		}
		d, err := b.types.Decode(read)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Replace(t.Context(), in.ID, d); err != nil {
			t.Fatal(err)
		}
		stored := b.stored(t, in.ID)
		if !stored.Config.Secret("password").Equal(in.Config.Secret("password")) {
			t.Fatal("the password is another")
		}
		again, err := json.Marshal(b.types.Encode(stored))
		if err != nil || string(again) != string(read) {
			t.Errorf("%s became %s", read, again)
		}
	}
}

func TestKeep_one_of_two_secrets(t *testing.T) {
	types := newTypes(t)
	decode := func(settings string) integration.Draft {
		d, err := types.Decode([]byte(`{"name":"n","type":"fancy","categories":["REGISTRY"],"fancyCloud":` + settings + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	stored := decode(`{"accountId":"a","serviceKey":"{}","robotAccount":{"name":"r","token":"t"}}`).Integration
	d, err := types.Keep(stored, decode(`{"accountId":"a","serviceKey":"******","robotAccount":{"name":"r2","token":"t2"}}`), true)
	if err != nil {
		t.Fatal(err)
	}
	if d.Config.Secret("serviceKey").Reveal() != "{}" || d.Config.Secret("robotAccount.token").Reveal() != "t2" {
		t.Error("the masked one is not kept, or the new one not taken")
	}
	_, err = types.Keep(stored, decode(`{"accountId":"b","serviceKey":"******","robotAccount":{"name":"r2","token":"t2"}}`), true)
	wantError(t, err, fault.Invalid, "credentials required to update field 'fancyCloud.accountId'")
}
