package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"
)

// speaksPlainHTTP reports whether something other than TLS is at a registry's port, as Docker allows on this machine.
func speaksPlainHTTP(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	address := host
	_, _, err := net.SplitHostPort(host)
	portless := err != nil
	if portless {
		address = net.JoinHostPort(strings.Trim(host, "[]"), "443")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return portless
	}
	defer conn.Close()
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	return err != nil && !errors.As(err, new(tls.AlertError))
}
