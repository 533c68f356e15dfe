package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/glob"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// A Scope says where a policy applies: where all that it gives fits. Its texts are patterns of the function glob.
type Scope struct {
	Clusters   []string          `json:"clusters,omitempty" yaml:"clusters,omitempty,flow"`
	Namespaces []string          `json:"namespaces,omitempty" yaml:"namespaces,omitempty,flow"`
	Images     []string          `json:"images,omitempty" yaml:"images,omitempty,flow"` // the whole reference, or that without digest, or without tag too
	Labels     map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`      // of the workload or its pods; the values are patterns
}

// An Exclusion is what a policy does not count, for a reason and often for a time.
type Exclusion struct {
	Name      string `json:"name" yaml:"name"`
	Reason    string `json:"reason,omitempty" yaml:"reason,omitempty"`
	Scope     `yaml:",inline"`
	Workloads []string   `json:"workloads,omitempty" yaml:"workloads,omitempty,flow"` // patterns of names
	Until     *time.Time `json:"until,omitempty" yaml:"-"`                            // from when on it hides nothing
}

// MarshalYAML writes the end as it is read.
func (e Exclusion) MarshalYAML() (any, error) {
	type fields Exclusion
	written := struct {
		fields `yaml:",inline"`
		Until  string `yaml:"until,omitempty"`
	}{fields: fields(e)}
	if e.Until != nil {
		written.Until = yamldoc.FormatUntil(*e.Until)
	}
	return written, nil
}

func (e *Exclusion) over(now time.Time) bool { return e.Until != nil && !now.Before(*e.Until) }

// site is where an image runs or is meant to run, as far as that is known.
type site struct {
	cluster, namespace, workload string
	labels                       []map[string]string // nil: not known
	images                       []*Image
}

// fit says whether something applies at a site. What nobody knows is between no and yes.
type fit int

const (
	no fit = iota
	unsure
	yes
)

func fitIf(ok bool) fit {
	if ok {
		return yes
	}
	return no
}

// applies says whether a policy counts at a site.
func (p *Policy) applies(at site) fit {
	if len(p.Scope) == 0 {
		return yes
	}
	f := no
	for i := range p.Scope {
		f = max(f, p.Scope[i].fits(at, anyImage))
	}
	return f
}

func (e *Exclusion) fits(at site) fit {
	return min(e.Scope.fits(at, everyImage), textFits(e.Workloads, at.workload))
}

func (s *Scope) fits(at site, images func([]*Image, func(*Image) bool) bool) fit {
	f := min(textFits(s.Clusters, at.cluster), textFits(s.Namespaces, at.namespace))
	switch {
	case len(s.Images) == 0:
	case slices.ContainsFunc(at.images, (*Image).unnamed):
		f = min(f, unsure)
	default:
		f = min(f, fitIf(images(at.images, func(i *Image) bool {
			return slices.ContainsFunc(i.names(), func(name string) bool { return matchesAny(s.Images, name) })
		})))
	}
	if len(s.Labels) > 0 && at.labels == nil {
		return min(f, unsure)
	}
	for key, pattern := range s.Labels {
		f = min(f, fitIf(slices.ContainsFunc(at.labels, func(labels map[string]string) bool {
			value, ok := labels[key]
			return ok && matchesAny([]string{pattern}, value)
		})))
	}
	return f
}

func anyImage(images []*Image, ok func(*Image) bool) bool { return slices.ContainsFunc(images, ok) }

func everyImage(images []*Image, ok func(*Image) bool) bool {
	return len(images) > 0 && !slices.ContainsFunc(images, func(i *Image) bool { return !ok(i) })
}

func (i *Image) unnamed() bool { return i.Repository == "" }

// names are the texts that a pattern for images can match.
func (i *Image) names() []string {
	name := i.Registry + "/" + i.Repository
	return []string{name, name + ":" + i.Tag, i.Reference}
}

func textFits(patterns []string, text string) fit {
	switch {
	case len(patterns) == 0:
		return yes
	case text == "":
		return unsure
	}
	return fitIf(matchesAny(patterns, text))
}

func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := glob.Match(pattern, text)
		return ok && err == nil
	})
}

// exclusion finds what keeps a policy from counting at a site, and says of those that might have been meant why they do not.
func (p *Policy) exclusion(at site, now time.Time) (*Exclusion, []string) {
	var notes []string
	for i := range p.Exclusions {
		e := &p.Exclusions[i]
		switch f := e.fits(at); {
		case f == no:
		case e.over(now):
			notes = append(notes, fmt.Sprintf("the exclusion %q hides nothing any more: it was until %s", e.Name, yamldoc.FormatUntil(*e.Until)))
		case f == unsure:
			notes = append(notes, fmt.Sprintf("the exclusion %q does not count, for it is not known where the image is to run", e.Name))
		default:
			return e, nil
		}
	}
	return nil, notes
}
