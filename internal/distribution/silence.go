package distribution

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// A Trouble is why there is no answer, in a word that stays the same.
type Trouble string

const (
	NameUnknown          Trouble = "name-unknown"          // there is no such host
	NameServerSilent     Trouble = "name-server-silent"    // nobody says whether there is
	AddressRefused       Trouble = "address-refused"       // by our own rules
	PortClosed           Trouble = "port-closed"           //
	ConnectTimeout       Trouble = "connect-timeout"       //
	NoRoute              Trouble = "no-route"              //
	ConnectionReset      Trouble = "connection-reset"      // it broke off
	ProxyUnreachable     Trouble = "proxy-unreachable"     //
	ProxyRefused         Trouble = "proxy-refused"         // it answered, but not with a connection
	CertificateTime      Trouble = "certificate-time"      // expired or not yet valid
	CertificateName      Trouble = "certificate-name"      // for another host
	CertificateAuthority Trouble = "certificate-authority" // nobody known has signed it
	CertificateBad       Trouble = "certificate-bad"       // anything else about it
	NotTLS               Trouble = "not-tls"               // the other side speaks plain HTTP, or something else
	TLSVersion           Trouble = "tls-version"           // no version that both sides speak
	NameNotServed        Trouble = "name-not-served"       // the server has no certificate for the host
	ClientCertificate    Trouble = "client-certificate"    // the server wants one, or not this one
	TLSFailed            Trouble = "tls-failed"            // anything else about TLS
	AnswerTimeout        Trouble = "answer-timeout"        // connected, but no complete answer in time
	AnswerTooLong        Trouble = "answer-too-long"       //
	AnswerBroken         Trouble = "answer-broken"         // not HTTP
	Ended                Trouble = "ended"                 // the test itself was ended
	Unknown              Trouble = "unknown"               //
)

// BrokeOff reports whether the other side ended a connection without saying why.
func (t Trouble) BrokeOff() bool {
	return t == ConnectionReset || t == AnswerBroken || t == TLSFailed
}

// A Silence is why a request got no answer, fit to be shown.
type Silence struct {
	Trouble Trouble `json:"trouble"`
	Text    string  `json:"text"`
	Status  int     `json:"status,omitempty"` // of a proxy's answer
	Fix     string  `json:"fix,omitempty"`    // where the error itself knows
}

const maxSilenceText = 600

func silenceOf(err error, hide func(string) string) *Silence {
	s := &Silence{Trouble: TroubleOf(err)}
	var address *AddressError
	var proxy *ProxyError
	switch {
	case errors.As(err, &address):
		s.Fix = address.Fix()
	case errors.As(err, &proxy):
		s.Status = proxy.Status
	}
	if e := new(Error); errors.As(err, &e) && e.Err != nil {
		err = e.Err // what it is about is said elsewhere
	}
	text := err.Error()
	if strings.Contains(text, unasked) {
		text = "it speaks before it is asked"
	}
	s.Text = shorten(hide(printable(text)), maxSilenceText)
	return s
}

// unasked is what net/http says of a server that begins to speak by itself.
const unasked = "readLoopPeekFailLocked"

// TroubleOf says what kind of failure an error of a request is that got no answer.
func TroubleOf(err error) Trouble {
	var dns *net.DNSError
	var op *net.OpError
	var proxy *ProxyError
	text := err.Error()
	switch {
	case errors.As(err, new(*AddressError)):
		return AddressRefused
	case errors.As(err, &proxy) && proxy.Status != 0:
		return ProxyRefused
	case proxy != nil:
		return ProxyUnreachable
	case errors.As(err, new(*certificateError)):
		return ClientCertificate
	case errors.As(err, &dns) && dns.IsNotFound:
		return NameUnknown
	case errors.As(err, &dns):
		return NameServerSilent
	case errors.Is(err, errTooLong):
		return AnswerTooLong
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return certificateTrouble(err)
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), errors.As(err, new(tls.RecordHeaderError)):
		return NotTLS
	case strings.Contains(text, "tls: "):
		return tlsTrouble(text)
	case errors.Is(err, syscall.ECONNREFUSED):
		return PortClosed
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return NoRoute
	case isTimeout(err) && errors.As(err, &op) && op.Op == "dial":
		return ConnectTimeout
	case isTimeout(err), errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded):
		return AnswerTimeout
	case errors.Is(err, context.Canceled):
		return Ended
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ConnectionReset
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, unasked), strings.Contains(text, "http2: "):
		return AnswerBroken
	}
	return Unknown
}

func certificateTrouble(err error) Trouble {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.HostnameError)):
		return CertificateName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CertificateTime
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return CertificateAuthority
	}
	return CertificateBad
}

// tlsTrouble reads the alerts of the other side, whose type crypto/tls keeps to itself.
func tlsTrouble(text string) Trouble {
	for _, known := range []struct {
		text    string
		trouble Trouble
	}{
		{"protocol version", TLSVersion},
		{"unrecognized name", NameNotServed},
		{"certificate required", ClientCertificate},
		{"bad certificate", ClientCertificate},
		{"unknown certificate", ClientCertificate},
		{"expired certificate", ClientCertificate},
		{"revoked certificate", ClientCertificate},
		{"unsupported certificate", ClientCertificate},
		{"access denied", ClientCertificate},
		{"unknown authority", ClientCertificate},
	} {
		if strings.Contains(text, known.text) {
			return known.trouble
		}
	}
	return TLSFailed
}
