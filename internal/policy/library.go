package policy

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Stored is the document of one policy that somebody wrote.
type Stored struct {
	ID       string
	Document []byte // YAML as it was sent
	Changed  time.Time
	By       string
}

// A Store keeps documents by the policies' IDs.
type Store interface {
	// PutPolicies keeps all of them or none, and replaces those of the same ID.
	PutPolicies(ctx context.Context, documents []Stored) error
	ListPolicies(ctx context.Context) ([]Stored, error)
	// DeletePolicy fails with fault.NotFound if there is none.
	DeletePolicy(ctx context.Context, id string) error
	// PoliciesRevision is cheap, and another one after every change, whoever made it.
	PoliciesRevision(ctx context.Context) (string, error)
}

// Source says where a policy that counts comes from.
type Source string

const (
	SourceBuiltIn Source = "built-in"
	SourceChanged Source = "changed" // a document replaces the built-in policy of its name
	SourceOwn     Source = "own"
)

// An Entry is a policy that counts.
type Entry struct {
	Policy
	Source   Source    `json:"source"`
	Changed  time.Time `json:"changed,omitzero"` // zero for a built-in policy, like By
	By       string    `json:"by,omitempty"`
	Broken   string    `json:"broken,omitempty"` // why this release cannot evaluate what another one stored
	Document []byte    `json:"-"`                // YAML as it was written
}

// A Library holds the policies that count now: the stored ones, and the built-in ones that none of them replaces.
type Library struct {
	store Store
	now   func() time.Time

	mu       sync.Mutex
	revision string
	shelf    *shelf
}

// shelf is what a library holds at one time.
type shelf struct {
	set       *Set
	entries   []Entry // by ID
	compiled  map[string]*compiled
	documents map[string][]byte // of the stored ones
}

// NewLibrary makes a Library over a store.
func NewLibrary(store Store, now func() time.Time) *Library {
	return &Library{store: store, now: now, shelf: &shelf{}}
}

// FixedSet is a set that never changes, where one is asked for that may.
type FixedSet struct{ set *Set }

// Fixed makes a FixedSet.
func Fixed(set *Set) FixedSet { return FixedSet{set} }

// Current is the set.
func (f FixedSet) Current(context.Context) (*Set, error) { return f.set, nil }

// Current is the set that counts now. A stored document that this release cannot compile is in it as a policy that cannot be
// evaluated.
func (l *Library) Current(ctx context.Context) (*Set, error) {
	held, err := l.look(ctx)
	if err != nil {
		return nil, err
	}
	return held.set, nil
}

// Entries lists what counts, by ID.
func (l *Library) Entries(ctx context.Context) ([]Entry, error) {
	held, err := l.look(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(held.entries), nil
}

// Entry finds one, or fails with fault.NotFound.
func (l *Library) Entry(ctx context.Context, id string) (Entry, error) {
	held, err := l.look(ctx)
	if err != nil {
		return Entry{}, err
	}
	return held.entry(id)
}

func (s *shelf) entry(id string) (Entry, error) {
	i, ok := slices.BinarySearchFunc(s.entries, id, func(e Entry, id string) int { return cmp.Compare(e.ID, id) })
	if !ok {
		return Entry{}, fault.New(fault.NotFound, "read policy", "there is no policy %q", id).
			WithFix("List the policies: landwaiter policy list")
	}
	return s.entries[i], nil
}

// Apply stores the policies of a YAML text, all of them or none, and returns them as they count now. Mistakes in them are
// reported as Parse does.
func (l *Library) Apply(ctx context.Context, documents []byte, by string) ([]Entry, error) {
	policies, err := Parse(documents)
	if err != nil {
		return nil, err
	}
	held, err := l.look(ctx)
	if err != nil {
		return nil, err
	}
	ids := maps.Clone(held.documents)
	texts, changed := documentsOf(documents, policies), l.now().UTC()
	stored := make([]Stored, len(policies))
	for i, p := range policies {
		stored[i] = Stored{ID: p.ID, Document: texts[i], Changed: changed, By: by}
		ids[p.ID] = nil
	}
	if len(ids) > maxPolicies {
		return nil, fault.New(fault.Invalid, "store policies", "there would be %d of them; at most %d can be stored", len(ids), maxPolicies).
			WithFix("Delete those that are no longer needed: landwaiter policy delete NAME")
	}
	if err := l.store.PutPolicies(ctx, stored); err != nil {
		return nil, err
	}
	if held, err = l.look(ctx); err != nil {
		return nil, err
	}
	entries := make([]Entry, len(policies))
	for i, p := range policies {
		if entries[i], err = held.entry(p.ID); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// documentsOf finds the document of each policy in the text that they were read from, and writes it anew where it does not.
func documentsOf(text []byte, policies []Policy) [][]byte {
	alone := map[string][]byte{}
	for _, part := range split(text) {
		if read, problems := read(part); len(problems) == 0 && len(read) == 1 {
			alone[read[0].ID] = part
		}
	}
	documents := make([][]byte, len(policies))
	for i, p := range policies {
		if documents[i] = alone[p.ID]; documents[i] == nil {
			documents[i] = Format(p)
		}
	}
	return documents
}

// split divides a text where YAML's lines of three dashes stand.
func split(text []byte) [][]byte {
	parts := [][]byte{nil}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("---")); ok && len(bytes.TrimLeft(rest, " \t\r\n")) != len(rest) {
			parts = append(parts, nil)
			line = bytes.TrimLeft(rest, " \t\r\n")
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], line...)
	}
	return parts
}

