package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Unserved says that no integration could serve an image, with every attempt and its reason.
type Unserved struct {
	Reference string
	Attempts  []Attempt
	Errs      []error // one per attempt
}

func (u *Unserved) Error() string {
	parts := make([]string, len(u.Attempts))
	for i, a := range u.Attempts {
		parts[i] = fmt.Sprintf("%q: %s", a.Source.Name, a.Error)
	}
	if len(parts) == 1 {
		return fmt.Sprintf("get image: %s: %s", u.Reference, parts[0])
	}
	return fmt.Sprintf("get image: %s: %d integrations tried: [%s]", u.Reference, len(parts), strings.Join(parts, "; "))
}

// informative lists codes from the one that says most about why an image cannot be had to the one that says least: an
// image that one integration refuses and another does not find is refused, and one that is not found where an answer
// could be had may still be where there was none.
var informative = []fault.Code{
	fault.Invalid, fault.Limited, fault.Unavailable, fault.Internal, fault.Conflict, fault.Forbidden, fault.Unauthenticated,
	fault.NotFound,
}

// As makes fault.CodeOf and fault.FixOf answer with the most telling attempt.
func (u *Unserved) As(target any) bool {
	t, ok := target.(**fault.Error)
	if !ok || len(u.Errs) == 0 {
		return false
	}
	best := -1
	for i, err := range u.Errs {
		if !u.Attempts[i].Retried && (best < 0 || rank(err) < rank(u.Errs[best])) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	*t = &fault.Error{Code: fault.CodeOf(u.Errs[best]), Op: "get image", What: u.Reference, Fix: u.Attempts[best].Fix, Err: u.Errs[best]}
	return true
}

func rank(err error) int { return slices.Index(informative, fault.CodeOf(err)) }
