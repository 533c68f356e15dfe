package diagnosis

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
)

// server is the host that an exchange went to.
func (x Exchange) server() string {
	if u, err := url.Parse(x.Answer.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return "the server"
}

// pairs are what the sentences about an answer can say.
func (x Exchange) pairs() []string {
	a, message := x.Answer, ""
	if text := strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(a.Code+": "+a.Message, ": ")), ":"); text != "" {
		message = ": " + text
	}
	return []string{
		"{server}", x.server(), "{url}", a.URL, "{status}", statusText(a.Status), "{message}", message, "{text}", x.silenceText(),
		"{until}", x.until(), "{unfollowed}", a.Unfollowed,
	}
}

func (x Exchange) silenceText() string {
	if x.Silence == nil {
		return ""
	}
	return x.Silence.Text
}

func (x Exchange) until() string {
	wait := x.Answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(wait, 10, 24); err == nil {
		return " It asks to wait for " + span(time.Duration(seconds)*time.Second) + "."
	}
	if at, err := http.ParseTime(wait); err == nil {
		return " It asks to wait until " + date(at) + "."
	}
	return ""
}

func (j *judge) see(s *Step, o Observation) {
	for _, x := range o.Exchanges {
		outcome := statusText(x.Answer.Status)
		if x.Silence != nil {
			outcome = x.Silence.Text
		}
		if text := firstOf(x.Answer.Code, x.Answer.Message); text != "" {
			outcome += ": " + text
		}
		if x.Answer.Location != "" {
			outcome += ", to " + x.Answer.Location
		}
		name := x.Answer.Method + " " + x.Answer.URL
		if x.As == Stranger {
			name += " as a made-up user"
		} else if x.As == Nobody && o.Step != StepAPI {
			name += " without credential"
		}
		s.See(name, outcome)
	}
}

// usual explains what any server may do instead of answering, false if it did not do that.
func (j *judge) usual(s *Step, o Observation, x Exchange) bool {
	switch a := x.Answer; {
	case x.Silence != nil:
		j.silent(s, o, x.Silence, x.server())
	case a.Unfollowed != "":
		j.find(s, "redirect-not-followed", x.pairs()...)
	case a.Status == http.StatusTooManyRequests:
		j.find(s, "rate-limited", x.pairs()...)
	case a.Status >= 500:
		j.find(s, "server-error", x.pairs()...)
	default:
		return false
	}
	return true
}

func (j *judge) api(s *Step, o Observation) {
	j.see(s, o)
	if len(o.Exchanges) == 0 {
		return
	}
	first, last := o.Exchanges[0], o.Exchanges[len(o.Exchanges)-1]
	a := last.Answer
	s.See("server", a.Header.Get("Server"))
	s.See("version", a.Header.Get("Docker-Distribution-Api-Version"))
	s.Summary = "a registry answers"
	if last.For == ForRoot && !noRegistry(a) {
		s.See("path", "taken as that of repositories: the registry is at the root of the host")
	}
	elsewhere := last.For == ForRedirect && last.server() != first.server()
	switch {
	case j.usual(s, o, last):
	case j.blockedByPort(s, last):
	case a.Status == http.StatusForbidden && !a.Page, a.Status == http.StatusForbidden && last.For == ForBase:
		j.find(s, "access-blocked", last.pairs()...)
	case a.Location != "" && len(o.Exchanges) > maxFollowed:
		j.find(s, "redirect-loop", last.pairs()...)
	case a.Page && (signInPage(a.URL) || a.Status == http.StatusUnauthorized && a.Header.Get("Www-Authenticate") == ""),
		last.For == ForRedirect && signInPage(a.URL):
		j.find(s, "sign-in-page", last.pairs()...)
	case noRegistry(a) && strings.Contains(strings.TrimPrefix(j.subject.Endpoint, "https://"), "/") && last.For == ForRoot:
		j.find(s, "wrong-path", last.pairs()...)
	case noRegistry(a), a.Status/100 == 3, a.Status/100 == 4 && a.Status != http.StatusUnauthorized:
		j.find(s, "not-a-registry", last.pairs()...)
	case elsewhere && (a.Status == http.StatusUnauthorized || !j.subject.Anonymous):
		j.find(s, "redirected", append(last.pairs(), "{to}", origin(a.URL))...)
	case elsewhere:
		j.find(s, "redirected-openly", append(last.pairs(), "{to}", origin(a.URL))...)
	}
}

// blockedByPort explains the answers of web servers to the wrong protocol, and to a client certificate that is missing.
func (j *judge) blockedByPort(s *Step, x Exchange) bool {
	text := strings.ToLower(x.Answer.Message)
	switch {
	case x.Answer.Status != http.StatusBadRequest && x.Answer.Status/10 != 49:
		return false
	case strings.HasPrefix(j.subject.Endpoint, "http://") && (strings.Contains(text, "https") || x.Answer.Page):
		j.find(s, "https-port", x.pairs()...)
	case strings.Contains(text, "ssl certificate") || x.Answer.Status == 495 || x.Answer.Status == 496:
		j.clientCertificate(s, firstOf(x.Answer.Message, statusText(x.Answer.Status)))
	default:
		return false
	}
	return true
}

