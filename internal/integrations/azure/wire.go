package azure

import (
	"bytes"
	"io"
	"net/http"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// A wire carries the requests of one sign-in, bounds the answers, and remembers the last one that was a refusal: the SDK
// passes some on as text and some not at all.
type wire struct {
	base    http.RoundTripper
	lost    error // of a request that got no answer
	status  int   // of a refusal, else 0
	refusal []byte
}

// client follows no redirect: none of the services redirects, and what is sent to them is secret.
func (w *wire) client() *http.Client {
	return &http.Client{Transport: w, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.lost, w.status, w.refusal = nil, 0, nil
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		w.lost = err
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		w.lost = err
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		w.status, w.refusal = resp.StatusCode, body
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
