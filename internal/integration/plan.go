package integration

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Declared is an integration as a document describes it. A secret that is the mask stands for the one that is stored.
type Declared struct {
	Draft
	Origin string // where the document is, e.g. team.yaml:3
	Owner  string // will own the integration; "" when a person applies the document
	Adopt  bool   // the owner may take over an integration that nobody owns
}

// A Verb says what has to be done.
type Verb string

const (
	Create    Verb = "create"
	Update    Verb = "update"
	Resend    Verb = "resend" // nothing is seen to differ, but there are secrets that cannot be compared
	Unchanged Verb = "unchanged"
	Delete    Verb = "delete"
	Refuse    Verb = "refuse" // it cannot be done; Problem says why
)

// An Action is what has to be done, or was, for one integration.
type Action struct {
	Verb    Verb     `json:"action"`
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	ID      string   `json:"id,omitempty"`     // of what is stored
	Origin  string   `json:"origin,omitempty"` // where the document is, or was
	Changes []Change `json:"changes" nullable:"false"`
	Problem string   `json:"problem,omitempty"`
	Fix     string   `json:"fix,omitempty"`

	// Declared is what was asked for; the zero value when the integration is to be deleted.
	Declared Declared `json:"-"`

	stored, want Integration
}

// Drift reports whether what is stored is known not to be what is declared.
func (a Action) Drift() bool { return a.Verb != Unchanged && a.Verb != Resend }

// Failed is the action after it was tried in vain.
func (a Action) Failed(err error) Action {
	a.Verb, a.Problem, a.Fix = Refuse, err.Error(), fault.FixOf(err)
	return a
}

// Plan says what has to be done so that what is stored is what is declared, in the order of names. The declared ones are
// valid but for masked secrets, and their names differ; those of current may have their secrets masked. prune chooses which
// integrations that are not declared are deleted; nil stands for none.
func (t *Types) Plan(declared []Declared, current []Integration, prune func(Integration) bool) []Action {
	byName := make(map[string]Integration, len(current))
	for _, in := range current {
		byName[in.Name] = in
	}
	actions := []Action{}
	for _, d := range declared {
		actions = append(actions, t.planned(d, byName[d.Name]))
		delete(byName, d.Name)
	}
	for _, in := range byName {
		if prune != nil && prune(in) {
			actions = append(actions, Action{Verb: Delete, Name: in.Name, Type: in.Type, ID: in.ID, Origin: in.OwnerFile(), Changes: []Change{}, stored: in})
		}
	}
	slices.SortFunc(actions, func(a, b Action) int { return strings.Compare(a.Name, b.Name) })
	return actions
}

// planned compares a declared integration with the stored one of its name, which is zero if there is none.
func (t *Types) planned(d Declared, stored Integration) Action {
	a := Action{Name: d.Name, Type: d.Type, ID: stored.ID, Origin: d.Origin, Changes: []Change{}, Declared: d, stored: stored}
	exists := stored.ID != ""
	if exists && d.Owner != "" && stored.Owner == "" && !d.Adopt {
		return a.Failed(fault.New(fault.Conflict, "", "there is an integration \"%s\" that no file owns", stored.Name).
			WithFix("Write adopt: true below metadata to have the file own it, or choose another name."))
	}
	if err := t.unfitMask(d, stored); err != nil {
		return a.Failed(err)
	}
	kept, err := t.Keep(stored, d.Draft, true)
	if err != nil {
		return a.Failed(fault.Wrap(fault.CodeOf(err), "", "", err).
			WithFix("Give the secrets themselves in place of masks: what is stored is not sent to another place, or for another user."))
	}
	if kept, err = t.ValidateMasked(kept); err != nil {
		return a.Failed(err)
	}
	a.want = stored.with(kept)
	a.want.Owner = cmp.Or(d.Owner, stored.Owner)
	a.Changes = t.Changes(stored, a.want)
	switch {
	case d.Owner == "" && stored.Owner != "" && len(a.Changes) > 0:
		return a.Failed(ownedByFile(stored))
	case !exists:
		a.Verb = Create
	case len(a.Changes) == 0:
		a.Verb = Unchanged
	case !slices.ContainsFunc(a.Changes, func(c Change) bool { return c.Secret != SecretUnknown }):
		a.Verb = Resend
	default:
		a.Verb = Update
	}
	return a
}

