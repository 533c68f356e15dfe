package registrytest

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strconv"
	"testing"
)

// NewSOCKS starts a SOCKS5 proxy for one user (RFC 1928 and 1929) that ends with the test.
func NewSOCKS(t testing.TB, user, password string) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go socks(c, user, password)
		}
	}()
	return &url.URL{Scheme: "socks5", Host: l.Addr().String()}
}

func socks(c net.Conn, user, password string) {
	defer c.Close()
	field := func() string { // a byte of length, and so many more
		n := make([]byte, 1)
		io.ReadFull(c, n)
		b := make([]byte, n[0])
		io.ReadFull(c, b)
		return string(b)
	}
	skip := func(n int64) { io.CopyN(io.Discard, c, n) }
	skip(1) // the version
	field() // the methods that are offered
	c.Write([]byte{5, 2})
	skip(1)
	if gotUser, gotPassword := field(), field(); gotUser != user || gotPassword != password {
		c.Write([]byte{1, 1})
		return
	}
	c.Write([]byte{1, 0})
	head := make([]byte, 4)
	io.ReadFull(c, head)
	host := ""
	if head[3] == 3 {
		host = field()
	} else {
		ip := make(net.IP, map[byte]int{1: net.IPv4len, 4: net.IPv6len}[head[3]])
		io.ReadFull(c, ip)
		host = ip.String()
	}
	port := make([]byte, 2)
	io.ReadFull(c, port)
	to, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))))
	if err != nil {
		c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer to.Close()
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() {
		defer to.Close()
		io.Copy(to, c)
	}()
	io.Copy(c, to)
}
