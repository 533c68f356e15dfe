package registrytest

import (
	"io"
	"net"
	"testing"
)

// ClosedPort is an address at which nothing listens.
const ClosedPort = "127.0.0.1:1"

// SilentPort starts a server that takes connections and says nothing. It returns host:port.
func SilentPort(t testing.TB) string {
	return listen(t, func(net.Conn) {})
}

// ResettingPort starts a server that reads what it is sent and then resets the connection.
func ResettingPort(t testing.TB) string {
	return listen(t, func(c net.Conn) {
		c.Read(make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
}

// ForeignPort starts a server that greets in another protocol than HTTP.
func ForeignPort(t testing.TB, greeting string) string {
	return listen(t, func(c net.Conn) { io.WriteString(c, greeting) })
}

func listen(t testing.TB, with func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			open = append(open, c)
			with(c)
		}
		for _, c := range open {
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}
