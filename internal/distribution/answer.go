package distribution

import (
	"net/http"
	"net/netip"
)

// An Answer is what one request brought that was sent to look at a registry rather than to get something from it.
type Answer struct {
	Method, URL   string // redacted
	Status        int
	Header        http.Header // those worth looking at, cleaned, without secrets
	Code, Message string      // the registry's own, of an error
	Page          bool        // a page for people
	Body          []byte      // at most 1 MiB, as it came: it may hold secrets
	Remote        netip.AddrPort
}
