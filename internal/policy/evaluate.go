package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

const (
	// maxCost bounds one policy's evaluation, in CEL's units of cost: a few tenths of a second.
	maxCost        = 2_000_000
	maxMessageCost = 50_000
	maxMessages    = 100
	maxMessageText = 2000 // characters
	// checkEvery is how many items are evaluated between looks at the context.
	checkEvery = 256
)

// Evaluate asks every enabled policy of a stage. It depends on nothing but its arguments; policies that a cancelled
// context or the bounds leave unanswered are undecided.
func (s *Set) Evaluate(ctx context.Context, stage Stage, in Input) Result {
	if in.Image.HasCreated = in.Image.HasCreated && !in.Image.Created.IsZero(); !in.Image.HasCreated {
		in.Image.Created = time.Time{}
	}
	v := newView(&in)
	result := Result{Stage: stage, Violations: []Violation{}}
	notes := noteBook{}
	for i := range s.compiled {
		p := &s.compiled[i]
		if p.Disabled || !slices.Contains(p.Stages, stage) {
			continue
		}
		enforced := slices.Contains(p.Enforce, stage)
		answer := p.ask(ctx, v)
		switch {
		case answer.count > 0:
			result.Evaluated++
			result.Violations = append(result.Violations, Violation{
				PolicyID: p.ID, Policy: p.Title, Severity: p.Severity, Categories: slices.Clone(p.Categories),
				Description: p.Description, Rationale: p.Rationale, Remediation: p.Remediation, Enforced: enforced,
				Messages: answer.messages, More: answer.count - len(answer.messages),
			})
			if answer.undecided != "" {
				notes.add("not everything could be evaluated: "+answer.undecided, p.ID)
			}
		case answer.undecided != "":
			result.Undecided = append(result.Undecided, Undecided{
				PolicyID: p.ID, Policy: p.Title, Severity: p.Severity, Reason: answer.undecided, Enforced: enforced,
				LacksAdvisories:    in.Scan.Scanned && p.needs.vulnerabilities && !in.Scan.VulnsChecked,
				LacksConfiguration: in.Scan.Scanned && p.needs.configuration && in.ConfigurationUnknown,
			})
		default:
			result.Evaluated++
			for _, text := range in.Scan.reservations(p.needs) {
				notes.add(text, p.ID)
			}
		}
	}
	slices.SortFunc(result.Violations, func(a, b Violation) int {
		return cmp.Or(bySeverity(a.Severity, b.Severity), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.PolicyID, b.PolicyID))
	})
	slices.SortFunc(result.Undecided, func(a, b Undecided) int {
		return cmp.Or(bySeverity(a.Severity, b.Severity), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.PolicyID, b.PolicyID))
	})
	result.Notes = notes.list
	return result
}

func bySeverity(a, b Severity) int {
	return cmp.Compare(slices.Index(severities, a), slices.Index(severities, b))
}

// missing says why a policy with these needs cannot be asked, or "".
func (in *Input) missing(n needs) string {
	switch {
	case n.scan && !in.Scan.Scanned:
		return "the image was not scanned"
	case n.configuration && in.ConfigurationUnknown:
		return "a bill of materials does not say how the image is configured and built"
	case n.vulnerabilities && !in.Scan.VulnsChecked:
		return "not checked for vulnerabilities: no advisory data"
	}
	return ""
}

// reservations says what a "no" to a policy with these needs does not cover.
func (s *Scan) reservations(n needs) []string {
	var texts []string
	if n.scan && !s.Complete {
		texts = append(texts, "the image was only partly read, so something that breaks the policy may have been missed")
	}
	if n.vulnerabilities && s.UncheckedCount > 0 {
		texts = append(texts, fmt.Sprintf("%d of the image's components could not be checked for vulnerabilities", s.UncheckedCount))
	}
	return texts
}

// noteBook gathers the policies that one text applies to.
type noteBook struct{ list []Note }

func (b *noteBook) add(text, policy string) {
	i := slices.IndexFunc(b.list, func(n Note) bool { return n.Text == text })
	if i < 0 {
		i = len(b.list)
		b.list = append(b.list, Note{Text: text})
	}
	b.list[i].Policies = append(b.list[i].Policies, policy)
}

// answer is what a policy says of an image. Count and undecided can both be set: some items break it, others cannot be
// judged.
type answer struct {
	count     int // reasons why the policy is broken
	messages  []Message
	undecided string
}

func (p *compiled) ask(ctx context.Context, v *view) answer {
	if reason := v.in.missing(p.needs); reason != "" {
		return answer{undecided: reason}
	}
	v.data, v.item = p.data, nil
	v.itemName = itemOf(p.ForEach)
	var a answer
	var cost uint64
	for i := range v.items(p.ForEach) {
		if i%checkEvery == 0 && ctx.Err() != nil {
			a.undecided = interrupted(ctx)
			return a
		}
		subject := v.choose(p.ForEach, i)
		value, spent, err := p.condition.evaluate(ctx, v)
		cost += spent
		switch {
		case ctx.Err() != nil && err != nil:
			a.undecided = interrupted(ctx)
			return a
		case tooCostly(err) || cost > maxCost:
			a.undecided = fmt.Sprintf("the condition costs more than %d steps to evaluate", maxCost)
			return a
		case err != nil:
			if a.undecided == "" {
				a.undecided = clip(subject.about() + err.Error())
			}
		case value == types.True:
			a.count++
			if len(a.messages) < maxMessages {
				a.messages = append(a.messages, p.explain(ctx, v, subject))
			}
		}
	}
	return a
}

func interrupted(ctx context.Context) string {
	return "the evaluation was stopped: " + context.Cause(ctx).Error()
}

func tooCostly(err error) bool {
	var cancelled interpreter.EvalCancelledError
	return errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded
}

// evaluate runs the expression and says what it cost.
func (x *expression) evaluate(ctx context.Context, v *view) (ref.Val, uint64, error) {
	if x.plain {
		value, _, err := x.program.Eval(v)
		return value, x.nodes, err
	}
	value, details, err := x.program.ContextEval(ctx, v)
	cost := x.nodes
	if c := details.ActualCost(); c != nil {
		cost += *c
	}
	return value, cost, err
}

// explain makes the message about the chosen item.
func (p *compiled) explain(ctx context.Context, v *view, s subject) Message {
	m := s.message()
	if m.Text == "" {
		m.Text = p.Title
	}
	if p.message != nil {
		value, _, err := p.message.evaluate(ctx, v)
		text, ok := value.(types.String)
		switch {
		case err != nil:
			m.Text += " (the policy's message could not be evaluated: " + err.Error() + ")"
		case ok && strings.TrimSpace(string(text)) != "":
			m.Text = strings.TrimSpace(string(text))
		}
	}
	m.Text = clip(m.Text)
	return m
}

func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxMessageText {
			return s[:i] + "…"
		}
	}
	return s
}
