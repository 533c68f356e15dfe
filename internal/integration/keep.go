package integration

import (
	"slices"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// Keep completes a draft with the stored secrets it keeps. Without updatePassword it keeps them all and must not bring a
// new one. With it, a secret sent as the mask keeps the stored one, so that what was read can be sent back; an empty one
// clears it. As long as any stored secret is kept, the type and the fields that bind secrets must stay as they are:
// otherwise whoever may edit an integration could have its password sent to a server of their own. Errors are
// fault.Invalid.
//
// A reference to a secret is shown, so it can be sent back without updatePassword. With it, it counts as given anew, since
// whoever may edit an integration could use it in another one just as well; who may refer to what is decided where it is read.
func (t *Types) Keep(stored Integration, d Draft, updatePassword bool) (Draft, error) {
	typ, ok := t.Get(d.Type)
	if !ok {
		return Draft{}, t.unknown(d.Type)
	}
	if len(typ.kindProblems(d)) > 0 {
		return d, nil
	}
	d = typ.trim(d)
	var kept []Field
	for _, f := range typ.Fields {
		if !f.IsSecret() {
			continue
		}
		sent := d.Config.Secret(f.Name)
		if !updatePassword && sent.IsSet() && !sent.IsMask() && !f.sameReference(d.Config, stored.Config) {
			return Draft{}, invalid("non-zero or unmasked credential field '%s.%s'", typ.ConfigKey, f.Name).
				WithFix("Send \"updatePassword\": true to replace stored credentials.")
		}
		if !updatePassword || sent.IsMask() {
			kept = append(kept, f)
		}
	}
	if len(kept) > 0 && d.Type != stored.Type && len(stored.Config.secrets) > 0 {
		return Draft{}, needsCredentials("type")
	}
	binding := slices.ContainsFunc(kept, func(f Field) bool { return stored.Config.Secret(f.Name).IsSet() })
	for _, f := range typ.Fields {
		if binding && f.BindsSecret && !f.same(stored.Config, d.Config) {
			return Draft{}, needsCredentials(typ.ConfigKey + "." + f.Name)
		}
	}
	for _, f := range kept {
		d.Config = d.Config.With(f.Name, stored.Config.Secret(f.Name))
	}
	return d, nil
}

func needsCredentials(field string) *fault.Error {
	return invalid("credentials required to update field '%s'", field).
		WithFix("Send the credentials again, with \"updatePassword\": true where the request has it.")
}

func (f Field) sameReference(a, b Config) bool {
	ref, ok := a.reference(f.Name)
	other, _ := b.reference(f.Name)
	return ok && ref == other
}

// same reports whether a field means the same in both; endpoints may be spelt differently.
func (f Field) same(a, b Config) bool {
	if a.On(f.Name) != b.On(f.Name) {
		return false
	}
	x, y := a.Text(f.Name), b.Text(f.Name)
	if x == y || f.Kind != Endpoint {
		return x == y
	}
	p, errP := distribution.ParseEndpoint(x, false)
	q, errQ := distribution.ParseEndpoint(y, false)
	return errP == nil && errQ == nil && p.String() == q.String()
}
