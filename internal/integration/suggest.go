package integration

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
)

// A Suggestion is how to connect the registry of an image or host: the best proposal, and others.
type Suggestion struct {
	Reference string `json:"reference"` // the image as it is understood; "" if only a host was given
	Host      string `json:"host"`      // the registry as image references write it
	Guess     bool   `json:"guess"`     // no type knows the host
	Warning   string `json:"warning"`   // why not to trust the host

	Proposal
	Alternatives []Proposal `json:"alternatives" nullable:"false"`
}

// A Proposal is one type with one way to sign in.
type Proposal struct {
	Type        string         `json:"type"`
	Label       string         `json:"label"`
	Reasons     []string       `json:"reasons" nullable:"false"`
	Integration map[string]any `json:"integration"` // to be sent to create it, once what is missing has been filled in
	Missing     []Blank        `json:"missing" nullable:"false"`
	Grant       Grant          `json:"grant"`
}

// A Blank is a declared setting that a person has to fill in, or may.
type Blank struct {
	Name     string `json:"name"` // its path inside the settings object
	Label    string `json:"label"`
	Help     string `json:"help"`
	Example  string `json:"example"`
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
}

// generic is the type that any registry can be connected with.
const generic = "docker"

// Suggest proposes how to connect the registry of an image or host as people find it: an image reference, a host, the address
// of a registry's API, a key of a pull secret. It asks nobody. A user name and a password in the text are not repeated. The
// error is fault.Invalid.
func (t *Types) Suggest(imageOrHost string) (Suggestion, error) {
	p, err := readPasted(imageOrHost)
	if err != nil {
		return Suggestion{}, err
	}
	s := Suggestion{Host: p.ref.Registry, Alternatives: []Proposal{}}
	var understood []string
	if p.ref.Repository != "" {
		s.Reference = p.ref.String()
		understood = append(understood, fmt.Sprintf("The image is %s.", s.Reference))
	}
	if p.hadUser {
		understood = append(understood, "The user name and the password in the address were left out: enter them as settings.")
	}
	if public := defaultFor(p.endpoint); public != "" {
		understood = append(understood, fmt.Sprintf("The default integration %q reads what is public there without signing in.", public))
	}
	var proposals []Proposal
	for _, typ := range t.detecting(s.Host) {
		detected, _ := typ.Detect(s.Host)
		reasons := append([]string{belongs(typ, detected)}, understood...)
		if typ.Retired != "" {
			reasons = append(reasons, typ.Retired)
		}
		proposals = append(proposals, t.propose(typ, detected, p.ref, reasons)...)
	}
	if len(proposals) == 0 {
		s.Warning = t.lookAlike(s.Host)
		known := defaultFor(p.endpoint) != ""
		s.Guess = !known
		at := NewConfig(map[string]any{"endpoint": written(p.endpoint)}, nil)
		if s.Warning == "" && !known {
			for typ, label := range t.named(s.Host) {
				reason := fmt.Sprintf("The host's name has %q in it, so this is a guess.", label)
				proposals = append(proposals, t.propose(typ, at, p.ref, append([]string{reason}, understood...))...)
			}
		}
		typ, ok := t.Get(generic)
		if !ok {
			return Suggestion{}, pastedError("no type of integration is for this host")
		}
		reason := "A registry without a type of its own, read with the type for any registry."
		if !known {
			reason = "No type knows this host, so this is a guess: any registry that speaks the OCI Distribution protocol can be read with a user name and a password."
		}
		proposals = append(proposals, t.propose(typ, at, p.ref, append([]string{reason}, understood...))...)
	}
	s.Proposal = proposals[0]
	s.Alternatives = append(s.Alternatives, proposals[1:]...)
	return s, nil
}

// detecting are the types that know a host, those to be used no more last.
func (t *Types) detecting(host string) []Type {
	var found []Type
	for _, typ := range t.list {
		if typ.Detect == nil {
			continue
		}
		if _, ok := typ.Detect(host); ok {
			found = append(found, typ)
		}
	}
	slices.SortStableFunc(found, func(a, b Type) int { return falseFirst(a.Retired != "", b.Retired != "") })
	return found
}

