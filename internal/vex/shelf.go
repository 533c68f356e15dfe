package vex

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Info describes an imported document.
type Info struct {
	Key        string    `json:"key"` // a short name, made of the ID
	ID         string    `json:"id"`
	Format     string    `json:"format"`
	Author     string    `json:"author,omitempty"`
	Timestamp  time.Time `json:"timestamp"`
	Imported   time.Time `json:"imported"`
	Statements int       `json:"statements"`
	Unmatched  int       `json:"unmatched,omitempty" doc:"further statements about products that are named in no way that can be compared with an image"`
	Size       int64     `json:"size"`
	Digest     string    `json:"digest"` // SHA-256 of the document
}

// Store keeps documents as they came.
type Store interface {
	PutVEX(ctx context.Context, i Info, body []byte) error // replaces that of the same key
	ListVEX(ctx context.Context) ([]Info, error)           // by ID
	VEX(ctx context.Context, key string) ([]byte, error)   // fault.NotFound
	DeleteVEX(ctx context.Context, key string) error       // fault.NotFound
}

// Bounds of all documents together.
const (
	maxDocuments = 1000
	maxTotal     = 128 << 20
)

// A Shelf holds the documents that were imported; no others count.
type Shelf struct {
	store Store
	now   func() time.Time

	mu  sync.Mutex
	set *Set
}

// NewShelf makes a Shelf.
func NewShelf(store Store, now func() time.Time) *Shelf { return &Shelf{store: store, now: now} }

// Import takes a document in. An older version of one that is there is refused.
func (s *Shelf) Import(ctx context.Context, body []byte) (Info, error) {
	const op = "import VEX document"
	d, err := Parse(body)
	if err != nil {
		return Info{}, err
	}
	sum := sha256.Sum256(body)
	i := Info{
		Key: keyOfID(d.ID), ID: d.ID, Format: d.Format, Author: d.Author, Timestamp: d.Timestamp, Imported: s.now().UTC(),
		Statements: len(d.Statements), Unmatched: d.Unmatched, Size: int64(len(body)), Digest: hex.EncodeToString(sum[:]),
	}
	list, err := s.store.ListVEX(ctx)
	if err != nil {
		return i, err
	}
	total, count := i.Size, 1
	for _, other := range list {
		if other.Key != i.Key {
			total, count = total+other.Size, count+1
		} else if other.Timestamp.After(i.Timestamp) {
			return i, fault.New(fault.Conflict, op, "there is a newer version of %s already, of %s", i.ID, other.Timestamp.Format(time.RFC3339)).
				WithFix("Delete that first if the older one is to count: landwaiter vex delete %s", i.Key)
		}
	}
	if total > maxTotal || count > maxDocuments {
		return i, fault.New(fault.Limited, op, "%d documents of %d MiB would be more than the %d of %d MiB that are kept", count, total>>20, maxDocuments, maxTotal>>20).
			WithFix("Delete some that are not needed: landwaiter vex list")
	}
	return i, s.store.PutVEX(ctx, i, body)
}

func keyOfID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// List is by ID.
func (s *Shelf) List(ctx context.Context) ([]Info, error) { return s.store.ListVEX(ctx) }

// Delete removes the document of a key or an ID. It fails with fault.NotFound.
func (s *Shelf) Delete(ctx context.Context, name string) error {
	err := s.store.DeleteVEX(ctx, name)
	if fault.CodeOf(err) == fault.NotFound {
		return s.store.DeleteVEX(ctx, keyOfID(name))
	}
	return err
}

// Current is what all documents say now.
func (s *Shelf) Current(ctx context.Context) (*Set, error) {
	list, err := s.store.ListVEX(ctx)
	if err != nil {
		return nil, err
	}
	name := nameOf(list)
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == s.set.Name() {
		return s.set, nil
	}
	documents := make([]*Document, len(list))
	for i, info := range list {
		body, err := s.store.VEX(ctx, info.Key)
		if err == nil {
			documents[i], err = Parse(body)
		}
		if err != nil {
			return nil, fault.Wrap(fault.CodeOf(err), "use VEX document", info.ID, err).WithFix("If it is damaged, delete it and import it again: landwaiter vex delete %s", info.Key)
		}
	}
	s.set = NewSet(name, documents)
	return s.set, nil
}

func nameOf(list []Info) string {
	if len(list) == 0 {
		return ""
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b Info) int { return cmp.Compare(a.Key, b.Key) })
	h := sha256.New()
	for _, i := range list {
		fmt.Fprintln(h, i.Key, i.Digest)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