// Delete removes a stored document; a built-in policy that it replaced counts again.
func (l *Library) Delete(ctx context.Context, id string) error {
	e, err := l.Entry(ctx, id)
	if err != nil {
		return err
	}
	if e.Source == SourceBuiltIn {
		return fault.New(fault.Invalid, "delete policy", "%s is built in", id).
			WithFix("Switch it off: landwaiter policy disable %s", id)
	}
	return l.store.DeletePolicy(ctx, id)
}

// look reads the store again if it has changed.
func (l *Library) look(ctx context.Context) (*shelf, error) {
	revision, err := l.store.PoliciesRevision(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shelf.set != nil && l.revision == revision {
		return l.shelf, nil
	}
	stored, err := l.store.ListPolicies(ctx)
	if err != nil {
		return nil, err
	}
	// What was changed after the first question is in the list already, and is read once more next time.
	l.revision, l.shelf = revision, l.shelf.next(stored)
	return l.shelf, nil
}

// next is a shelf for other documents. What was compiled is not compiled again.
func (s *shelf) next(stored []Stored) *shelf {
	held := &shelf{compiled: map[string]*compiled{}, documents: map[string][]byte{}}
	entries := map[string]Entry{}
	for _, b := range builtins() {
		held.compiled[b.ID] = b.compiled
		entries[b.ID] = Entry{Policy: b.Policy, Source: SourceBuiltIn, Document: b.document}
	}
	for _, d := range stored {
		c := s.compiled[d.ID]
		if was, ok := s.documents[d.ID]; !ok || !bytes.Equal(was, d.Document) {
			c = compileStored(d)
		}
		source := SourceOwn
		if _, replaces := entries[d.ID]; replaces {
			source = SourceChanged
		}
		held.compiled[d.ID], held.documents[d.ID] = c, d.Document
		entries[d.ID] = Entry{Policy: c.Policy, Source: source, Changed: d.Changed, By: d.By, Broken: c.broken, Document: d.Document}
	}
	var all []*compiled
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		all, held.entries = append(all, held.compiled[id]), append(held.entries, entries[id])
	}
	held.set = newSet(all)
	return held
}

// compileStored makes of a document that has problems a policy that cannot be evaluated, in as many stages as it may have been
// meant for.
func compileStored(d Stored) *compiled {
	policies, problems := read(d.Document)
	p := Policy{ID: d.ID}
	if len(policies) == 1 {
		p = policies[0]
	}
	if len(problems) == 0 && p.ID != d.ID {
		problems = Problems{{Message: fmt.Sprintf("it is stored as %s, and is named %q", d.ID, p.ID)}}
	}
	c, more := compileOne(&p)
	problems = append(problems, more...)
	if len(problems) == 0 {
		return c
	}
	problems.sort()
	c.broken = clip(problems.Error())
	c.ID, c.Title = d.ID, cmp.Or(p.Title, d.ID)
	if !slices.Contains(severities, p.Severity) {
		c.Severity = High
	}
	if !slices.ContainsFunc(p.Stages, func(s Stage) bool { return slices.Contains(stages, s) }) {
		c.Stages = stages
	}
	if p.positions.broken("spec.enforce") {
		c.Enforce = stages
	}
	c.needs, c.Scope, c.Exclusions = needs{}, nil, nil
	return c
}

// A Switch changes how a policy counts, and leaves what it says.
type Switch struct {
	Disabled *bool    `json:"disabled,omitempty" doc:"false switches it on"`
	Enforce  *[]Stage `json:"enforce,omitempty" doc:"stages, of those of the policy, in which a violation fails the build or refuses the workload"`
}

// Turn stores a policy's document with a switch turned. A built-in policy is changed by that.
func (l *Library) Turn(ctx context.Context, id string, s Switch, by string) (Entry, error) {
	e, err := l.Entry(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	if e.Broken != "" {
		return Entry{}, fault.New(fault.Invalid, "change policy", "the document of %s cannot be read: %s", id, e.Broken).
			WithFix("Apply one that can be.")
	}
	p := e.Policy
	if s.Disabled != nil {
		p.Disabled = *s.Disabled
	}
	if s.Enforce != nil {
		p.Enforce = *s.Enforce
	}
	entries, err := l.Apply(ctx, Format(p), by)
	if err != nil {
		return Entry{}, err
	}
	return entries[0], nil
}