// unfitMask says which masked secret of a declared integration cannot stand for the stored one.
func (t *Types) unfitMask(d Declared, stored Integration) error {
	typ, _ := t.Get(d.Type)
	adopted := d.Owner != "" && stored.Owner == ""
	for _, f := range typ.Fields {
		_, isReference := stored.Config.reference(f.Name)
		what := "'" + typ.ConfigKey + "." + f.Name + "' is masked, and "
		switch {
		case !d.Config.Secret(f.Name).IsMask():
		case !stored.Config.Secret(f.Name).IsSet():
			return fault.New(fault.Invalid, "", "%sthere is no stored secret that it could stand for", what).WithFix("Give the secret in place of the mask.")
		case adopted && isReference: // in a file it would be trusted
			return fault.New(fault.Invalid, "", "%swhat is stored is a reference that the file does not vouch for", what).WithFix("Write the reference itself in place of the mask.")
		}
	}
	return nil
}

// A Change is one setting that differs. A secret is masked on both sides, unless it is a reference.
type Change struct {
	Field  string       `json:"field"` // e.g. docker.endpoint
	From   string       `json:"from"`
	To     string       `json:"to"`
	Secret SecretChange `json:"secret,omitempty"`
}

// A SecretChange says how a secret differs; "" is for what is no secret.
type SecretChange string

const (
	SecretDiffers SecretChange = "differs"
	SecretUnknown SecretChange = "cannot be compared" // one side is masked
)

// Changes are the settings in which two integrations differ, in the order in which they are declared. The name counts, but
// not when one of them has none.
func (t *Types) Changes(from, to Integration) []Change {
	changes := []Change{}
	compare := func(field, a, b string) {
		if a != b {
			changes = append(changes, Change{Field: field, From: a, To: b})
		}
	}
	if from.Name != "" {
		compare("name", from.Name, to.Name)
	}
	compare("type", from.Type, to.Type)
	compare("owner", from.Owner, to.Owner)
	compare("categories", joined(from.Categories), joined(to.Categories))
	compare("skipTest", strconv.FormatBool(from.SkipTest), strconv.FormatBool(to.SkipTest))
	compare("clusterId", from.ClusterID, to.ClusterID)
	settings := func(typ Type, from, to Config) {
		for _, f := range typ.Fields {
			if c := f.change(from, to); c.From != c.To || c.Secret != "" {
				c.Field = typ.ConfigKey + "." + f.Name
				changes = append(changes, c)
			}
		}
	}
	before, after := from.Config, to.Config
	if from.Type != to.Type && from.Type != "" {
		typ, _ := t.Get(from.Type)
		settings(typ, before, Config{})
		before = Config{}
	}
	typ, _ := t.Get(to.Type)
	settings(typ, before, after)
	return changes
}

func (f Field) change(from, to Config) Change {
	switch {
	case f.IsSecret():
		a, b := from.Secret(f.Name), to.Secret(f.Name)
		c := Change{From: from.Shown(f.Name), To: to.Shown(f.Name)}
		switch {
		case a.Equal(b), c.From != c.To:
		case a.IsMask(), b.IsMask():
			c.Secret = SecretUnknown
		default:
			c.Secret = SecretDiffers
		}
		return c
	case f.Kind == Toggle:
		return Change{From: strconv.FormatBool(from.On(f.Name)), To: strconv.FormatBool(to.On(f.Name))}
	}
	return Change{From: from.Text(f.Name), To: to.Text(f.Name)}
}

func joined(list []Category) string {
	var names []string
	for _, c := range sortedCategories(list) {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}
