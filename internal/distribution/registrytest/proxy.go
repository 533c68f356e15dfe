package registrytest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A Proxy is a forward proxy that knows CONNECT.
type Proxy struct {
	Recorder
	URL *url.URL

	// They may be set before it is used.
	Users  map[string]string // wanted, if there are any
	Status int               // of every answer to CONNECT instead of connecting
	Hosts  map[string]string // where host:port really is
}

// NewProxy starts one that ends with the test.
func NewProxy(t testing.TB) *Proxy {
	t.Helper()
	return NewProxyWith(t, nil, nil)
}

// NewProxyWith starts one that speaks TLS itself, if there is an authority, and tells how each request came. It asks for client
// certificates, which nobody needs.
func NewProxyWith(t testing.TB, a *Authority, came func(tls.ConnectionState)) *Proxy {
	t.Helper()
	p := &Proxy{Hosts: map[string]string{}}
	server := p.wrap(p)
	if a != nil {
		asking := a.With(a.leaf)
		asking.leaf.Asks = true
		a, server = asking, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			came(*r.TLS)
			p.wrap(p).ServeHTTP(w, r)
		})
	}
	at, err := url.Parse(serve(t, server, a).URL)
	if err != nil {
		t.Fatal(err)
	}
	p.URL = at
	return p
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(p.Users) > 0 {
		asked := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, password, ok := asked.BasicAuth(); !ok || p.Users[user] == "" || p.Users[user] != password {
			w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
			http.Error(w, "proxy authentication required", http.StatusProxyAuthRequired)
			return
		}
	}
	switch {
	case p.Status != 0:
		http.Error(w, "<html><body>Blocked by policy</body></html>", p.Status)
	case r.Method == http.MethodConnect:
		p.connect(w, r.Host)
	default:
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
	}
}

func (p *Proxy) connect(w http.ResponseWriter, host string) {
	if at, ok := p.Hosts[strings.ToLower(host)]; ok {
		host = at
	}
	to, err := net.Dial("tcp", host)
	if err != nil {
		http.Error(w, "cannot connect", http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		io.Copy(to, buffered)
		to.Close()
	}()
	io.Copy(from, to)
}
