package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A tracer evaluates a policy's condition so that the value of each of its parts is known.
type tracer struct {
	policy  *compiled
	program cel.Program
	root    *clause
	clauses []*clause // the root and all below it, in the order of the text
}

// A clause is a part of a condition that is true or false: a group of others, or a leaf.
type clause struct {
	id    int64
	depth int
	text  string
	group string // an operator, "" for a leaf
	below []*clause
	// Of a leaf:
	parts     []part
	witnesses *witnesses // nil when it is not about items of a list
}

// A part of a leaf whose value says something.
type part struct {
	id     int64
	text   string
	secret bool // the value may be one
}

// witnesses are the items of a list that make a macro's answer what it is.
type witnesses struct {
	part
	program cel.Program
}

const (
	allOf  = "all of"
	anyOf  = "any of"
	noneOf = "not"
)

func newTracer(p *compiled) (*tracer, error) {
	const op = "explain policy"
	env, err := celEnvironment()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, p.ID, err)
	}
	// The macros' calls are what people wrote.
	written, err := env.byItem[itemOf(p.ForEach)].Extend(cel.EnableMacroCallTracking())
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, p.ID, err)
	}
	compiled, issues := written.Compile(p.Condition)
	if err := issues.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, p.ID, err)
	}
	t := &tracer{policy: p}
	if t.program, err = written.Program(compiled, traceOptions...); err != nil {
		return nil, fault.Wrap(fault.Internal, op, p.ID, err)
	}
	r := reading{written, compiled.NativeRep()}
	t.root = r.clause(r.ast.Expr(), 0)
	t.collect(t.root)
	return t, nil
}

func (t *tracer) collect(c *clause) {
	t.clauses = append(t.clauses, c)
	for _, below := range c.below {
		t.collect(below)
	}
}

func (c *clause) leaf() bool { return c.group == "" }

// inTheWay counts the leaves that would have to say something else for the clause to be as wanted.
func (c *clause) inTheWay(t trace, want bool) int {
	switch {
	case c.leaf():
		if holds, err := t.holds(c.id); err == nil && holds == want {
			return 0
		}
		return 1
	case c.group == noneOf:
		return c.below[0].inTheWay(t, !want)
	}
	sum, least := 0, len(c.below)+1
	for _, below := range c.below {
		n := below.inTheWay(t, want)
		sum, least = sum+n, min(least, n)
	}
	if (c.group == allOf) == want {
		return sum
	}
	return least
}

// A trace is what one evaluation gave.
type trace struct {
	root  int64
	value ref.Val
	err   error
	state interpreter.EvalState
}

func (t trace) holds(id int64) (bool, error) {
	value := t.value
	if id == t.root && t.err != nil {
		return false, t.err
	}
	if id != t.root {
		if t.state == nil {
			return false, t.err
		}
		value, _ = t.state.Value(id)
	}
	switch v := value.(type) {
	case types.Bool:
		return bool(v), nil
	case *types.Err:
		return false, v
	}
	return false, errors.New("it was not evaluated")
}

// reading takes a checked expression apart.
type reading struct {
	env *cel.Env
	ast *ast.AST
}

func (r reading) clause(e ast.Expr, depth int) *clause {
	c := &clause{id: e.ID(), depth: depth}
	if e.Kind() == ast.CallKind {
		switch call := e.AsCall(); call.FunctionName() {
		case operators.LogicalAnd:
			c.group = allOf
		case operators.LogicalOr:
			c.group = anyOf
		case operators.LogicalNot:
			if isGroup(call.Args()[0]) {
				c.group = noneOf
			}
		}
	}
	if c.leaf() {
		c.text = r.text(e)
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalNot {
			e = e.AsCall().Args()[0]
		}
		c.witnesses = r.witnesses(e)
		for _, operand := range operands(e) {
			r.parts(operand, &c.parts)
		}
		return c
	}
	c.text = c.group
	for _, operand := range r.chain(e, e.AsCall().FunctionName()) {
		c.below = append(c.below, r.clause(operand, depth+1))
	}
	return c
}

func isGroup(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	f := e.AsCall().FunctionName()
	return f == operators.LogicalAnd || f == operators.LogicalOr
}

// chain lists the operands of a && b && c.
func (r reading) chain(e ast.Expr, function string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return []ast.Expr{e}
	}
	var all []ast.Expr
	for _, a := range e.AsCall().Args() {
		if function == operators.LogicalNot {
			return []ast.Expr{a}
		}
		all = append(all, r.chain(a, function)...)
	}
	return all
}

func (r reading) text(e ast.Expr) string {
	text, err := parser.Unparse(e, r.ast.SourceInfo(), parser.WrapOnColumn(maxExpression))
	if err != nil {
		return fmt.Sprintf("(part at character %d)", r.ast.SourceInfo().GetStartLocation(e.ID()).Column()+1)
	}
	return text
}

