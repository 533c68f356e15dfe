package integration

import (
	"context"
	"maps"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// keptAge is how long secrets that are kept elsewhere are used before they are looked up again.
const keptAge = 5 * time.Second

// keptElsewhere opens the registry of an integration whose settings refer to secrets: with what the references refer to now,
// and again only when that has changed, since an opened registry may hold what a cloud has lent it. It is the only owner of
// its lock.
type keptElsewhere struct {
	in         Integration
	typ        Type
	deps       Deps
	references []namedReference

	lock     chan struct{} // a channel, so that waiting ends with the caller's context
	looked   time.Time
	err      error // of the last look
	secrets  map[string]secret.Text
	registry Registry // opened with secrets; nil if it never could be
	via      connection
}

type namedReference struct {
	field string
	secretref.Reference
}

// keptElsewhere is nil for an integration whose secrets are all its own.
func (t Type) keptElsewhere(in Integration, deps Deps) *keptElsewhere {
	var references []namedReference
	for _, f := range t.Fields {
		if ref, ok := in.Config.reference(f.Name); ok {
			references = append(references, namedReference{f.Name, ref})
		}
	}
	if len(references) == 0 {
		return nil
	}
	return &keptElsewhere{in: in, typ: t, deps: deps, references: references, lock: make(chan struct{}, 1)}
}

// open returns the registry, or why it cannot be signed in to. If the context says that a registry has refused a credential,
// the secrets are looked up at once.
func (k *keptElsewhere) open(ctx context.Context) (Registry, connection, error) {
	select {
	case k.lock <- struct{}{}:
		defer func() { <-k.lock }()
	case <-ctx.Done():
		return nil, connection{}, ctx.Err()
	}
	_, refused := distribution.Refused(ctx)
	age := k.deps.Now().Sub(k.looked)
	if refused || age < 0 || age >= keptAge {
		err := k.look(ctx)
		if ctx.Err() != nil {
			return nil, connection{}, ctx.Err() // others may have more patience
		}
		k.looked, k.err = k.deps.Now(), err
	}
	return k.registry, k.via, k.err
}

func (k *keptElsewhere) look(ctx context.Context) error {
	secrets := make(map[string]secret.Text, len(k.references))
	for _, ref := range k.references {
		found, err := k.resolve(ctx, ref.Reference)
		if err != nil {
			if fault.CodeOf(err) == fault.Unavailable && k.registry != nil {
				return nil // what was there before is good until it is known to be gone
			}
			return fault.Wrap(fault.CodeOf(err), "", k.typ.ConfigKey+"."+ref.field, err)
		}
		secrets[ref.field] = found
	}
	if k.registry != nil && maps.EqualFunc(secrets, k.secrets, secret.Text.Equal) {
		return nil
	}
	registry, via, err := k.with(k.in.Config.read(secrets))
	if err != nil {
		return err
	}
	k.secrets, k.registry, k.via = secrets, registry, via
	return nil
}

func (k *keptElsewhere) resolve(ctx context.Context, ref secretref.Reference) (secret.Text, error) {
	if k.deps.References == nil {
		return secret.Text{}, fault.New(fault.Forbidden, "read "+ref.String(), "references to secrets are not looked up here")
	}
	return k.deps.References(ctx, ref, k.in.OwnerFile() != "")
}

// with opens the registry with settings that are checked again, now that all is known.
func (k *keptElsewhere) with(settings Config) (Registry, connection, error) {
	if problems := k.typ.configProblems(settings, k.in.Categories); len(problems) > 0 {
		return nil, connection{}, &fault.Error{Code: fault.Invalid, What: "the secret that the settings refer to", Fix: firstFix(problems), Err: Problems(problems)}
	}
	return k.typ.open(k.in, settings, k.deps)
}
