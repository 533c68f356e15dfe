package rhacspolicy

import (
	"bytes"
	"context"
	"slices"

	"github.com/landwaiter/landwaiter/internal/policy"
)

// A Library is where imported policies are kept.
type Library interface {
	Entries(ctx context.Context) ([]policy.Entry, error)
	Apply(ctx context.Context, documents []byte, by string) ([]policy.Entry, error)
}

// An Imported is what became of the policies of a document.
type Imported struct {
	Policies []Translation `json:"policies" nullable:"false"`
	Applied  bool          `json:"applied" doc:"the translated ones count now"`
}

// Import translates the policies of a document and, unless it is only tried, applies those that were not refused.
func Import(ctx context.Context, library Library, document []byte, o Options, by string, try bool) (*Imported, error) {
	policies, err := Read(document)
	if err != nil {
		return nil, err
	}
	entries, err := library.Entries(ctx)
	if err != nil {
		return nil, err
	}
	o.Kept = entries
	imported := Imported{Policies: Translate(policies, o)}
	if !try && imported.Importable() {
		if _, err := library.Apply(ctx, Documents(imported.Policies), by); err != nil {
			return nil, err
		}
		imported.Applied = true
	}
	return &imported, nil
}

// Importable says whether there is a policy that was not refused.
func (i *Imported) Importable() bool {
	return slices.ContainsFunc(i.Policies, func(t Translation) bool { return t.Policy != nil })
}

// Documents are the policies that were not refused, in YAML.
func Documents(translations []Translation) []byte {
	var documents [][]byte
	for _, t := range translations {
		if t.Policy != nil {
			documents = append(documents, policy.Format(*t.Policy))
		}
	}
	return bytes.Join(documents, []byte("---\n"))
}
