package exception

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// Store keeps exceptions, also those that are not in force any more.
type Store interface {
	// PutException replaces what is was, and fails with fault.Conflict when it is another by now. A nil was adds one.
	PutException(ctx context.Context, e Exception, was *Exception) error
	Exceptions(ctx context.Context) ([]Exception, error)
	Exception(ctx context.Context, id string) (Exception, error) // fault.NotFound
	DeleteException(ctx context.Context, id string) error        // fault.NotFound
	CountExceptions(ctx context.Context) (int, error)
	// ExceptionsRevision is cheap to ask for, and another one after every change by whatever server.
	ExceptionsRevision(ctx context.Context) (string, error)
}

// maxKept bounds how many there are.
const maxKept = 20_000

// A Ledger is what was decided, now and before.
type Ledger struct {
	store Store
	now   func() time.Time
	newID func() string

	mu       sync.Mutex
	set      *Set
	revision string
}

// NewLedger makes a Ledger.
func NewLedger(store Store, now func() time.Time, newID func() string) *Ledger {
	return &Ledger{store: store, now: now, newID: newID}
}

// Listed is an exception with its state when it was listed.
type Listed struct {
	Exception
	State State `json:"state" required:"false" enum:"in force,not yet in force,expired,revoked"`
}

func (l *Ledger) listed(e Exception) Listed { return Listed{e, e.State(l.now())} }

// List has those in force first, then the newest.
func (l *Ledger) List(ctx context.Context) ([]Listed, error) {
	all, err := l.store.Exceptions(ctx)
	list := make([]Listed, len(all))
	for i, e := range all {
		list[i] = l.listed(e)
	}
	order := []State{InForce, NotYet, Expired, Revoked}
	slices.SortFunc(list, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State)), b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

// Get fails with fault.NotFound.
func (l *Ledger) Get(ctx context.Context, id string) (Listed, error) {
	e, err := l.store.Exception(ctx, id)
	return l.listed(e), err
}

// Create adds one. It is given an ID if it has none.
func (l *Ledger) Create(ctx context.Context, e Exception) (Listed, error) {
	e.ID = cmp.Or(e.ID, l.newID())
	e.Created, e.Updated, e.Revoked, e.RevokedBy = l.now().UTC(), nil, nil, ""
	if err := e.Check(); err != nil {
		return Listed{}, err
	}
	if e.Until != nil && !l.now().Before(*e.Until) {
		return Listed{}, fault.New(fault.Invalid, "add exception", "until %s is over", yamldoc.FormatUntil(*e.Until)).WithFix("Give a date that is to come.")
	}
	count, err := l.store.CountExceptions(ctx)
	if err != nil {
		return Listed{}, err
	}
	if count >= maxKept {
		return Listed{}, fault.New(fault.Limited, "add exception", "there are %d, and no more are kept", count).WithFix("Delete some that are expired or revoked.")
	}
	return l.listed(e), l.store.PutException(ctx, e, nil)
}

// Put makes the exception of its ID what it says, and adds it if there is none. One that says the same stays as it is. One that was
// revoked fails with fault.Conflict: what somebody took back does not come back unnoticed.
func (l *Ledger) Put(ctx context.Context, e Exception) (Listed, error) {
	if err := e.Check(); err != nil {
		return Listed{}, err
	}
	was, err := l.store.Exception(ctx, e.ID)
	if fault.CodeOf(err) == fault.NotFound {
		return l.Create(ctx, e)
	}
	if err != nil {
		return Listed{}, err
	}
	if was.Revoked != nil {
		return Listed{}, errRevoked(was)
	}
	author := e.Author
	e.Author, e.Created, e.Updated, e.Revoked, e.RevokedBy = was.Author, was.Created, was.Updated, nil, ""
	if string(Format(e)) == string(Format(was)) {
		return l.listed(was), nil
	}
	now := l.now().UTC()
	e.Author, e.Updated = author, &now
	return l.listed(e), l.store.PutException(ctx, e, &was)
}

func errRevoked(e Exception) error {
	return fault.New(fault.Conflict, "change exception", "%s was revoked by %s on %s", e.ID, cmp.Or(e.RevokedBy, "somebody"), e.Revoked.Format(time.DateOnly)).
		WithFix("Add a new exception under another name.")
}

// Revoke ends an exception now, and keeps it as history.
func (l *Ledger) Revoke(ctx context.Context, id, by string) (Listed, error) {
	was, err := l.store.Exception(ctx, id)
	if err != nil {
		return Listed{}, err
	}
	if was.Revoked != nil {
		return Listed{}, errRevoked(was)
	}
	e, now := was, l.now().UTC()
	e.Revoked, e.RevokedBy = &now, by
	return l.listed(e), l.store.PutException(ctx, e, &was)
}

// Delete forgets one that is not in force any more: what hides something is revoked first, so that it is seen to have been there.
func (l *Ledger) Delete(ctx context.Context, id string) error {
	e, err := l.Get(ctx, id)
	if err != nil {
		return err
	}
	if e.State == InForce || e.State == NotYet {
		return fault.New(fault.Conflict, "delete exception", "%s is %s", id, e.State).WithFix("Revoke it first: landwaiter exception revoke %s", id)
	}
	return l.store.DeleteException(ctx, id)
}

// Current are those in force now.
func (l *Ledger) Current(ctx context.Context) (*Set, error) {
	revision, err := l.store.ExceptionsRevision(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.set != nil && l.revision == revision && (l.set.next.IsZero() || now.Before(l.set.next)) {
		return l.set, nil
	}
	list, err := l.store.Exceptions(ctx)
	if err != nil {
		return nil, err
	}
	l.set, l.revision = NewSet(list, now), revision
	return l.set, nil
}

func notFound(id string) error {
	return fault.New(fault.NotFound, "find exception", "there is none called %q", clip(id)).WithFix("See which there are: landwaiter exception list")
}

// ErrChanged is what a Store's PutException fails with when somebody else was quicker.
func ErrChanged(id string) error {
	return fault.New(fault.Conflict, "keep exception", "there is another %s by now", id).WithFix("Look at it and try again: landwaiter exception show %s", id)
}
