package registrytest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A NameServer answers for the names that it was given; other names do not exist.
type NameServer struct {
	connection net.PacketConn

	mu    sync.Mutex
	names map[string]Named
}

// Named is what a name server says about a name.
type Named struct {
	Address string // IPv4
	Fails   bool   // SERVFAIL
	Silent  bool   // no answer at all
}

// NewNameServer starts one on loopback that ends with the test.
func NewNameServer(t testing.TB) *NameServer {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &NameServer{connection: c, names: map[string]Named{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run()
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return s
}

// Set says what a name is.
func (s *NameServer) Set(name string, n Named) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name+"."] = n
}

// Resolver asks this server only. It can stand for net.DefaultResolver, which it does not use itself.
func (s *NameServer) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Resolver: &net.Resolver{}}).DialContext(ctx, "udp", s.connection.LocalAddr().String())
	}}
}

func (s *NameServer) run() {
	packet := make([]byte, 1500)
	for {
		n, from, err := s.connection.ReadFrom(packet)
		if err != nil {
			return
		}
		var parser dnsmessage.Parser
		header, err := parser.Start(packet[:n])
		if err != nil {
			continue
		}
		question, err := parser.Question()
		if err != nil {
			continue
		}
		if answer, ok := s.answer(header, question); ok {
			s.connection.WriteTo(answer, from)
		}
	}
}

func (s *NameServer) answer(header dnsmessage.Header, q dnsmessage.Question) ([]byte, bool) {
	s.mu.Lock()
	n, known := s.names[strings.ToLower(q.Name.String())]
	s.mu.Unlock()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	switch {
	case n.Silent:
		return nil, false
	case n.Fails:
		m.RCode = dnsmessage.RCodeServerFailure
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(n.Address).As4()},
		}}
	}
	packed, err := m.Pack()
	return packed, err == nil
}
