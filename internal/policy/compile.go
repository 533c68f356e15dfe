package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Set is compiled policies, safe for concurrent use.
type Set struct {
	compiled []*compiled
	maxCost  uint64 // of all policies together

	about      func() (about *Set, complete bool)
	identities func() [][sha256.Size]byte // of what the policies say
}

func newSet(policies []*compiled) *Set {
	s := &Set{compiled: policies, maxCost: maxTotalCost}
	s.about = sync.OnceValues(s.aboutScans)
	s.identities = sync.OnceValue(s.identify)
	return s
}

// compiled is a policy ready to be asked.
type compiled struct {
	Policy
	broken    string // why it cannot be asked at all, or ""
	condition expression
	message   *expression // nil: the default sentence
	data      ref.Val
	needs     needs
}

// expression is one compiled CEL expression.
type expression struct {
	program cel.Program
	quick   quick // nil: there is none
	analysis
}

// Compile checks policies and prepares them. The error is a fault.Invalid whose cause is Problems, with places in the
// document for policies that came from Parse.
func Compile(policies []Policy) (*Set, error) {
	set, problems := compileAll(policies)
	if len(problems) > 0 {
		problems.sort()
		return nil, fault.Wrap(fault.Invalid, "compile policies", "", problems)
	}
	return set, nil
}

func compileAll(policies []Policy) (*Set, Problems) {
	all, found := make([]*compiled, len(policies)), make([]Problems, len(policies))
	inParallel(len(policies), func(i int) { all[i], found[i] = compileOne(&policies[i]) })
	var problems Problems
	seen := map[string]bool{}
	for i, faults := range found {
		p := &policies[i]
		if p.ID != "" && seen[p.ID] {
			faults = append(faults, p.problem("metadata.name", "another policy has the name %q", p.ID))
		}
		seen[p.ID] = true
		problems = append(problems, faults...)
	}
	return newSet(all), problems
}

func compileOne(p *Policy) (*compiled, Problems) {
	problems := check(p)
	env, err := celEnvironment()
	if err != nil {
		return &compiled{Policy: *p}, append(problems, p.problem("", "CEL cannot be set up: %s", err))
	}
	c, more := env.policy(p)
	c.positions = nil // of use only while problems are placed
	return c, append(problems, more...)
}

// Policies lists the set's policies in the order they were compiled in. They share memory with the set.
func (s *Set) Policies() []Policy {
	policies := make([]Policy, len(s.compiled))
	for i, c := range s.compiled {
		policies[i] = c.Policy
	}
	return policies
}

// Only is the set of the policies that keep wants.
func (s *Set) Only(keep func(Policy) bool) *Set {
	var kept []*compiled
	for _, c := range s.compiled {
		if keep(c.Policy) {
			kept = append(kept, c)
		}
	}
	return newSet(kept)
}

// AboutScans returns the policies that look at nothing but how far a scan can be trusted. complete is false when another one
// looks at that, too.
func (s *Set) AboutScans() (about *Set, complete bool) { return s.about() }

func (s *Set) aboutScans() (*Set, bool) {
	var about []*compiled
	complete := true
	for _, c := range s.compiled {
		switch {
		case c.needs.coverage && (c.needs.image || c.needs.workload):
			complete = false
		case c.needs.coverage:
			about = append(about, c)
		}
	}
	return newSet(about), complete
}

