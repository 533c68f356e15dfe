package distribution

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// transportError is the error of a request that got no complete answer.
func (c *Client) transportError(r request, u *url.URL, authorization secret.Text, err error) error {
	if errors.Is(err, context.Canceled) || (errors.Is(err, context.DeadlineExceeded) && !isTimeout(err)) {
		return err
	}
	e := r.error(u, 0, err)
	e.signedIn = authorization.IsSet()
	var dns *net.DNSError
	switch {
	case errors.As(err, new(*AddressError)), errors.As(err, new(*certificateError)), errors.Is(err, errTooLong):
	case errors.As(err, &dns):
		e.Temporary = dns.IsTemporary || dns.IsTimeout
		e.again = dns.IsTemporary && !dns.IsTimeout
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		strings.Contains(err.Error(), "http2: "), strings.Contains(err.Error(), "stream error: "):
		e.Temporary, e.again = true, true
	case isTimeout(err), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Temporary = true
	}
	return e
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, errTooSlow) || (errors.As(err, &t) && t.Timeout() && err != context.DeadlineExceeded)
}

// explain says what kind of failure an error is and what a person can do about it.
func (s *session) explain(e *Error) (code fault.Code, fix string) {
	switch {
	case e.Status == 0:
		return s.explainSilence(e)
	case e.Err != nil:
		return fault.Unavailable, ""
	case e.kind == KindToken && e.html:
		return fault.OfHTTPStatus(e.Status), "The token service that the registry names does not answer as one. Check that the registry's address is complete, and ask its administrator."
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return fault.Unauthenticated, s.explainUnauthorized(e)
	case http.StatusForbidden:
		if s.anonymous() {
			return fault.Forbidden, "The registry does not allow this without credentials: add an integration with a user name and a password that may read this repository."
		}
		if e.kind == KindUpload {
			return fault.Forbidden, "The registry knows this user but does not allow it to write this: give it the right to push to the repository."
		}
		return fault.Forbidden, "The registry knows this user but does not allow it to read this: give it the right to pull from the repository."
	case http.StatusNotFound:
		switch {
		case e.html:
			return fault.NotFound, s.notARegistry()
		case s.anonymous():
			return fault.NotFound, "Check the spelling of the name and the tag. If the repository is private, add an integration with credentials for it: many registries hide what one may not see."
		}
		return fault.NotFound, "Check the spelling of the name and the tag, and that this integration's user may see the repository."
	case http.StatusProxyAuthRequired:
		return fault.Unavailable, (&ProxyError{Status: e.Status}).Fix()
	case http.StatusTooManyRequests:
		if !e.until.IsZero() {
			return fault.Limited, "The registry's limit is used up. Try again after " + e.until.UTC().Format(time.RFC3339) + ", or sign in with a user who has a higher limit."
		}
		return fault.Limited, "The registry's limit is used up. Try again later, or sign in with a user who has a higher limit."
	case http.StatusBadRequest:
		if s.endpoint.Scheme == "http" && strings.Contains(e.Message, "HTTPS") {
			return fault.Invalid, "The server wants https on this port: write https://" + s.endpoint.Host + s.endpoint.Path + "."
		}
	}
	code = fault.OfHTTPStatus(e.Status)
	switch {
	case e.html:
		return code, s.notARegistry()
	case e.Temporary:
		return code, "The server has a problem of its own. Try again later; if it stays, tell its administrator."
	}
	return code, ""
}

func (s *session) explainUnauthorized(e *Error) string {
	switch {
	case s.anonymous():
		return "The registry wants credentials for this: add an integration with a user name and a password. Some registries answer so for repositories that do not exist, too."
	case e.kind == KindToken || !e.signedIn || s.asked.IdentityToken.IsSet() || s.asked.RegistryToken.IsSet():
		return "The registry did not accept the credential of this integration. Check the user name and the password or token, and whether it has expired."
	}
	return "The registry did not accept the user name and password of this integration, or they do not allow reading this repository. Check both, whether they have expired, and the spelling of the repository."
}

func (s *session) notARegistry() string {
	return "This does not look like a registry: " + s.endpoint.String() + "/v2/ should be its API. Check host, port and path, and whether a proxy or a sign-in page stands in between."
}

// explainSilence is about requests without an answer.
func (s *session) explainSilence(e *Error) (fault.Code, string) {
	host := e.URL
	if u, err := url.Parse(e.URL); err == nil {
		host = u.Host
	}
	var dns *net.DNSError
	var verify *tls.CertificateVerificationError
	var address *AddressError
	var proxy *ProxyError
	switch err := e.Err; {
	case errors.As(err, &address):
		return fault.Invalid, address.Fix()
	case errors.As(err, &proxy):
		return fault.Unavailable, proxy.Fix()
	case errors.Is(err, errTooLong):
		return fault.Invalid, "No image needs an answer that long: the registry is broken or means harm."
	case errors.As(err, &dns) && dns.IsNotFound:
		return fault.Unavailable, "There is no host " + dns.Name + ". Check the spelling of the endpoint, and the name server of this machine."
	case errors.As(err, &dns):
		return fault.Unavailable, "The name server did not answer for " + dns.Name + ". Try again; if it stays, check the name server of this machine."
	case errors.As(err, new(x509.HostnameError)):
		return fault.Unavailable, "The certificate of " + host + " is for another name. Use the name that the certificate has, or have a certificate issued for this one."
	case errors.As(err, &verify):
		var invalid x509.CertificateInvalidError
		if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
			return fault.Unavailable, "The certificate of " + host + " has expired or is not valid yet. Have it renewed, and check this machine's clock."
		}
		return fault.Unavailable, "The certificate of " + host + " is signed by an authority that is not known here. Give the authority's certificate to the integration (connection.caBundle), or add it to the machine's trusted certificates. For a trial, the integration can be set not to verify the registry's certificate (insecure)."
	case errors.As(err, new(tls.RecordHeaderError)), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fault.Unavailable, "The server speaks plain HTTP on this port. If the network in between can be trusted, write http://" + host + "."
	case TroubleOf(err) == ClientCertificate:
		return fault.Unavailable, "The registry wants a client certificate that it knows (mTLS): give the integration connection.clientCertificate and connection.clientKey, and check that the certificate has not ended."
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Unavailable, "Nothing listens at " + host + ". Check host and port, and whether the registry is running."
	case isTimeout(err), errors.Is(err, errStalled):
		return fault.Unavailable, "The answer took too long. Check whether a firewall or a proxy stands between here and " + host + "."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault.Unavailable, "There is no network route to " + host + "."
	case e.again:
		return fault.Unavailable, "The connection broke off. Try again; if it stays, check what stands between here and " + host + "."
	}
	return fault.Unavailable, ""
}
