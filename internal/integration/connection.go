package integration

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
)

// The settings that every type has besides its own.
const (
	caBundle          = "connection.caBundle"
	clientCertificate = "connection.clientCertificate"
	clientKey         = "connection.clientKey"
	proxy             = "connection.proxy"
	proxyUsername     = "connection.proxyUsername"
	proxyPassword     = "connection.proxyPassword"
	requestsPerSecond = "connection.requestsPerSecond"
	concurrent        = "connection.concurrentRequests"
	credentialExpires = "connection.credentialExpires"
)

// directly is the proxy of an integration that uses none, whatever the server's environment says.
const directly = "none"

func connectionFields() []Field {
	return []Field{
		{
			Name: caBundle, Label: "Certificate authorities (PEM)", Kind: Certificates,
			Help: "Trusted besides the system's, for the registry, its token service, the hosts that layers come from, and the cloud's sign-in.",
		},
		{
			Name: clientCertificate, Label: "Client certificate (PEM)", Kind: Certificates,
			Help: "Shown to the registry's own host if it asks for one (mTLS). Certificates of authorities between it and the root may follow.",
		},
		{
			Name: clientKey, Label: "Key of the client certificate (PEM)", Kind: PrivateKey,
			Help: "Not encrypted.",
		},
		{
			Name: proxy, Label: "Proxy", Kind: Text, Example: "http://proxy.example.com:3128", BindsSecret: true,
			Help: "http://, https:// or socks5://, or none for a direct connection. When empty, the proxy of the server's environment is used.",
		},
		{Name: proxyUsername, Label: "Proxy user name", Kind: Text, BindsSecret: true},
		{Name: proxyPassword, Label: "Proxy password", Kind: Secret},
		{
			Name: requestsPerSecond, Label: "Requests per second", Kind: Number, Min: 0.01, Max: 10_000,
			Help: "At most so many, spaced evenly, to the registry, its token service and the hosts that layers come from. No limit when empty or 0.",
		},
		{
			Name: concurrent, Label: "Concurrent requests", Kind: Number, Min: 1, Max: 1000,
			Help: "At most so many at the same time; a layer that is being read is one. No limit when empty or 0.",
		},
		{
			Name: credentialExpires, Label: "Credential expires", Kind: Text, Example: "2027-01-31",
			Help: "A date, or a time such as 2027-01-31T12:00:00Z, where the credential does not say by itself when it ends. For reminders only.",
		},
	}
}

// OfConnection reports whether a setting is one of those that every type has.
func OfConnection(name string) bool { return strings.HasPrefix(name, "connection.") }

// A connection is how an opened integration is reached.
type connection struct {
	distribution.Connection
	expires time.Time // of the credential, where a person knows
}

// connection reads checked settings.
func (t Type) connection(in Integration, c Config) (connection, error) {
	if problems := t.connectionProblems(c); len(problems) > 0 {
		return connection{}, Problems(problems)
	}
	via := connection{expires: expiry(c)}
	via.Budget = distribution.Budget{Of: cmp.Or(in.ID, in.Name), PerSecond: c.Number(requestsPerSecond), Concurrent: int(c.Number(concurrent))}
	if text := c.Text(proxy); text != "" {
		via.Proxy = &distribution.Proxy{Username: c.Text(proxyUsername)}
		via.Proxy.URL, _ = proxyURL(text)
		if !c.Unread(proxyPassword) {
			via.Proxy.Password = c.Secret(proxyPassword)
		}
	}
	authorities, key := c.Text(caBundle), c.Secret(clientKey)
	if authorities == "" && !key.IsSet() {
		return via, nil
	}
	via.TLS = &tls.Config{}
	if authorities != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM([]byte(authorities))
		via.TLS.RootCAs = pool
	}
	if key.IsSet() && !c.Unread(clientKey) {
		pair, err := tls.X509KeyPair([]byte(c.Text(clientCertificate)), []byte(key.Reveal()))
		if err != nil {
			return connection{}, err
		}
		via.TLS.Certificates = []tls.Certificate{pair}
	}
	return via, nil
}

