package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// Bounds on what is stored, in bytes.
const (
	maxName   = 256
	maxText   = 4 << 10
	maxSecret = 64 << 10
)

// Problems is everything wrong with a draft. It reads as RHACS writes it; errors.As finds it in what Validate and the
// Service return.
type Problems []Problem

func (p Problems) Error() string {
	messages := make([]string, len(p))
	for i, problem := range p {
		messages[i] = problem.Message
	}
	text := "Validation error: " + strings.Join(messages, "")
	if len(p) != 1 {
		text = "Validation errors: [" + strings.Join(messages, ", ") + "]"
	}
	return text + invalidSuffix
}

const invalidSuffix = ": invalid arguments"

// invalid is an error in RHACS's form.
func invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "", format+invalidSuffix, args...)
}

// Validate returns the draft trimmed and with its categories sorted, or every problem there is with it, as fault.Invalid.
// A draft that builds on a stored integration goes through Keep first.
func (t *Types) Validate(d Draft) (Draft, error) { return t.validate(d, false) }

// ValidateMasked is Validate for a draft whose secrets are not at hand: the mask stands for one that is good.
func (t *Types) ValidateMasked(d Draft) (Draft, error) { return t.validate(d, true) }

func (t *Types) validate(d Draft, maskIsGood bool) (Draft, error) {
	typ, ok := t.Get(d.Type)
	if !ok {
		return Draft{}, t.unknown(d.Type)
	}
	d = typ.trim(d)
	if typ.Settle != nil {
		d.Config = typ.Settle(d.Config)
	}
	problems := typ.commonProblems(d)
	if kindProblems := typ.kindProblems(d); len(kindProblems) > 0 {
		problems = append(problems, kindProblems...)
	} else {
		problems = append(problems, typ.configProblems(d.Config.read(nil), d.Categories)...)
	}
	if maskIsGood {
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return d.Config.Secret(p.Field).IsMask() })
	}
	if len(problems) > 0 {
		return Draft{}, &fault.Error{Code: fault.Invalid, Fix: firstFix(problems), Err: Problems(problems)}
	}
	return d, nil
}

func firstFix(problems []Problem) string {
	for _, p := range problems {
		if p.Fix != "" {
			return p.Fix
		}
	}
	return ""
}

// trim removes space around text and line ends around secrets, where pasting leaves them. A secret of nothing but space is
// empty.
func (t Type) trim(d Draft) Draft {
	d.Name = strings.TrimSpace(d.Name)
	d.ClusterID = strings.TrimSpace(d.ClusterID)
	d.Categories = sortedCategories(d.Categories)
	for _, f := range t.Fields {
		switch {
		case f.IsSecret():
			plain := strings.Trim(d.Config.Secret(f.Name).Reveal(), "\r\n")
			if strings.TrimSpace(plain) == "" {
				plain = ""
			}
			d.Config = d.Config.With(f.Name, secret.New(plain))
		case f.Kind == Number:
			d.Config = d.Config.With(f.Name, plainNumber(strings.TrimSpace(d.Config.Text(f.Name))))
		case f.Kind != Toggle:
			d.Config = d.Config.With(f.Name, strings.TrimSpace(d.Config.Text(f.Name)))
		}
	}
	return d
}

