package store

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// FuzzCursor holds that what a client sends back as a page marker is one we made, or refused.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "x", encodeCursor(0, ""), encodeCursor(1764000000000000000, "b0a1"), encodeCursor(-1<<63, "a b"), "MSBhAA", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgYQ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		at, id, err := decodeCursor(cursor)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%v is no fault.Invalid", err)
			}
			return
		}
		if cursor == "" {
			return
		}
		againAt, againID, err := decodeCursor(encodeCursor(at, id))
		if err != nil || againAt != at || againID != id {
			t.Errorf("%d %q comes back as %d %q, %v", at, id, againAt, againID, err)
		}
	})
}
