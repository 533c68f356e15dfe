package portal

import (
	"errors"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// A problem is an error as a person sees it.
type problem struct {
	Message, Fix string
	Attempts     []assess.Attempt // what each integration said when none served an image
	status       int
}

// explain keeps the text of internal errors for the log.
func (p *portal) explain(r *http.Request, err error) problem {
	code := fault.CodeOf(err)
	seen := problem{Message: err.Error(), Fix: fault.FixOf(err), status: code.HTTPStatus()}
	var unserved *assess.Unserved
	switch {
	case code == fault.Internal:
		p.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		seen.Message = "Something went wrong here. The server's log says what."
	case errors.As(err, &unserved):
		seen.Message, seen.Fix, seen.Attempts = "No integration could serve "+unserved.Reference, "", unserved.Attempts
	}
	return seen
}

// fail shows an error as a page.
func (p *portal) fail(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	seen := p.explain(r, err)
	p.render(w, r, v, seen.status, "error", "Error", seen)
}
