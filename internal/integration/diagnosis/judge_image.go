package diagnosis

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func (j *judge) reference() image.Reference {
	ref, err := image.ParseReference(j.subject.Image)
	if err != nil {
		return image.Reference{}
	}
	return ref
}

func (j *judge) repository() string { return j.reference().Repository }
func (j *judge) identifier() string { return j.reference().Identifier() }

func (j *judge) manifest(s *Step, o Observation) {
	j.see(s, o)
	seen := o.Image
	if seen == nil || len(o.Exchanges) == 0 {
		return
	}
	s.See("digest", seen.Digest)
	s.See("platforms", strings.Join(seen.Platforms, ", "))
	s.Summary = plural(seen.Layers, "layer", "layers")
	if seen.Platform != "" {
		s.Summary = seen.Platform + ", " + s.Summary
	}
	x := o.Exchanges[len(o.Exchanges)-1]
	pairs := append(x.pairs(), "{repository}", j.repository(), "{identifier}", j.identifier())
	a := x.Answer
	switch {
	case j.usual(s, o, x):
	case saysExpired(a) && !j.subject.Anonymous:
		j.refused(s, x, pairs)
	case seen.Problem != nil && seen.Problem.Code == string(fault.NotFound):
		j.find(s, "platform-missing", "{platform}", seen.Platform, "{platforms}", firstOf(strings.Join(seen.Platforms, ", "), "none"))
	case seen.Problem != nil:
		j.problem(s, seen.Problem, "manifest-broken")
	case a.Status == http.StatusNotFound && (a.Code == "NAME_UNKNOWN" || a.Code == "NOT_FOUND" || a.Code == "" || a.Code == "UNAUTHORIZED"):
		j.find(s, "repository-not-found-or-hidden", pairs...)
	case a.Status == http.StatusNotFound:
		j.find(s, "image-not-found", pairs...)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		if name := "pull-denied"; j.subject.Anonymous {
			j.find(s, "credential-needed", pairs...)
		} else if j.narrowed() {
			j.find(s, "scope-narrowed", pairs...)
		} else {
			j.find(s, name, pairs...)
		}
	case a.Status != http.StatusOK:
		j.find(s, "manifest-broken", append(pairs, "{text}", "the registry answers "+statusText(a.Status))...)
	}
}

// narrowed reports whether the token lacks the right to pull, and says so.
func (j *judge) narrowed() bool {
	for _, x := range j.of(StepToken).Exchanges {
		if x.Token == nil || !x.Token.Readable {
			continue
		}
		for _, a := range x.Token.Access {
			for _, action := range a.Actions {
				if a.Name == j.repository() && (action == "pull" || action == "*") {
					return false
				}
			}
		}
		return true
	}
	return false
}

func (j *judge) config(s *Step, o Observation) {
	s.Summary = "read"
	j.part(s, o)
	if o.Image != nil && o.Image.Problem != nil && s.Verdict != Failed {
		j.find(s, "config-broken", "{text}", o.Image.Problem.Text)
	}
}

func (j *judge) blobs(s *Step, o Observation) { j.part(s, o) }

// part judges how a part of an image is had, and from where.
func (j *judge) part(s *Step, o Observation) {
	j.see(s, o)
	if len(o.Exchanges) == 0 {
		return
	}
	x := o.Exchanges[len(o.Exchanges)-1]
	s.Summary = "from " + x.server()
	elsewhere := x.server() != o.Exchanges[0].server()
	switch {
	case x.Silence != nil && elsewhere && tokenSilence(x.Silence.Trouble) == "token-service-certificate":
		j.find(s, "blob-host-certificate", x.pairs()...)
	case x.Silence != nil && elsewhere:
		j.find(s, "blob-host-unreachable", x.pairs()...)
	case j.usual(s, o, x):
	case x.Answer.Status/100 != 2:
		j.find(s, "blob-not-served", x.pairs()...)
	}
}

func (j *judge) quota(s *Step, o Observation) {
	j.see(s, o)
	s.Summary = "the registry tells no limit"
	var last http.Header
	for _, seen := range j.seen {
		for _, x := range seen.Exchanges {
			if _, _, _, ok := limitOf(x.Answer.Header); ok && x.As != Stranger {
				last = x.Answer.Header
			}
		}
	}
	limit, remaining, window, ok := limitOf(last)
	if !ok {
		return
	}
	within := ""
	if window > 0 {
		within = " in " + span(time.Duration(min(window, 1e8))*time.Second)
	}
	s.Summary = fmt.Sprintf("%d of %d left%s", remaining, limit, within)
	s.See("counted for", last.Get("Docker-Ratelimit-Source"))
	pairs := []string{"{limit}", fmt.Sprint(limit), "{remaining}", fmt.Sprint(remaining), "{window}", within}
	switch {
	case remaining == 0:
		j.find(s, "quota-used-up", pairs...)
	case remaining < limit/10:
		j.find(s, "quota-nearly-used", pairs...)
	}
}