// Name names what the policies of a stage say and which exclusions are in force: two sets that share it judge alike.
func (s *Set) Name(stage Stage, now time.Time) string {
	sum := sha256.New()
	for i, id := range s.identities() {
		if !s.compiled[i].isAsked(stage) {
			continue
		}
		sum.Write(id[:])
		for j := range s.compiled[i].Exclusions {
			fmt.Fprintf(sum, "%t", s.compiled[i].Exclusions[j].over(now))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

func (s *Set) identify() [][sha256.Size]byte {
	ids := make([][sha256.Size]byte, len(s.compiled))
	for i, c := range s.compiled {
		ids[i] = sha256.Sum256(append(Format(c.Policy), c.broken...))
	}
	return ids
}

// policy compiles the expressions of a policy whose fields may still be wrong.
func (e *environment) policy(p *Policy) (*compiled, Problems) {
	c := &compiled{Policy: *p, data: types.NewStringStringMap(types.DefaultTypeAdapter, p.Data)}
	if p.ForEach != "" && itemOf(p.ForEach) == "" {
		return c, nil // the expressions' variables are not known
	}
	var problems Problems
	if p.Condition != "" && len(p.Condition) <= maxExpression {
		condition, more := e.expression(p, "spec.condition", p.Condition, cel.BoolType)
		c.condition, problems = condition, more
	}
	if p.Message != "" && len(p.Message) <= maxExpression {
		message, more := e.expression(p, "spec.message", p.Message, cel.StringType)
		c.message, problems = &message, append(problems, more...)
		c.needs.add(message.needs)
	}
	c.needs.add(c.condition.needs)
	c.needs.add(needsOf(p.ForEach))
	return c, problems
}

func (e *environment) expression(p *Policy, field, text string, want *cel.Type) (expression, Problems) {
	env := e.byItem[itemOf(p.ForEach)]
	ast, issues := env.Compile(text)
	if errs := issues.Errors(); len(errs) > 0 {
		problems := make(Problems, len(errs))
		for i, err := range errs {
			problems[i] = p.expressionProblem(field, text, err.Location, explain(err.Message, p.ForEach))
		}
		return expression{}, problems
	}
	if !ast.OutputType().IsExactType(want) {
		return expression{}, Problems{p.problem(field, "must be of type %s, not %s", want, ast.OutputType())}
	}
	x := expression{analysis: analyse(ast.NativeRep(), itemOf(p.ForEach), slices.Contains(p.Stages, Build))}
	if len(x.complaints) > 0 {
		var problems Problems
		for _, c := range x.complaints {
			problems = append(problems, p.expressionProblem(field, text, c.at, c.message))
		}
		return expression{}, problems
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if i := slices.IndexFunc(collections, func(c collection) bool { return c.name == p.ForEach }); i >= 0 && x.plain && field == "spec.condition" {
		x.quick = quicken(ast.NativeRep(), collections[i].item, collections[i].is)
	}
	if !x.plain {
		limit := uint64(maxCost)
		if field == "spec.message" {
			limit = maxMessageCost
		}
		options = append(options, cel.CostLimit(limit), cel.InterruptCheckFrequency(100))
	}
	program, err := env.Program(ast, options...)
	if err != nil {
		return expression{}, Problems{p.problem(field, "%s", err)}
	}
	x.program = program
	return x, nil
}

// explain adds to CEL's message what a person may not know.
func explain(message, forEach string) string {
	message = strings.TrimSuffix(message, " (in container '')")
	for _, c := range collections {
		if forEach != c.name && strings.HasPrefix(message, fmt.Sprintf("undeclared reference to '%s'", c.item)) {
			return fmt.Sprintf("%s; it is known with forEach: %s", message, c.name)
		}
	}
	return message
}

// expressionProblem places a complaint about a part of an expression: in the document if it keeps the expression's lines,
// else at the field, with the expression's own line and column.
func (p *Policy) expressionProblem(field, text string, at common.Location, message string) Problem {
	problem := p.problem(field, "%s", message)
	lines := strings.Split(text, "\n")
	if at == nil || at.Line() < 1 || at.Line() > len(lines) {
		return problem
	}
	found, exact := p.positions.at(field, at.Line(), at.Column())
	if exact {
		problem.Line, problem.Column = found.line, found.column
	} else {
		problem.Message = fmt.Sprintf("%s (line %d, column %d of the expression)", message, at.Line(), at.Column()+1)
	}
	line := []rune(lines[at.Line()-1])
	column := min(at.Column(), len(line))
	// Long lines are cut around the mistake.
	start := max(0, column-80)
	line = line[start:min(len(line), column+80)]
	pad := slices.Clone(line[:column-start])
	for i, r := range pad {
		if r != '\t' {
			pad[i] = ' '
		}
	}
	problem.Excerpt = string(line) + "\n" + string(pad) + "^"
	return problem
}