// plainNumber writes a number in one way, 0 as nothing, and leaves alone what is none.
func plainNumber(text string) string {
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsInf(n, 0) || math.IsNaN(n):
		return text
	case n == 0:
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func (t Type) commonProblems(d Draft) []Problem {
	var problems []Problem
	if len(d.Categories) == 0 {
		problems = append(problems, Problem{Field: "categories", Message: "integrations require a category"})
	}
	for _, c := range d.Categories {
		if !slices.Contains(t.Categories, c) {
			problems = append(problems, Problem{Field: "categories", Message: "type '" + t.ID + "' does not offer category " + printable(string(c))})
		}
	}
	if d.Name == "" {
		problems = append(problems, Problem{Field: "name", Message: "name for integration is required"})
	}
	if message := textProblem("name for integration", d.Name, maxName); message != "" {
		problems = append(problems, Problem{Field: "name", Message: message})
	}
	if message := textProblem("clusterId", d.ClusterID, maxName); message != "" {
		problems = append(problems, Problem{Field: "clusterId", Message: message})
	}
	return problems
}

// kindProblems says when the settings object is missing, or is that of another type.
func (t Type) kindProblems(d Draft) []Problem {
	if slices.Contains(d.KindsSent, t.ConfigKey) || (len(d.KindsSent) == 0 && !d.Config.empty()) {
		return nil
	}
	message := strings.ToUpper(t.ConfigKey[:1]) + t.ConfigKey[1:] + " configuration required"
	if len(d.KindsSent) > 0 {
		message += ", not '" + d.KindsSent[0] + "'"
	}
	return []Problem{{Field: t.ConfigKey, Message: message}}
}

// configProblems are those of settings whose secrets are read, as far as they can be.
func (t Type) configProblems(c Config, categories []Category) []Problem {
	var problems []Problem
	for _, f := range t.Fields {
		if p := f.problem(c, t.ConfigKey); p.Message != "" {
			p.Field = f.Name
			problems = append(problems, p)
		}
	}
	declared, more := problems, t.connectionProblems(c)
	if t.Check != nil {
		more = append(t.Check(c, categories), more...)
	}
	for _, p := range more {
		if !slices.ContainsFunc(declared, func(found Problem) bool { return found.Field == p.Field }) {
			problems = append(problems, p)
		}
	}
	return problems
}

// problem is what is wrong with the field's value; without a message nothing is.
func (f Field) problem(c Config, configKey string) Problem {
	what := "'" + configKey + "." + f.Name + "'"
	sealed := c.Secret(f.Name)
	text := c.Text(f.Name)
	switch {
	case f.Kind == Toggle:
		return Problem{}
	case text == "" && !sealed.IsSet():
		if f.Applies(c) {
			return Problem{Message: f.Required}
		}
		return Problem{}
	case sealed.IsMask():
		return Problem{Message: what + " is the mask, not a credential", Fix: "Send the credential itself."}
	case c.Unread(f.Name):
		return referenceProblem(what, sealed)
	case f.Kind == PrivateKey:
		return privateKeyProblem(what, sealed.Reveal())
	case f.Kind == Certificates:
		return certificatesProblem(what, text)
	case f.Kind == Number:
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(f.Min <= n && n <= f.Max) {
			return Problem{Message: fmt.Sprintf("%s must be a number from %g to %g", what, f.Min, f.Max)}
		}
		return Problem{}
	case f.Kind == Secret:
		return Problem{Message: textProblem(what, sealed.Reveal(), maxSecret)}
	case f.Kind == JSON && (len(sealed.Reveal()) > maxSecret || !json.Valid([]byte(sealed.Reveal()))):
		return Problem{Message: "Valid JSON is required for " + f.Label}
	case f.Kind == Choice && !slices.Contains(f.Options, text):
		return Problem{Message: what + " must be one of: " + strings.Join(f.Options, ", ")}
	case f.Kind == Endpoint:
		return endpointProblem(text)
	}
	return Problem{Message: textProblem(what, text, maxText)}
}

// referenceProblem finds what is wrong with how a reference is written.
func referenceProblem(what string, written secret.Text) Problem {
	if _, _, err := secretref.Parse(written); err != nil {
		return Problem{Message: what + " " + err.Error(), Fix: fault.FixOf(err)}
	}
	return Problem{}
}

// textProblem finds what no setting may hold. It does not repeat the value.
func textProblem(what, value string, limit int) string {
	switch {
	case len(value) > limit:
		return what + " is too long"
	case !utf8.ValidString(value):
		return what + " is not valid UTF-8"
	case strings.ContainsFunc(value, unicode.IsControl):
		return what + " contains control characters"
	}
	return ""
}

func endpointProblem(text string) Problem {
	endpoint, err := distribution.ParseEndpoint(text, false)
	if err != nil {
		message := err.Error()
		var f *fault.Error
		if errors.As(err, &f) {
			message = f.What
		}
		return Problem{Message: "invalid endpoint: " + message, Fix: fault.FixOf(err)}
	}
	if isMetadataHost(hostname(endpoint.Host)) {
		return Problem{Message: "invalid endpoint: endpoint cannot reference the cluster metadata service"}
	}
	return Problem{}
}

// hostname is a parsed endpoint's host without port and brackets.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// printable bounds what an error repeats of a request.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}