// limitOf reads the headers that tell about a limit.
func limitOf(h http.Header) (limit, remaining, window int64, ok bool) {
	for _, prefix := range []string{"Ratelimit-", "X-Ratelimit-"} {
		limit, window := quantity(h.Get(prefix + "Limit"))
		remaining, other := quantity(h.Get(prefix + "Remaining"))
		if limit > 0 && remaining >= 0 {
			return limit, remaining, max(window, other), true
		}
	}
	return 0, 0, 0, false
}

// quantity reads "100;w=21600", -1 if it is none.
func quantity(text string) (n, window int64) {
	number, rest, _ := strings.Cut(text, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 {
		return -1, 0
	}
	if w, ok := strings.CutPrefix(strings.TrimSpace(rest), "w="); ok {
		window, _ = strconv.ParseInt(w, 10, 64)
	}
	return n, window
}

// maxSkew is how far clocks may differ before tokens and signatures are refused somewhere.
const maxSkew = 2 * time.Minute

func (j *judge) clock(s *Step, _ Observation) {
	s.Summary = "the registry does not tell its time"
	for _, seen := range j.seen {
		for _, x := range seen.Exchanges {
			theirs, err := http.ParseTime(x.Answer.Header.Get("Date"))
			if err != nil || x.server() != hostOf(j.subject.Endpoint) {
				continue
			}
			// The answer was made at some time while it was waited for.
			ours := x.At.Add(time.Duration(x.Took * float64(time.Millisecond) / 2))
			skew := theirs.Sub(ours)
			s.See("registry", date(theirs))
			s.See("this machine", date(ours))
			s.Summary = "they agree"
			if skew.Abs() > maxSkew {
				direction := "ahead of"
				if skew < 0 {
					direction = "behind"
				}
				j.find(s, "clock-skew", "{skew}", span(skew), "{direction}", direction)
			}
			return
		}
	}
}

func (j *judge) expiry(s *Step, o Observation) {
	var ends []string
	if c := j.of(StepSignIn).SignIn; c != nil && !c.Lent && !c.Expires.IsZero() {
		left := c.Expires.Sub(o.At)
		ends = append(ends, "credential in "+span(left))
		s.See("credential", date(c.Expires))
		pairs := []string{"{date}", date(c.Expires), "{left}", span(left)}
		switch {
		case left <= 0 && j.verdict(StepToken) != Failed && j.verdict(StepCredential) != Failed:
			j.find(s, "credential-expired", "{when}", " on "+date(c.Expires), "{message}", "")
		case left <= 0: // those steps say so
		case left < soon:
			j.find(s, "credential-expires-soon", pairs...)
		}
	}
	if route := j.of(StepTLS).Route; route != nil && len(route.Handshakes) > 0 {
		ends = append(ends, j.certificateEnds(s, o, route.Handshakes[len(route.Handshakes)-1].Chain)...)
	}
	if seen := j.of(StepSettings).Settings; seen != nil && seen.ClientCertificate != nil {
		s.See("client certificate", date(seen.ClientCertificate.NotAfter))
		if left := seen.ClientCertificate.NotAfter.Sub(o.At); left > 0 && left < soon {
			j.find(s, "client-certificate-expires-soon", "{date}", date(seen.ClientCertificate.NotAfter), "{left}", span(left))
		}
	}
	if s.Summary == "" {
		s.Summary = firstOf(strings.Join(ends, ", "), "nothing is known to end")
	}
}

func (j *judge) certificateEnds(s *Step, o Observation, chain []distribution.Certificate) (ends []string) {
	for i, c := range chain {
		left := c.NotAfter.Sub(o.At)
		if i == 0 {
			s.See("server certificate", date(c.NotAfter))
			ends = append(ends, "server certificate in "+span(left))
		}
		// Certificates of some authorities live for days only, and are renewed by themselves.
		if life := c.NotAfter.Sub(c.NotBefore); left > 0 && left < min(soon/2, life/4) {
			j.find(s, "certificate-expires-soon", "{date}", date(c.NotAfter), "{left}", span(left))
			break
		}
	}
	return ends
}
