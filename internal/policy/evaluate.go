package policy

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Evaluate asks every enabled policy of a stage about one image. It depends on nothing but its arguments; policies that a
// cancelled context or the bounds leave unanswered are undecided.
func (s *Set) Evaluate(ctx context.Context, stage Stage, in Input) Result {
	v := look(&in)
	return s.evaluate(ctx, stage, []*known{v}, v)
}

// EvaluateWorkload asks every enabled policy of the stage deploy: once about each container and its image, or once about the
// workload if it looks at nothing else.
func (s *Set) EvaluateWorkload(ctx context.Context, d Deployment) Result {
	inputs, rest := d.inputs()
	whole := look(rest)
	whole.site.images = nil
	var containers []*known
	for _, in := range inputs {
		containers = append(containers, look(in))
		whole.site.images = append(whole.site.images, &in.Image)
	}
	return s.evaluate(ctx, Deploy, containers, whole)
}

func (p *Policy) isAsked(stage Stage) bool { return !p.Disabled && slices.Contains(p.Stages, stage) }

func (s *Set) evaluate(ctx context.Context, stage Stage, containers []*known, whole *known) Result {
	var asked []*compiled
	for _, p := range s.compiled {
		if p.isAsked(stage) {
			asked = append(asked, p)
		}
	}
	outcomes := make([]outcome, len(asked))
	var spent atomic.Uint64
	inParallel(len(asked), func(i int) {
		p, of := asked[i], containers
		if !p.needs.perContainer() {
			of = []*known{whole}
		}
		// What was spent then was spent on policies before this one, which the loop below will find, too.
		if enforced := slices.Contains(p.Enforce, stage); spent.Load() > s.maxCost {
			outcomes[i] = p.outcome(enforced)
		} else {
			outcomes[i] = p.judge(ctx, enforced, of)
		}
		spent.Add(outcomes[i].cost)
	})
	result := Result{Stage: stage, Violations: []Violation{}}
	notes := noteBook{}
	var cost uint64
	for i, o := range outcomes {
		if cost > s.maxCost {
			o = asked[i].outcome(o.violation.Enforced)
			o.undecided.LacksAdvisories, o.undecided.LacksConfiguration = false, false
			o.undecided.Reason = fmt.Sprintf("the policies before it cost more than %d steps to evaluate", s.maxCost)
		}
		cost += o.cost
		switch {
		case len(o.violation.Messages) > 0:
			result.Evaluated++
			result.Violations = append(result.Violations, o.violation)
		case o.undecided.Reason != "":
			result.Undecided = append(result.Undecided, o.undecided)
		case o.answered:
			result.Evaluated++
		}
		result.Excluded = append(result.Excluded, o.excluded...)
		for _, text := range o.notes {
			notes.add(text, asked[i].ID)
		}
	}
	slices.SortFunc(result.Violations, func(a, b Violation) int {
		return cmp.Or(bySeverity(a.Severity, b.Severity), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.PolicyID, b.PolicyID))
	})
	slices.SortFunc(result.Undecided, func(a, b Undecided) int {
		return cmp.Or(bySeverity(a.Severity, b.Severity), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.PolicyID, b.PolicyID))
	})
	slices.SortStableFunc(result.Excluded, func(a, b Excluded) int {
		return cmp.Or(bySeverity(a.Severity, b.Severity), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.PolicyID, b.PolicyID))
	})
	result.Notes = notes.list
	return result
}

// inParallel calls f for 0 to n-1, on all processors.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	workers.Wait()
}

func bySeverity(a, b Severity) int {
	return cmp.Compare(slices.Index(severities, a), slices.Index(severities, b))
}

// outcome is what one policy says of an image, or of the containers of a workload.
type outcome struct {
	answered  bool // of something: broken or not
	violation Violation
	undecided Undecided
	excluded  []Excluded
	notes     []string
	cost      uint64
}

// outcome is that of a policy which was not asked.
func (p *compiled) outcome(enforced bool) outcome {
	return outcome{
		violation: Violation{
			PolicyID: p.ID, Policy: p.Title, Severity: p.Severity, Categories: slices.Clone(p.Categories),
			Description: p.Description, Rationale: p.Rationale, Remediation: p.Remediation, Enforced: enforced,
		},
		undecided: Undecided{
			PolicyID: p.ID, Policy: p.Title, Severity: p.Severity, Enforced: enforced, LacksAdvisories: true, LacksConfiguration: true,
		},
	}
}

