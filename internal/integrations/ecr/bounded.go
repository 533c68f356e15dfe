package ecr

import (
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is far more than any answer of these services has.
const maxAnswer = 1 << 20

// A boundedTransport bounds what is read of every answer, since the SDK does not.
type boundedTransport struct{ next http.RoundTripper }

func (t boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if n > b.left {
		return 0, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	b.left -= n
	return n, err
}
