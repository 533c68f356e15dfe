// Package awstest stands in for the parts of AWS that lend a registry's password: ECR, ECR Public, STS, EC2's metadata
// service, and the agents of ECS and EKS. It checks what the real ones check, signatures included, and refuses as they do.
package awstest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Principal may sign requests.
type Principal struct {
	ARN        string
	Key        string // access key ID
	Secret     string
	Token      string    // session token, of temporary credentials
	Ends       time.Time // zero for never
	Actions    []string
	Forbidden  []string // actions that a policy denies
	Deactivate bool
}

// A Repository of ECR lets in who its account's identities allow themselves, and by its policy other accounts.
type Repository struct {
	ARN    string
	Admits []string // accounts
}

// A Role can be assumed by who its trust policy names.
type Role struct {
	ARN        string
	Trusts     []string // ARNs of users and roles
	ExternalID string   // asked for if set
	Subject    string   // the service account that may assume it with a web identity
	Actions    []string
}

// A WebToken is a token that the cluster's OIDC provider has issued.
type WebToken struct {
	Subject string
	Ends    time.Time
}

// An Instance is what the metadata service knows.
type Instance struct {
	Role        string // ARN; "" for a machine without one
	HopLimitOne bool   // tokens do not reach containers, and no request is answered without
	FirstOnly   bool   // like proxies on a node, it knows the first version of the protocol only
	Forbidden   bool
}

// A Call is one request that reached a service.
type Call struct{ Host, Region, Action, By string }

// A Cloud is an http.RoundTripper that answers for AWS's hosts; others do not exist. Fields may be set before it is used.
type Cloud struct {
	Now          func() time.Time
	Regions      []string
	Hosts        map[string]string // more hosts that serve all APIs, with their regions
	Users        []*Principal
	Roles        []*Role
	Repositories []Repository
	Scans        map[string]Scan // by the image's digest
	WebTokens    map[string]WebToken
	Instance     *Instance         // nil where there is no metadata service
	Container    map[string]string // the token that a container agent wants, by URL, and
	TaskRole     string            // the ARN of the role that it lends
	Life         time.Duration     // of passwords; 12 hours if zero
	Password     func(n int) string
	Hook         func(*http.Request) *http.Response // answers instead if not nil

	mu       sync.Mutex
	sessions []*Principal
	issued   int
	throttle int
	tokens   int
	calls    []Call
}

// Throttle makes the next n calls fail for being too many.
func (c *Cloud) Throttle(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.throttle = n
}

// Calls returns what was asked since the last time.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// Issued counts the passwords that were lent.
func (c *Cloud) Issued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.issued
}

// RoundTrip answers without a network.
func (c *Cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	if c.Hook != nil {
		if resp := c.Hook(req); resp != nil {
			return resp, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := httptest.NewRecorder()
	w.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	_, isContainer := c.Container[req.URL.String()]
	switch region, known := c.region(req.URL.Host); {
	case req.URL.Host == "169.254.169.254":
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && c.Instance != nil {
			trace.GotConn(httptrace.GotConnInfo{})
		}
		if c.Instance == nil || (c.Instance.HopLimitOne && req.Method == http.MethodPut) {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: timeout{}}
		}
		c.metadata(w, req)
	case isContainer:
		c.containerAgent(w, req)
	case !known || req.URL.Scheme != "https":
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Hostname(), IsNotFound: true}}
	case strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		c.sts(w, req, body, region)
	default:
		c.registry(w, req, body, region)
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func (c *Cloud) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// region is where a host's API is, if it is one of AWS.
func (c *Cloud) region(host string) (string, bool) {
	if region, ok := c.Hosts[host]; ok {
		return region, true
	}
	for _, region := range c.Regions {
		for _, service := range []string{"api.ecr", "sts"} {
			if host == service+"."+region+"."+suffixOf(region) {
				return region, true
			}
		}
	}
	return "us-east-1", host == "api.ecr-public.us-east-1.amazonaws.com"
}

func suffixOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn"
	case strings.HasPrefix(region, "eusc-"):
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}

// A refusal is an error as AWS words it.
type refusal struct {
	status        int
	code, message string
}

// authenticate finds out who signed a request, and whether they may do what they ask for.
func (c *Cloud) authenticate(req *http.Request, body []byte, region, service, action string) (*Principal, *refusal) {
	s, ok := readSignature(req.Header.Get("Authorization"))
	if !ok {
		return nil, &refusal{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	all := slices.Concat(c.Users, c.sessions)
	i := slices.IndexFunc(all, func(p *Principal) bool { return p.Key == s.key })
	bad := code(service, "InvalidSignatureException", "SignatureDoesNotMatch")
	switch {
	case i < 0 || all[i].Deactivate || all[i].Token != req.Header.Get("X-Amz-Security-Token"):
		return nil, &refusal{http.StatusForbidden, code(service, "UnrecognizedClientException", "InvalidClientTokenId"), "The security token included in the request is invalid."}
	case s.region != region || s.service != service:
		return nil, &refusal{http.StatusForbidden, bad, "Credential should be scoped to a valid region. "}
	}
	who := all[i]
	at, err := time.Parse("20060102T150405Z", req.Header.Get("X-Amz-Date"))
	if skew := c.now().Sub(at); err != nil || skew > 5*time.Minute || skew < -5*time.Minute {
		return nil, &refusal{http.StatusForbidden, bad, fmt.Sprintf("Signature expired: %s is now earlier than %s", at, c.now())}
	}
	if !slices.Contains(s.headers, "host") || s.of(req, body, who.Secret) != s.value {
		return nil, &refusal{http.StatusForbidden, bad,
			"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.\n\n" +
				"The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:" + who.Token + "\n'"}
	}
	if !who.Ends.IsZero() && !c.now().Before(who.Ends) {
		return nil, &refusal{http.StatusForbidden, code(service, "ExpiredTokenException", "ExpiredToken"), "The security token included in the request is expired"}
	}
	if action != "" && !slices.Contains(who.Actions, action) {
		return nil, &refusal{http.StatusBadRequest, "AccessDeniedException", fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: * because no identity-based policy allows the %s action", who.ARN, action, action)}
	}
	return who, nil
}

// code is an error's name in the protocol of the service.
func code(service, json, query string) string {
	if service == "sts" {
		return query
	}
	return json
}

// session lends a role's credentials for an hour.
func (c *Cloud) session(role *Role, name string) *Principal {
	n := len(c.sessions) + 1
	p := &Principal{
		ARN: strings.Replace(strings.Replace(role.ARN, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/" + name,
		Key: fmt.Sprintf("ASIASESSION%09d", n), Secret: fmt.Sprintf("session-secret-%d", n), Token: fmt.Sprintf("session-token-%d", n),
		Ends: c.now().Add(time.Hour), Actions: role.Actions,
	}
	c.sessions = append(c.sessions, p)
	return p
}

func (c *Cloud) role(arn string) *Role {
	i := slices.IndexFunc(c.Roles, func(r *Role) bool { return r.ARN == arn })
	if i < 0 {
		return nil
	}
	return c.Roles[i]
}

// throttled counts down.
func (c *Cloud) throttled() bool {
	if c.throttle > 0 {
		c.throttle--
		return true
	}
	return false
}

// Answer is a response for a Hook.
func Answer(req *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: req,
	}
}