// named are the types whose own installations often have a label of the host in theirs, each with the label.
func (t *Types) named(host string) iter.Seq2[Type, string] {
	labels := strings.FieldsFunc(hostname(host), func(c rune) bool { return c == '.' || c == '-' })
	return func(yield func(Type, string) bool) {
		for _, typ := range t.list {
			for _, label := range typ.HostLabels {
				if slices.Contains(labels, label) {
					if !yield(typ, label) {
						return
					}
					break
				}
			}
		}
	}
}

// written is an endpoint as people write it, without what is usual.
func written(e distribution.Endpoint) string {
	if e.Scheme == "https" {
		return e.Host
	}
	return e.String()
}

// belongs says what the host gave away.
func belongs(typ Type, detected Config) string {
	var settings []string
	for _, f := range typ.Fields {
		if value := detected.Text(f.Name); value != "" && f.Kind != Endpoint {
			settings = append(settings, f.Label+" "+value)
		}
	}
	reason := "The host belongs to " + typ.Label
	if len(settings) > 0 {
		reason += ": " + strings.Join(settings, ", ")
	}
	return reason + "."
}

// defaultFor is the name of the default integration for a registry, or "".
func defaultFor(endpoint distribution.Endpoint) string {
	for _, in := range Defaults(time.Time{}) {
		at, err := distribution.ParseEndpoint(in.Config.Text("endpoint"), false)
		if err == nil && at.RegistryHost() == endpoint.RegistryHost() {
			return in.Name
		}
	}
	return ""
}

func (t *Types) propose(typ Type, detected Config, ref image.Reference, reasons []string) []Proposal {
	var grants []Grant
	if typ.Grants != nil {
		grants = typ.Grants(detected, ref)
	}
	if len(grants) == 0 {
		grants = []Grant{{}}
	}
	proposals := make([]Proposal, len(grants))
	for i, g := range grants {
		config := typ.Defaults()
		for name, value := range detected.values {
			config = config.With(name, value)
		}
		for name, value := range g.Settings {
			config = config.With(name, value)
		}
		g.Documents, g.Steps = append([]Document{}, g.Documents...), append([]string{}, g.Steps...)
		in := Integration{Name: ref.Registry, Type: typ.ID, Categories: []Category{CategoryRegistry}, Config: config}
		proposals[i] = Proposal{
			Type: typ.ID, Label: typ.Label, Reasons: slices.Clone(reasons),
			Integration: t.Encode(in), Missing: t.missing(typ, in, g.Fill, g.Method == ""), Grant: g,
		}
	}
	return proposals
}

// missing is what the method asks for and what validation finds missing; where no method is
// declared, all that may be entered besides.
func (t *Types) missing(typ Type, in Integration, fill []string, all bool) []Blank {
	var problems Problems
	_, err := t.Validate(Draft{Integration: in, KindsSent: []string{typ.ConfigKey}})
	errors.As(err, &problems)
	blanks := []Blank{}
	for _, f := range typ.Fields {
		if !f.Applies(in.Config) || OfConnection(f.Name) || f.Kind == Toggle || in.Config.Text(f.Name) != "" {
			continue
		}
		required := slices.Contains(fill, f.Name) ||
			slices.ContainsFunc(problems, func(p Problem) bool { return p.Field == f.Name })
		if required || all {
			blanks = append(blanks, Blank{f.Name, f.Label, f.Help, f.Example, required, f.IsSecret()})
		}
	}
	return blanks
}

// lookAlike warns of a host that a reader may take for another: the whole name of a known registry followed by other labels
// ("quay.io.evil.example", with or without something before it), or hidden behind a hyphen ("my-quay.io").
func (t *Types) lookAlike(host string) string {
	name := hostname(host)
	for start := 0; start < len(name); start++ {
		if start > 0 && name[start-1] != '.' && name[start-1] != '-' {
			continue
		}
		for end := start; end <= len(name); end++ {
			part := name[start:end]
			whole := end == len(name)
			switch {
			case !whole && name[end] != '.', !strings.Contains(part, "."):
				continue
			case whole && (start == 0 || name[start-1] == '.' || strings.Count(part, ".") > 1):
				continue // the host itself, or one that belongs to the same owner
			}
			if known := t.detecting(part); len(known) > 0 {
				return fmt.Sprintf("The host has the name of a registry of %s (%s) in it, but is another. Make sure who runs it before you give it a credential.", known[0].Label, part)
			}
		}
	}
	return ""
}
