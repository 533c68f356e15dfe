package assess

import (
	"fmt"
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
// image that one integration refuses and another does not find is refused.
var informative = []fault.Code{
	fault.Invalid, fault.Limited, fault.Unavailable, fault.Forbidden, fault.Unauthenticated, fault.NotFound,
}

// As makes fault.CodeOf and fault.FixOf answer with the most telling attempt.
func (u *Unserved) As(target any) bool {
	t, ok := target.(**fault.Error)
	if !ok {
		return false
	}
	best := u.Errs[0]
	for _, code := range informative {
		if i := u.first(code); i >= 0 {
			best = u.Errs[i]
			break
		}
	}
	*t = &fault.Error{Code: fault.CodeOf(best), Op: "get image", What: u.Reference, Fix: fault.FixOf(best), Err: best}
	return true
}

func (u *Unserved) first(code fault.Code) int {
	for i, err := range u.Errs {
		if fault.CodeOf(err) == code {
			return i
		}
	}
	return -1
}
