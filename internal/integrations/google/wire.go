package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A wire carries the requests of one sign-in and remembers what went wrong with them: the SDK passes refusals on as text, with
// everything that the other side wrote.
type wire struct {
	base    http.RoundTripper
	secrets []string // must not be shown, wherever the other side repeats them

	// For explanations: whose key it is, which provider of identities is asked, where the metadata server is.
	account, audience, metadata string

	// onlyFor is the audience that a token of this machine's identity must have been issued for to be sent; "" for any.
	onlyFor string

	lost     error    // of a request that got no answer
	withheld bool     // a request was not sent because of onlyFor
	refusal  *refusal // the last answer, if it was one
}

// A refusal is an answer that is not what was asked for.
type refusal struct {
	host   string
	status int
	reason string // the other side's code for it, such as invalid_grant
	text   string
}

// client follows no redirect: none of the services redirects, and what is sent to them is secret.
func (w *wire) client() *http.Client {
	return &http.Client{Transport: w, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.lost, w.refusal = nil, nil
	for _, token := range w.note(req)["subject_token"] {
		if w.withheld = w.onlyFor != "" && audienceOf(token) != w.onlyFor; w.withheld {
			return nil, errors.New("the token of this machine's identity was issued for another audience")
		}
	}
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		w.lost = err
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	w.refusal = &refusal{host: req.URL.Host, status: resp.StatusCode}
	w.refusal.read(body)
	return resp, nil
}

// note remembers the secrets of a request, and returns its form.
func (w *wire) note(req *http.Request) url.Values {
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		w.secrets = append(w.secrets, token)
	}
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer body.Close()
	raw, _ := io.ReadAll(io.LimitReader(body, 1<<20))
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil
	}
	for _, name := range []string{"assertion", "subject_token", "client_secret"} {
		w.secrets = append(w.secrets, form[name]...)
	}
	return form
}

// audienceOf is the one audience of a JSON web token, "" if it has none or several.
func audienceOf(token string) string {
	var claims struct {
		Audience json.RawMessage `json:"aud"`
	}
	var one string
	var several []string
	switch {
	case !distribution.ReadClaims(secret.New(token), &claims):
	case json.Unmarshal(claims.Audience, &one) == nil:
	case json.Unmarshal(claims.Audience, &several) == nil && len(several) == 1:
		one = several[0]
	}
	return one
}

// read takes the error of OAuth2, or that of Google's other services, from an answer.
func (r *refusal) read(body []byte) {
	var doc struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	if json.Unmarshal(body, &doc) != nil {
		r.text = string(body)
		return
	}
	r.text = doc.Description
	var status struct{ Status, Message string }
	if json.Unmarshal(doc.Error, &r.reason) != nil && json.Unmarshal(doc.Error, &status) == nil {
		r.reason, r.text = status.Status, status.Message
	}
}

// shown is text of the other side.
func (w *wire) shown(text string) string { return integration.Said(text, w.secrets...) }
