package distribution

import (
	"context"
	"net/http"
)

// KindAsk is a request to an API of a registry's vendor.
const KindAsk Kind = "ask"

// maxAsked has room for what scanners say about the largest images.
const maxAsked = 16 << 20

// Ask sends GET to a path of a registry's own host that is not of the registry's protocol, with a credential as it is, unless
// that is anonymous. No redirect is followed and nothing is tried twice. Whatever the status of the answer, it is no error. Its body
// holds the credential's secrets no more, if the server has repeated them.
func (c *Client) Ask(ctx context.Context, e Endpoint, path string, as Credential, header http.Header) (Answer, error) {
	s, err := c.session(Source{Endpoint: e}, "")
	if err != nil {
		return Answer{}, err
	}
	u, err := s.endpoint.at(path)
	if err != nil {
		return Answer{}, err
	}
	s.used, s.asking = append(s.used, as.secrets()...), u.Path
	r := request{
		kind: KindAsk, method: http.MethodGet, url: u, accept: "application/json", header: header, limit: maxAsked, secrets: s.secrets(),
	}
	a, err := c.exchange(ctx, s.endpoint, r, u, as.Authorization())
	if err != nil {
		return Answer{}, s.problem("ask registry", s.endpoint.Host, err)
	}
	a.body = []byte(mask(string(a.body), r.secrets))
	return r.told(a), nil
}
