package policy

import (
	"cmp"
	"context"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// An Explanation says why an image or a workload breaks a policy, or why not.
type Explanation struct {
	PolicyID  string   `json:"policyId"`
	Policy    string   `json:"policy"` // title
	Severity  Severity `json:"severity"`
	Outcome   Outcome  `json:"outcome" enum:"broken,not broken,undecided,excluded,not asked"`
	Condition string   `json:"condition"`
	ForEach   string   `json:"forEach,omitempty"`
	// Result is what evaluating the policy alone gives, as if it were not disabled.
	Result Result  `json:"result"`
	Asked  []Asked `json:"asked" nullable:"false"` // of the image; of a workload, of each container that the policy is asked about
}

// Outcome is the short form of what a policy says.
type Outcome string

const (
	Broken     Outcome = "broken"
	NotBroken  Outcome = "not broken"
	Unanswered Outcome = "undecided"
	Hidden     Outcome = "excluded"  // broken or undecided, which an exclusion hides
	NotAsked   Outcome = "not asked" // its scope is elsewhere
)

// OutcomeOf is that of the only policy of a result.
func OutcomeOf(r Result) Outcome {
	switch {
	case len(r.Violations) > 0:
		return Broken
	case len(r.Undecided) > 0:
		return Unanswered
	case len(r.Excluded) > 0:
		return Hidden
	case r.Evaluated > 0:
		return NotBroken
	}
	return NotAsked
}

// Asked is a policy's condition evaluated for an image, or for each item of a list.
type Asked struct {
	Container string `json:"container,omitempty"` // of the workload
	// Missing says why nothing could be asked.
	Missing string `json:"missing,omitempty"`
	Items   int    `json:"items"`  // 1 without forEach
	Looked  int    `json:"looked"` // items for which the condition was evaluated; fewer than Items where that costs too much
	Held    int    `json:"held"`
	Failed  int    `json:"failed"` // items for which it could not be evaluated
	// Clauses are the parts of the condition with the number of items that each holds for.
	Clauses []ClauseCount `json:"clauses" nullable:"false"`
	Holds   []Case        `json:"holds,omitempty"`   // some that the condition holds for
	Nearest []Case        `json:"nearest,omitempty"` // some that it does not hold for: those with the fewest clauses in the way
	Fails   []Case        `json:"fails,omitempty"`   // some that it cannot be evaluated for
}

// A ClauseCount is a part of a condition.
type ClauseCount struct {
	Depth  int    `json:"depth"` // below how many "all of", "any of" and "none of" it stands
	Text   string `json:"text"`
	Held   int    `json:"held"`
	Failed int    `json:"failed,omitempty"`
}

// A Case is an item, or the image as a whole, with what every clause says of it.
type Case struct {
	About   Message  `json:"about"`
	Clauses []Clause `json:"clauses" nullable:"false"`
}

// A Clause is a part of a condition that is true or false, with the values in it.
type Clause struct {
	Depth  int    `json:"depth"`
	Text   string `json:"text"`
	Holds  bool   `json:"holds"`
	Error  string `json:"error,omitempty"` // why it could not be evaluated
	Values []Part `json:"values,omitempty"`
}

// A Part of a clause with its value.
type Part struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

const (
	maxCases   = 20
	maxNearest = 3
	// maxExplainCost is more than maxCost, since nothing is skipped.
	maxExplainCost = 4 * maxCost
)

// Explain says why an image breaks a policy at a stage, or why not. It fails with fault.NotFound when there is no such policy,
// and with fault.Invalid when it is not for the stage; without one, the policy's first stage is taken.
func (s *Set) Explain(ctx context.Context, id string, stage Stage, in Input) (*Explanation, error) {
	p, stage, err := s.explained(id, stage)
	if err != nil {
		return nil, err
	}
	return p.explainAll(ctx, newSet([]*compiled{p}).Evaluate(ctx, stage, in), []*known{look(&in)})
}

// ExplainWorkload says why a workload breaks a policy at the stage deploy, or why not. It fails as Explain does.
func (s *Set) ExplainWorkload(ctx context.Context, id string, d Deployment) (*Explanation, error) {
	p, _, err := s.explained(id, Deploy)
	if err != nil {
		return nil, err
	}
	inputs, rest := d.inputs()
	if !p.needs.perContainer() {
		inputs = []*Input{rest}
	}
	var views []*known
	for _, in := range inputs {
		views = append(views, look(in))
	}
	return p.explainAll(ctx, newSet([]*compiled{p}).EvaluateWorkload(ctx, d), views)
}

// explained is the policy to explain, enabled.
func (s *Set) explained(id string, stage Stage) (*compiled, Stage, error) {
	const op = "explain policy"
	i := slices.IndexFunc(s.compiled, func(c *compiled) bool { return c.ID == id })
	if i < 0 {
		return nil, "", fault.New(fault.NotFound, op, "there is no policy %q", id)
	}
	p := *s.compiled[i]
	if stage = cmp.Or(stage, p.Stages[0]); !slices.Contains(p.Stages, stage) {
		return nil, "", fault.New(fault.Invalid, op, "the policy %s is not for the stage %s, but for %s", id, stage, list(p.Stages))
	}
	p.Disabled = false
	return &p, stage, nil
}

func (p *compiled) explainAll(ctx context.Context, result Result, views []*known) (*Explanation, error) {
	e := &Explanation{
		PolicyID: p.ID, Policy: p.Title, Severity: p.Severity, Outcome: OutcomeOf(result), Condition: p.Condition, ForEach: p.ForEach,
		Result: result, Asked: []Asked{},
	}
	tracer, err := newTracer(p)
	if err != nil {
		return nil, err
	}
	for _, v := range views {
		if p.applies(v.site) == no {
			continue
		}
		asked, err := tracer.ask(ctx, v)
		if err != nil {
			return nil, err
		}
		e.Asked = append(e.Asked, asked)
	}
	return e, nil
}

// ask evaluates the whole condition for every item, skipping nothing. Only a cancelled context is an error.
func (t *tracer) ask(ctx context.Context, k *known) (Asked, error) {
	v := t.policy.view(k)
	a := Asked{Container: v.container(), Items: v.items(t.policy.ForEach), Missing: v.in.missing(t.policy.needs), Clauses: []ClauseCount{}}
	for _, c := range t.clauses {
		a.Clauses = append(a.Clauses, ClauseCount{Depth: c.depth, Text: c.text})
	}
	if a.Missing != "" {
		return a, nil
	}
	var near []nearMiss
	var cost uint64
	for i := range a.Items {
		s := v.choose(t.policy.ForEach, i)
		trace, spent := t.evaluate(ctx, v)
		if ctx.Err() != nil {
			return a, fault.Wrap(fault.Unavailable, "explain policy", t.policy.ID, ctx.Err())
		}
		if cost += spent; cost > maxExplainCost {
			break
		}
		a.Looked++
		for j, c := range t.clauses {
			switch holds, err := trace.holds(c.id); {
			case err != nil:
				a.Clauses[j].Failed++
			case holds:
				a.Clauses[j].Held++
			}
		}
		switch holds, err := trace.holds(t.root.id); {
		case err != nil:
			if a.Failed++; a.Failed <= maxNearest {
				a.Fails = append(a.Fails, t.describe(ctx, v, s, trace))
			}
		case holds:
			if a.Held++; a.Held <= maxCases {
				a.Holds = append(a.Holds, t.describe(ctx, v, s, trace))
			}
		default:
			near = append(near, nearMiss{i, t.root.inTheWay(trace, true)})
			if len(near) > 100*maxNearest {
				near = nearest(near)
			}
		}
	}
	for _, n := range nearest(near) {
		s := v.choose(t.policy.ForEach, n.item)
		trace, _ := t.evaluate(ctx, v)
		a.Nearest = append(a.Nearest, t.describe(ctx, v, s, trace))
	}
	return a, nil
}

// A nearMiss is an item with the number of clauses that keep the condition from holding for it.
type nearMiss struct{ item, inTheWay int }

func nearest(list []nearMiss) []nearMiss {
	slices.SortStableFunc(list, func(a, b nearMiss) int { return cmp.Compare(a.inTheWay, b.inTheWay) })
	return list[:min(len(list), maxNearest)]
}

// describe makes a case of the chosen item.
func (t *tracer) describe(ctx context.Context, v *view, s subject, trace trace) Case {
	c := Case{About: s.message(), Clauses: []Clause{}}
	for _, k := range t.clauses {
		clause := Clause{Depth: k.depth, Text: k.text}
		holds, err := trace.holds(k.id)
		if clause.Holds = holds; err != nil && k.leaf() {
			clause.Error = clip(err.Error())
		}
		for _, p := range k.parts {
			if value, ok := trace.state.Value(p.id); ok && !types.IsUnknownOrError(value) {
				clause.Values = append(clause.Values, Part{p.text, p.show(value)})
			}
		}
		if k.witnesses != nil {
			if value, _, err := k.witnesses.program.ContextEval(ctx, v); err == nil {
				clause.Values = append(clause.Values, Part{k.witnesses.text, k.witnesses.show(value)})
			}
		}
		c.Clauses = append(c.Clauses, clause)
	}
	return c
}

// evaluate traces the condition for the chosen item, and says what that cost.
func (t *tracer) evaluate(ctx context.Context, v *view) (trace, uint64) {
	value, details, err := t.program.ContextEval(ctx, v)
	traced := trace{root: t.root.id, value: value, err: err}
	if details == nil {
		return traced, 0
	}
	traced.state = details.State()
	var cost uint64
	if c := details.ActualCost(); c != nil {
		cost = *c
	}
	return traced, cost
}

var traceOptions = []cel.ProgramOption{
	cel.EvalOptions(cel.OptExhaustiveEval), cel.CostLimit(maxExplainCost), cel.InterruptCheckFrequency(100),
}

// RestsOn says whether the policies' answers change with the findings about an image, and with how far its scan can be trusted.
// What else they look at changes with the image or with time.
func (s *Set) RestsOn() (findings, scan bool) {
	for _, p := range s.compiled {
		findings, scan = findings || p.needs.vulnerabilities, scan || p.needs.coverage
	}
	return findings, scan
}