func signInPage(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	text := strings.ToLower(u.Host + u.Path)
	return slices.ContainsFunc([]string{"login", "signin", "sign_in", "sign-in", "/sso", "saml", "oauth2/auth", "oauth/auth", "openid-connect", "/adfs/", "okta.com", "auth0.com", "/cdn-cgi/access"},
		func(part string) bool { return strings.Contains(text, part) })
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

func (j *judge) challenge(s *Step, o Observation) {
	c := o.Challenge
	if c == nil {
		return
	}
	s.See("offered", strings.Join(c.Offered, ", "))
	s.See("token service", c.Realm)
	s.See("service", c.Service)
	pairs := []string{"{realm}", firstOf(c.Realm, c.NoURL), "{offered}", strings.Join(c.Offered, ", ")}
	api := j.of(StepAPI)
	wanted := len(api.Exchanges) > 0 && api.Exchanges[len(api.Exchanges)-1].Answer.Status == http.StatusUnauthorized
	switch {
	case c.Unasked:
		s.Summary = "it asks for nothing, and is signed in to all the same"
	case !wanted:
		s.Summary = "it lets anybody in"
	case c.Scheme == "" && len(c.Offered) == 0:
		j.find(s, "no-challenge", pairs...)
	case c.Scheme == "":
		j.find(s, "sign-in-scheme-unsupported", pairs...)
	case c.Plain:
		j.find(s, "realm-plain-http", pairs...)
	case strings.Contains(c.Realm, "/null/"), strings.HasSuffix(c.Realm, "/null"), strings.Contains(c.NoURL, "null"):
		j.find(s, "realm-lost-repository-key", pairs...)
	case c.Scheme == "bearer":
		s.Summary = "by tokens of " + hostOf(c.Realm)
	default:
		s.Summary = "by user name and password"
	}
}

func (j *judge) signIn(s *Step, o Observation) {
	c := o.SignIn
	if c == nil {
		return
	}
	if c.Problem != nil {
		j.problem(s, c.Problem, "cloud-sign-in-failed")
		return
	}
	j.subject.Username = c.Username
	s.See("user name", c.Username)
	if s.Summary = c.Kind; c.Kind == "anonymous" {
		s.Summary = "none: anonymous"
	}
	if !c.Expires.IsZero() {
		s.See("valid until", date(c.Expires))
		if c.Lent && o.At.After(c.Expires) {
			j.find(s, "credential-expired", "{when}", " on "+date(c.Expires), "{message}", "")
		}
	}
}

func (j *judge) token(s *Step, o Observation) {
	j.see(s, o)
	if len(o.Exchanges) == 0 {
		return
	}
	x := o.Exchanges[0]
	c := j.of(StepChallenge).Challenge
	realm := x.Answer.URL
	if c != nil {
		realm = firstOf(c.Realm, realm)
	}
	pairs := append(x.pairs(), "{realm}", realm)
	switch {
	case x.Token != nil:
		s.Summary = "a token was given"
		for _, a := range x.Token.Access {
			s.See("granted", a.Type+" "+a.Name+": "+strings.Join(a.Actions, ", "))
		}
		return
	case c != nil && c.Unasked && noTokenService(x):
		s.Summary = "there is none: user name and password are sent as they are"
		return
	case x.Silence != nil:
		j.find(s, tokenSilence(x.Silence.Trouble), pairs...)
		return
	}
	switch a := x.Answer; {
	case a.Status == http.StatusTooManyRequests:
		j.find(s, "sign-in-throttled", pairs...)
	case a.Page || a.Status >= 500 || a.Status/100 == 2 || a.Status == http.StatusNotFound:
		j.find(s, "token-service-broken", pairs...)
	case j.subject.Anonymous && (a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden):
		name := "credential-needed"
		if j.subject.Image == "" {
			name = "anonymous-unproven"
		}
		j.find(s, name, pairs...)
	case a.Status == http.StatusForbidden:
		j.find(s, "account-blocked", pairs...)
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusBadRequest:
		j.refused(s, x, pairs)
	default:
		j.find(s, "token-service-broken", pairs...)
	}
}

func tokenSilence(t distribution.Trouble) string {
	switch t {
	case distribution.NameUnknown:
		return "token-service-unknown"
	case distribution.AddressRefused:
		return "realm-address-refused"
	case distribution.CertificateAuthority, distribution.CertificateBad, distribution.CertificateName, distribution.CertificateTime:
		return "token-service-certificate"
	}
	return "token-service-unreachable"
}

// passed reports whether somebody got as far with what was seen as the credential should.
func (o Observation) passed(as Who) bool {
	passed := false
	for _, x := range o.Exchanges {
		if x.As == as && (x.For == ForBase || x.For == ForManifest) {
			passed = x.Silence == nil && (x.Answer.Status/100 == 2 || x.Answer.Location != "")
		}
	}
	return passed
}

// refused reports whether somebody was surely turned away, and not just kept from trying.
func (o Observation) refused(as Who) bool {
	for _, x := range o.Exchanges {
		if x.As == as && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest}, x.Answer.Status) {
			return true
		}
	}
	return false
}

