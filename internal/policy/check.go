package policy

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/glob"
)

var slug = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

const (
	maxTitle      = 200
	maxText       = 16 << 10 // description and the like
	maxExpression = 8 << 10
	maxList       = 100
	maxData       = 10_000 // entries, of
	maxDatum      = 1 << 10
)

// check reports what is wrong with a policy's fields, its expressions aside.
func check(p *Policy) Problems {
	c := checker{policy: p}
	c.that(slug.MatchString(p.ID), "metadata.name",
		"must be 1 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit")
	c.that(p.Title != "", "spec.title", "must be given")
	c.that(slices.Contains(severities, p.Severity), "spec.severity", "must be one of %s, not %q", list(severities), p.Severity)
	c.that(len(p.Stages) > 0, "spec.stages", "must name at least one of %s", list(stages))
	c.that(p.Condition != "", "spec.condition", "must be given")
	c.that(p.ForEach == "" || itemOf(p.ForEach) != "", "spec.forEach", "must be one of %s, not %q",
		strings.Join(collectionNames(), ", "), p.ForEach)

	c.line("spec.title", p.Title, maxTitle)
	c.short("spec.description", p.Description, maxText)
	c.short("spec.rationale", p.Rationale, maxText)
	c.short("spec.remediation", p.Remediation, maxText)
	c.short("spec.condition", p.Condition, maxExpression)
	c.short("spec.message", p.Message, maxExpression)
	c.that(len(p.Data) <= maxData, "spec.data", "has %d entries; at most %d are allowed", len(p.Data), maxData)

	for _, name := range slices.Sorted(maps.Keys(p.Data)) {
		c.line("spec.data."+name, name, maxDatum)
		c.line("spec.data."+name, p.Data[name], maxDatum)
	}

	c.stages("spec.stages", p.Stages, stages, "is not a stage; there are")
	c.stages("spec.enforce", p.Enforce, p.Stages, "is not among the policy's stages,")
	c.texts("spec.categories", p.Categories)
	c.texts("spec.references", p.References)
	for i, r := range p.References {
		u, err := url.Parse(r)
		c.that(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "",
			fmt.Sprintf("spec.references[%d]", i), "must be an http or https URL")
	}
	c.that(len(p.Scope) <= maxList, "spec.scope", "has %d entries; at most %d are allowed", len(p.Scope), maxList)
	for i := range p.Scope {
		at := fmt.Sprintf("spec.scope[%d]", i)
		c.scope(at, &p.Scope[i])
		c.that(!p.Scope[i].empty(), at, "names nothing; give clusters, namespaces, images or labels, or leave scope out for everywhere")
	}
	c.that(len(p.Exclusions) <= maxList, "spec.exclusions", "has %d entries; at most %d are allowed", len(p.Exclusions), maxList)
	for i := range p.Exclusions {
		e, at := &p.Exclusions[i], fmt.Sprintf("spec.exclusions[%d]", i)
		c.that(e.Name != "", at+".name", "must be given")
		c.that(!slices.ContainsFunc(p.Exclusions[:i], func(o Exclusion) bool { return o.Name == e.Name }), at+".name", "%q is given twice", e.Name)
		c.line(at+".name", e.Name, maxTitle)
		c.short(at+".reason", e.Reason, maxText)
		c.scope(at, &e.Scope)
		c.patterns(at+".workloads", e.Workloads)
		c.that(!e.Scope.empty() || len(e.Workloads) > 0, at, "names nothing; give workloads, images, namespaces, clusters or labels, or switch the policy off with disabled: true")
	}
	return c.problems
}

type checker struct {
	policy   *Policy
	problems Problems
}

func (c *checker) that(ok bool, field, format string, args ...any) {
	if !ok && !c.policy.positions.broken(field) {
		c.problems = append(c.problems, c.policy.problem(field, format, args...))
	}
}

func (c *checker) short(field, text string, max int) {
	c.that(len(text) <= max, field, "has %d bytes; at most %d are allowed", len(text), max)
	c.that(utf8.ValidString(text), field, "is not valid UTF-8")
}

func (c *checker) line(field, text string, max int) {
	c.short(field, text, max)
	c.that(!strings.ContainsFunc(text, unicode.IsControl), field, "must be one line, without tabs and other control characters")
}

func (c *checker) stages(field string, got, allowed []Stage, complaint string) {
	for i, s := range got {
		item := fmt.Sprintf("%s[%d]", field, i)
		c.that(slices.Contains(allowed, s), item, "%q %s %s", s, complaint, list(allowed))
		c.that(!slices.Contains(got[:i], s), item, "%q is given twice", s)
	}
}

func (c *checker) texts(field string, got []string) {
	c.that(len(got) <= maxList, field, "has %d items; at most %d are allowed", len(got), maxList)
	for i, s := range got {
		item := fmt.Sprintf("%s[%d]", field, i)
		c.that(s != "", item, "is empty")
		c.line(item, s, maxTitle)
		c.that(!slices.Contains(got[:i], s), item, "%q is given twice", s)
	}
}

func (s *Scope) empty() bool {
	return len(s.Clusters)+len(s.Namespaces)+len(s.Images)+len(s.Labels) == 0
}

func (c *checker) scope(field string, s *Scope) {
	c.patterns(field+".clusters", s.Clusters)
	c.patterns(field+".namespaces", s.Namespaces)
	c.patterns(field+".images", s.Images)
	for i, pattern := range s.Images {
		c.that(strings.Contains(pattern, "/") || strings.Contains(pattern, "**"), fmt.Sprintf("%s.images[%d]", field, i),
			"%q matches no image: names begin with the registry, as in docker.io/library/%s", pattern, pattern)
	}
	c.that(len(s.Labels) <= maxList, field+".labels", "has %d entries; at most %d are allowed", len(s.Labels), maxList)
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		c.line(field+".labels", key, maxDatum)
		c.pattern(field+".labels."+key, s.Labels[key])
	}
}

func (c *checker) patterns(field string, got []string) {
	c.that(len(got) <= maxList, field, "has %d items; at most %d are allowed", len(got), maxList)
	for i, s := range got {
		c.that(s != "", fmt.Sprintf("%s[%d]", field, i), "is empty")
		c.pattern(fmt.Sprintf("%s[%d]", field, i), s)
	}
}

func (c *checker) pattern(field, s string) {
	c.line(field, s, maxDatum)
	_, err := glob.Match(s, "")
	c.that(err == nil, field, "has more than %d characters", glob.MaxPattern)
	c.that(strings.TrimSpace(s) == s, field, "begins or ends with a space, and so matches nothing")
}

func list[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

// problem places a complaint about a field. A field that is not in the document is placed where the nearest mapping or
// list around it begins.
func (p *Policy) problem(field, format string, args ...any) Problem {
	problem := Problem{Policy: p.ID, Field: field, Message: fmt.Sprintf(format, args...)}
	for path := field; ; {
		if at, _ := p.positions.at(path, 0, 0); at.line > 0 {
			problem.Line, problem.Column = at.line, at.column
			return problem
		}
		if path == "" {
			return problem
		}
		path = parent(path)
	}
}
