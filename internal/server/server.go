// Package server listens: one address, TLS unless it is loopback, the handlers on one mux with the middleware around them,
// health, and an orderly end.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Registrar adds its routes to the server's mux.
type Registrar interface{ Register(mux *http.ServeMux) }

// Options need Listen; the rest has defaults or may be left out.
type Options struct {
	Listen string // HOST:PORT; port 0 takes a free one

	// TLS is used everywhere but on loopback addresses, and there too when a certificate is given.
	CertFile, KeyFile string // PEM, read again when they change
	TLSDir            string // where a generated CA and certificate are kept when none is given
	AllowPlaintext    bool   // plain HTTP on any address

	API    Registrar               // nil: none
	Portal http.Handler            // every path that nothing else answers; nil: none
	Routes map[string]http.Handler // more, by http.ServeMux pattern
	GRPC   http.Handler            // requests of gRPC and gRPC-Web, whatever their path; nil: none

	Ready     func(ctx context.Context) error // what /readyz asks; nil: always ready
	Listening func(url string)                // called once when connections are accepted
	Now       func() time.Time                // nil: time.Now
	Log       *slog.Logger

	HeaderTimeout time.Duration // to send a request's header; 0 means 10 s
	Stall         time.Duration // a body may stand still this long, either way; 0 means 30 s
	Grace         time.Duration // for requests in flight at the end; 0 means 20 s
}

// Run serves until ctx ends, then lets the requests in flight finish. It returns nil after an orderly end.
func Run(ctx context.Context, o Options) error {
	o.setDefaults()
	listener, err := listen(ctx, o.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	config, err := tlsConfig(o, listener.Addr())
	if err != nil {
		return err
	}

	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // gRPC clients speak it without asking
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	srv := &http.Server{
		Handler:           handler(o),
		TLSConfig:         config,
		Protocols:         &protocols,
		ReadHeaderTimeout: o.HeaderTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return serving },
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		if config != nil {
			ended <- srv.ServeTLS(listener, "", "")
		} else {
			ended <- srv.Serve(listener)
		}
	}()
	if o.Listening != nil {
		o.Listening(address(o.Listen, listener.Addr(), config != nil))
	}

	select {
	case err := <-ended:
		return fault.Wrap(fault.Internal, "serve", o.Listen, err)
	case <-ctx.Done():
	}
	o.Log.Info("stopping", "grace", o.Grace)
	grace, cancel := context.WithTimeout(serving, o.Grace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		stop()
		srv.Close()
		o.Log.Warn("requests were cut off", "grace", o.Grace)
	}
	return nil
}

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HeaderTimeout == 0 {
		o.HeaderTimeout = 10 * time.Second
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 20 * time.Second
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		if _, err = strconv.ParseUint(port, 10, 16); err != nil {
			err = errors.New("the port is not a number up to 65535")
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "listen", address, err).WithFix("give HOST:PORT, e.g. 127.0.0.1:8080")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		e := fault.Wrap(fault.Unavailable, "listen", address, errors.Unwrap(err))
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, e.WithFix("stop what uses %s, or listen on another address; 127.0.0.1:0 takes a free port", net.JoinHostPort(host, port))
		}
		return nil, e.WithFix("listen on an address of this machine, and on a port that this user may use, e.g. 127.0.0.1:8080")
	}
	return listener, nil
}

// tlsConfig is nil for plain HTTP, which is only served where nobody can listen in or where the operator insists. What
// counts is the address that was bound, not how it was written.
func tlsConfig(o Options, bound net.Addr) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	tcp, _ := bound.(*net.TCPAddr)
	switch {
	case o.CertFile != "" || o.KeyFile != "":
		files, err := openFiles(o.CertFile, o.KeyFile, o.Now, o.Log)
		if err != nil {
			return nil, err
		}
		config.GetCertificate = files.certificate
		return config, nil
	case o.AllowPlaintext || tcp != nil && tcp.IP.IsLoopback():
		return nil, nil
	case o.TLSDir == "":
		return nil, fault.New(fault.Invalid, "listen", "%s can be reached from other machines, and plain HTTP would show passwords on the way", o.Listen).
			WithFix("give a certificate and its key for TLS, or allow plain HTTP if a proxy in front of the server ends TLS")
	}
	generated, err := openGenerated(o.TLSDir, namesOf(o.Listen, tcp.IP), o.Now, o.Log)
	if err != nil {
		return nil, err
	}
	config.GetCertificate = generated.certificate
	return config, nil
}

// address is a URL at which a person on this machine reaches the server.
func address(asked string, bound net.Addr, secure bool) string {
	host, _, _ := net.SplitHostPort(asked)
	_, port, _ := net.SplitHostPort(bound.String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// namesOf are the names and addresses a generated certificate is for: those under which the server can be asked for.
func namesOf(asked string, bound net.IP) []string {
	names := []string{"localhost", "127.0.0.1", "::1", "central.stackrox", "central.stackrox.svc"}
	if host, err := os.Hostname(); err == nil && host != "" {
		names = append(names, host)
	}
	if host, _, _ := net.SplitHostPort(asked); host != "" {
		names = append(names, host)
	}
	if !bound.IsUnspecified() {
		return append(names, bound.String())
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}
