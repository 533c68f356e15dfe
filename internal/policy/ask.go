package policy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

const (
	// maxCost bounds one policy's evaluation, in CEL's units of cost: a few tenths of a second.
	maxCost = 2_000_000
	// maxTotalCost bounds that of all policies together.
	maxTotalCost   = 100_000_000
	maxMessageCost = 50_000
	maxMessages    = 100
	maxMessageText = 2000 // characters
	// checkEvery is how many items are evaluated between looks at the context.
	checkEvery = 256
)

// missing says why a policy with these needs cannot be asked, or "".
func (in *Input) missing(n needs) string {
	switch {
	case n.workload && in.Workload == nil, n.container && in.Container == nil:
		return "no workload was given"
	case in.Unavailable != "" && (n.pulled || n.image && in.Image.unnamed()):
		return in.Unavailable
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

// answer is what a policy says of one image or workload. Count and undecided can both be set: some items break it, others cannot be
// judged.
type answer struct {
	count     int // reasons why the policy is broken
	messages  []Message
	undecided string
	cost      uint64
}

func (a answer) clean() bool { return a.count == 0 && a.undecided == "" }

func (p *compiled) ask(ctx context.Context, k *known) answer {
	if p.broken != "" {
		return answer{undecided: "this policy cannot be evaluated: " + p.broken}
	}
	if reason := k.in.missing(p.needs); reason != "" {
		return answer{undecided: reason}
	}
	v := p.view(k)
	quickly := asked{data: p.Data}
	var a answer
	for i := range v.items(p.ForEach) {
		if i%checkEvery == 0 && ctx.Err() != nil {
			a.undecided = interrupted(ctx)
			return a
		}
		subject := v.choose(p.ForEach, i)
		value, spent, err := p.condition.decide(ctx, v, &quickly)
		a.cost += spent
		switch {
		case ctx.Err() != nil && err != nil:
			a.undecided = interrupted(ctx)
			return a
		case tooCostly(err) || a.cost > maxCost:
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
	if err == nil { // the rule for every item, and spares an allocation
		return false
	}
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

// decide is evaluate, without CEL where the answer is known without.
func (x *expression) decide(ctx context.Context, v *view, a *asked) (ref.Val, uint64, error) {
	if x.quick != nil {
		a.item = reflect.ValueOf(v.item).Elem()
		switch x.quick(a) {
		case yes:
			return types.True, 1 + x.nodes/8, nil
		case no:
			return types.False, 1 + x.nodes/8, nil
		}
	}
	return x.evaluate(ctx, v)
}

// explain makes the message about the chosen item.
func (p *compiled) explain(ctx context.Context, v *view, s subject) Message {
	m := s.message()
	m.Container = v.container()
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