func (j *judge) control(s *Step, o Observation) {
	j.see(s, o)
	switch {
	case o.passed(Stranger):
		s.Summary = "anybody gets as far, whatever the credential"
	case o.refused(Stranger):
		s.Summary = "anybody gets as far, but a wrong credential is refused"
	case o.passed(Nobody):
		s.Summary = "anybody gets as far"
	case o.refused(Nobody):
		s.Summary = "nobody gets in without it"
	default:
		s.Summary = "it could not be told"
	}
}

func (j *judge) credential(s *Step, o Observation) {
	j.see(s, o)
	if len(o.Exchanges) == 0 {
		return
	}
	x, control := o.Exchanges[0], j.of(StepControl)
	signIn, challenge := j.of(StepSignIn).SignIn, j.of(StepChallenge).Challenge
	bearer := challenge != nil && challenge.Scheme == "bearer" && x.withToken(j)
	pairs := append(x.pairs(), "{repository}", j.repository(), "{identifier}", j.identifier())
	a := x.Answer
	switch {
	case j.usual(s, o, x):
	case a.Status/100 == 2 || a.Location != "":
		j.accepted(s, o, control)
	case saysExpired(a) && !j.subject.Anonymous:
		j.refused(s, x, pairs)
	case a.Status == http.StatusUnauthorized && signIn != nil && signIn.Kind == "identity token" && !bearer:
		j.find(s, "credential-does-not-fit", pairs...)
	case x.For == ForManifest && (a.Status == http.StatusNotFound || a.Status == http.StatusForbidden || a.Status == http.StatusMethodNotAllowed):
		j.accepted(s, o, control) // what is wrong with the image is the next step's
	case a.Status == http.StatusUnauthorized && j.subject.Anonymous && (bearer || j.verdict(StepToken) == Warning) && x.For == ForBase:
		s.Summary = "nobody is let in as such, but single repositories may be open"
	case j.subject.Anonymous && (a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden):
		j.find(s, "credential-needed", pairs...)
	case a.Status == http.StatusUnauthorized && bearer && x.For == ForManifest:
		j.find(s, "scope-narrowed", pairs...)
	case a.Status == http.StatusUnauthorized && bearer:
		j.find(s, "token-not-accepted", pairs...)
	case a.Status == http.StatusUnauthorized:
		j.refused(s, x, pairs)
	default:
		j.find(s, "credential-refused", pairs...)
	}
}

// saysExpired reports whether a refusal names its reason, as that of ECR does.
func saysExpired(a distribution.Answer) bool {
	text := strings.ToLower(a.Message)
	return (a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden || a.Status == http.StatusBadRequest) &&
		strings.Contains(text, "token") && strings.Contains(text, "expired")
}

// refused explains why a credential is not accepted: it may be known to have ended.
func (j *judge) refused(s *Step, x Exchange, pairs []string) {
	c := j.of(StepSignIn).SignIn
	switch {
	case c != nil && !c.Expires.IsZero() && x.At.After(c.Expires):
		j.find(s, "credential-expired", append(pairs, "{when}", " on "+date(c.Expires))...)
	case saysExpired(x.Answer):
		j.find(s, "credential-expired", append(pairs, "{when}", "")...)
	default:
		j.find(s, "wrong-password", pairs...)
	}
}

// withToken reports whether a token service stands behind an exchange.
func (x Exchange) withToken(j *judge) bool {
	token := j.of(StepToken)
	return slices.ContainsFunc(token.Exchanges, func(t Exchange) bool { return t.Token != nil })
}

func (j *judge) accepted(s *Step, o, control Observation) {
	if s.Summary = "accepted"; j.subject.Anonymous {
		s.Summary = "anybody may"
		return
	}
	switch {
	case control.Skipped != "" || len(control.Exchanges) == 0:
		s.Summary = "accepted, but not proven"
	case control.passed(Stranger):
		j.find(s, "credential-ignored")
	case control.refused(Stranger), control.refused(Nobody):
		j.proven = true
		s.Summary = "accepted, and proven: without it the registry answers otherwise"
	default:
		j.find(s, "credential-unproven")
	}
	for _, x := range o.Exchanges {
		if x.For != ForWideToken || x.Token == nil {
			continue
		}
		for _, a := range x.Token.Access {
			more := slices.DeleteFunc(slices.Clone(a.Actions), func(action string) bool { return !slices.Contains([]string{"push", "delete", "*"}, action) })
			s.See("granted", a.Type+" "+a.Name+": "+strings.Join(a.Actions, ", "))
			if a.Type == "repository" && len(more) > 0 {
				j.find(s, "more-than-pull", "{repository}", a.Name, "{actions}", strings.Join(more, ", "))
			}
		}
	}
}