func (p *compiled) judge(ctx context.Context, enforced bool, of []*known) outcome {
	o := p.outcome(enforced)
	o.answered = len(of) == 0
	var gaps gaps
	asked := len(of) == 0
	for _, v := range of {
		switch p.applies(v.site) {
		case no:
			continue
		case unsure:
			o.notes = append(o.notes, "its scope names clusters, namespaces, images or labels; as it is not known where the image is to run, it counts")
		}
		asked = true
		a := p.ask(ctx, v)
		o.cost += a.cost
		o.answered = o.answered || a.undecided == "" || a.count > 0
		if a.clean() {
			o.notes = append(o.notes, v.in.Scan.reservations(p.needs)...)
			continue
		}
		exclusion, notes := p.exclusion(v.site, v.in.Now)
		if exclusion != nil {
			o.exclude(exclusion, a)
			continue
		}
		o.notes = append(o.notes, notes...)
		o.violation.add(a)
		if a.undecided != "" {
			gaps.add(a.undecided, v.container())
			scanned := v.in.Scan.Scanned
			o.undecided.LacksAdvisories = o.undecided.LacksAdvisories && scanned && p.needs.vulnerabilities && !v.in.Scan.VulnsChecked
			o.undecided.LacksConfiguration = o.undecided.LacksConfiguration && scanned && p.needs.configuration && v.in.ConfigurationUnknown
		}
	}
	o.undecided.Reason = gaps.String()
	if o.undecided.Reason != "" && len(o.violation.Messages) > 0 {
		o.notes = append(o.notes, "not everything could be evaluated: "+o.undecided.Reason)
	}
	if !asked {
		o.notes = append(o.notes, "not asked, for its scope is elsewhere")
	}
	return o
}

func (v *Violation) add(a answer) {
	room := min(len(a.messages), maxMessages-len(v.Messages))
	v.Messages = append(v.Messages, a.messages[:room]...)
	v.More += a.count - room
}

func (o *outcome) exclude(e *Exclusion, a answer) {
	i := slices.IndexFunc(o.excluded, func(x Excluded) bool { return x.Exclusion == e.Name })
	if i < 0 {
		i = len(o.excluded)
		o.excluded = append(o.excluded, Excluded{
			PolicyID: o.violation.PolicyID, Policy: o.violation.Policy, Severity: o.violation.Severity, Enforced: o.violation.Enforced,
			Exclusion: e.Name, Reason: e.Reason, Until: e.Until,
		})
	}
	o.excluded[i].Messages += a.count
	o.excluded[i].Undecided = cmp.Or(o.excluded[i].Undecided, a.undecided)
}

// gaps gathers the containers that one reason applies to.
type gaps []gap

type gap struct {
	reason     string
	containers []string
}

func (g *gaps) add(reason, container string) {
	i := slices.IndexFunc(*g, func(x gap) bool { return x.reason == reason })
	if i < 0 {
		i = len(*g)
		*g = append(*g, gap{reason: reason})
	}
	if container != "" {
		(*g)[i].containers = append((*g)[i].containers, container)
	}
}

func (g gaps) String() string {
	var texts []string
	for _, x := range g {
		switch len(x.containers) {
		case 0:
			texts = append(texts, x.reason)
		case 1:
			texts = append(texts, "container "+x.containers[0]+": "+x.reason)
		default:
			texts = append(texts, "containers "+strings.Join(x.containers, ", ")+": "+x.reason)
		}
	}
	return strings.Join(texts, "; ")
}

// noteBook gathers the policies that one text applies to.
type noteBook struct{ list []Note }

func (b *noteBook) add(text, policy string) {
	i := slices.IndexFunc(b.list, func(n Note) bool { return n.Text == text })
	if i < 0 {
		i = len(b.list)
		b.list = append(b.list, Note{Text: text})
	}
	if ids := b.list[i].Policies; len(ids) == 0 || ids[len(ids)-1] != policy {
		b.list[i].Policies = append(ids, policy)
	}
}