// operands are what an expression is made of. Those within a macro have a value for each item, and so none to show.
func operands(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		var all []ast.Expr
		if call := e.AsCall(); call.IsMemberFunction() {
			all = append(all, call.Target())
		}
		return append(all, e.AsCall().Args()...)
	case ast.ListKind:
		return e.AsList().Elements()
	}
	return nil
}

// parts adds those within an expression whose values say something: not what is written there already.
func (r reading) parts(e ast.Expr, to *[]part) {
	if constant(e) {
		return
	}
	kind := r.ast.GetType(e.ID()).Kind()
	if e.Kind() != ast.ListKind && kind != types.StructKind && kind != types.MapKind {
		if p := r.part(e); !slices.ContainsFunc(*to, func(had part) bool { return had.text == p.text }) {
			*to = append(*to, p)
		}
	}
	for _, operand := range operands(e) {
		r.parts(operand, to)
	}
}

func (r reading) part(e ast.Expr) part {
	return part{e.ID(), r.text(e), r.mayBeSecret(e)}
}

func constant(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return true
	case ast.CallKind, ast.ListKind:
		return !slices.ContainsFunc(operands(e), func(o ast.Expr) bool { return !constant(o) })
	}
	return false
}

// secretFields may hold secrets.
var secretFields = [][2]string{
	{"policy.Setting", "value"}, {"policy.Image", "environment"}, {"policy.Layer", "arguments"}, {"policy.Variable", "value"},
}

// mayBeSecret says whether an expression's value may repeat what those fields hold.
func (r reading) mayBeSecret(e ast.Expr) bool {
	switch r.ast.GetType(e.ID()).Kind() {
	case types.BoolKind, types.IntKind, types.DoubleKind, types.TimestampKind, types.DurationKind:
		return false
	}
	secret := false
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.SelectKind {
			s := e.AsSelect()
			secret = secret || slices.Contains(secretFields, [2]string{r.ast.GetType(s.Operand().ID()).TypeName(), s.FieldName()})
		}
	}))
	return secret
}

// witnesses are, of exists and its like, the items that it holds for, and of all, those that it does not hold for.
func (r reading) witnesses(e ast.Expr) *witnesses {
	macro, ok := r.ast.SourceInfo().GetMacroCall(e.ID())
	if e.Kind() != ast.ComprehensionKind || !ok || len(macro.AsCall().Args()) != 2 {
		return nil
	}
	call := macro.AsCall()
	holds := "%s.filter(%s, %s)"
	switch call.FunctionName() {
	case "exists", "exists_one":
	case "all":
		holds = "%s.filter(%s, !(%s))"
	default:
		return nil
	}
	text := fmt.Sprintf(holds, r.text(call.Target()), r.text(call.Args()[0]), r.text(call.Args()[1]))
	compiled, issues := r.env.Compile(text)
	if issues.Err() != nil {
		return nil
	}
	program, err := r.env.Program(compiled, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil
	}
	return &witnesses{part{text: text, secret: r.mayBeSecret(e.AsComprehension().IterRange())}, program}
}

const (
	maxShown     = 120 // characters
	maxShownList = 5
)

func (p part) show(v ref.Val) string {
	if p.secret {
		if l, ok := v.(traits.Lister); ok {
			return fmt.Sprintf("%v of them, not shown, for they may hold secrets", l.Size())
		}
		return "not shown, for it may be a secret"
	}
	return show(v)
}

func show(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return strconv.Quote(shorten(string(x)))
	case types.Timestamp:
		return x.Time.UTC().Format(time.RFC3339)
	case types.Duration:
		if x.Duration.Abs() < 48*time.Hour {
			return x.Duration.String()
		}
		return fmt.Sprintf("%.1f days", x.Duration.Hours()/24)
	case traits.Lister:
		return showList(x)
	}
	native := reflect.ValueOf(v.Value())
	if native.IsValid() && native.Kind() == reflect.Struct {
		pointer := reflect.New(native.Type())
		pointer.Elem().Set(native)
		native = pointer
	}
	if native.IsValid() {
		if m := (subject{native.Interface()}).message(); m.Text != "" {
			return shorten(m.Text)
		}
	}
	return shorten(fmt.Sprint(v.Value()))
}

func showList(l traits.Lister) string {
	var items []string
	size := int(l.Size().(types.Int))
	for i := range min(size, maxShownList) {
		items = append(items, show(l.Get(types.Int(i))))
	}
	if size > maxShownList {
		items = append(items, fmt.Sprintf("… %d more", size-maxShownList))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func shorten(s string) string {
	if runes := []rune(s); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return s
}