// connectionProblems are what no single field's declaration can say.
func (t Type) connectionProblems(c Config) []Problem {
	var problems []Problem
	add := func(field, message, fix string) {
		if message != "" {
			problems = append(problems, Problem{Field: field, Message: message, Fix: fix})
		}
	}
	for _, f := range t.Fields {
		if f.AsMachine && c.On(f.Name) {
			problems = append(problems, ForeignAuthorities(c)...)
		}
	}
	certificate, key := c.Text(clientCertificate), c.Secret(clientKey)
	switch {
	case key.IsSet() && certificate == "":
		add(clientCertificate, "A client certificate is required if there is a key for it", "")
	case certificate != "" && !key.IsSet():
		add(clientKey, "A key is required if there is a client certificate", "")
	case key.IsSet() && !key.IsMask() && !c.Unread(clientKey):
		if _, err := tls.X509KeyPair([]byte(certificate), []byte(key.Reveal())); err != nil {
			add(clientKey, "The key does not belong to the client certificate", "Give the key that the certificate was made for. If the file holds several certificates, the client's own must be the first.")
		}
	}
	via, user, password := c.Text(proxy), c.Text(proxyUsername), c.Secret(proxyPassword).IsSet()
	u, message := proxyURL(via)
	add(proxy, message, "Write http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT, or none for a direct connection. User name and password have fields of their own.")
	switch {
	case (user != "" || password) && u == nil && message == "":
		add(proxy, "A proxy is required if there is a user name or a password for one", "")
	case password && user == "":
		add(proxyUsername, "A proxy user name is required if there is a proxy password", "")
	case strings.Contains(user, ":"):
		add(proxyUsername, "A proxy user name cannot contain a colon", "")
	}
	if n := c.Number(concurrent); n != math.Trunc(n) {
		add(concurrent, "Concurrent requests must be a whole number", "")
	}
	if c.Text(credentialExpires) != "" && expiry(c).IsZero() {
		add(credentialExpires, "The day on which the credential expires cannot be read", "Write it as 2027-01-31, or as 2027-01-31T12:00:00Z.")
	}
	return problems
}

// ForeignAuthorities is the problem of an integration that signs in as this machine and trusts certificate authorities of its
// own: whoever edits it could stand between and be shown the machine's identity.
func ForeignAuthorities(c Config) []Problem {
	if c.Text(caBundle) == "" {
		return nil
	}
	return []Problem{{
		Field: caBundle, Message: "An integration that signs in with this machine's identity cannot have certificate authorities of its own",
		Fix: "Whoever runs this program can have the authority trusted by the machine. Or sign in with a credential of the integration's own.",
	}}
}

// proxyURL reads a proxy; nil for none. The message says what is wrong, without repeating it: there may be a password in it.
func proxyURL(text string) (u *url.URL, message string) {
	if text == "" || text == directly {
		return nil, ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme):
		return nil, "The proxy is not an address of one"
	case u.User != nil:
		return nil, "The address of the proxy contains a user name or a password"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, "The address of the proxy has more than a host and a port"
	case isMetadataHost(u.Hostname()):
		return nil, "The proxy cannot be the cluster metadata service"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, "The port of the proxy is not a number from 1 to 65535"
		}
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, ""
}

// metadataHosts answer with a machine's cloud credentials. The client refuses them again when it connects, by address.
var metadataHosts = []string{"metadata.google.internal", "metadata"}

func isMetadataHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return slices.Contains(metadataHosts, strings.ToLower(host)) || err == nil && distribution.IsMetadata(addr)
}

// expiry is zero when it is not set or cannot be read. A day is over at its end.
func expiry(c Config) time.Time {
	text := c.Text(credentialExpires)
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1)
	}
	at, _ := time.Parse(time.RFC3339, text)
	return at.UTC()
}

// HasCredential reports whether a secret is set that signs in to the registry.
func (c Config) HasCredential() bool {
	for name := range c.secrets {
		if !OfConnection(name) {
			return true
		}
	}
	return false
}
