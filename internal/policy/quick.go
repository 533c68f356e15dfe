package policy

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/landwaiter/landwaiter/internal/glob"
)

// A quick answers a condition about one item without CEL, which takes ten times as long, as far as it understands it. What it
// does not understand, and what would be an error, is unsure. As in CEL, "false && unsure" is false and "true || unsure" is true.
type quick func(a *asked) fit

// asked is what a quick answer can look at.
type asked struct {
	item    reflect.Value // a struct
	element string        // that a macro stands at
	data    map[string]string
}

func dontKnow(*asked) fit { return unsure }

// quicken makes the quick answer to a condition over items of a type.
func quicken(a *ast.AST, item string, of reflect.Type) quick {
	return (&quickener{ast: a, item: item, of: of}).truth(a.Expr())
}

type quickener struct {
	ast     *ast.AST
	item    string
	of      reflect.Type
	element string // the variable of the macro around
}

func (q *quickener) truth(e ast.Expr) quick {
	switch e.Kind() {
	case ast.SelectKind:
		index := q.field(e, types.BoolType)
		if e.AsSelect().IsTestOnly() {
			if index = q.field(e, nil); index != nil {
				return func(a *asked) fit { return fitIf(!a.item.FieldByIndex(index).IsZero()) }
			}
		}
		if index != nil {
			return func(a *asked) fit { return fitIf(a.item.FieldByIndex(index).Bool()) }
		}
	case ast.ComprehensionKind:
		return q.macro(e.AsComprehension())
	case ast.CallKind:
		return q.call(e.AsCall())
	}
	return dontKnow
}

func (q *quickener) call(c ast.CallExpr) quick {
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	switch c.FunctionName() {
	case operators.LogicalNot:
		of := q.truth(args[0])
		return func(a *asked) fit { return yes - of(a) }
	case operators.LogicalAnd:
		left, right := q.truth(args[0]), q.truth(args[1])
		return func(a *asked) fit {
			if l := left(a); l != no {
				return min(l, right(a))
			}
			return no
		}
	case operators.LogicalOr:
		left, right := q.truth(args[0]), q.truth(args[1])
		return func(a *asked) fit {
			if l := left(a); l != yes {
				return max(l, right(a))
			}
			return yes
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return q.compare(c.FunctionName(), args[0], args[1])
	case operators.In:
		return q.in(args[0], args[1])
	}
	if len(args) != 2 {
		return dontKnow
	}
	first, second := q.text(args[0]), q.text(args[1])
	if first == nil || second == nil {
		return dontKnow
	}
	over := func(test func(string, string) bool) quick {
		return func(a *asked) fit { return fitIf(test(first(a), second(a))) }
	}
	fallible := func(test func(string, string) (bool, error)) quick {
		return func(a *asked) fit {
			ok, err := test(first(a), second(a))
			if err != nil {
				return unsure
			}
			return fitIf(ok)
		}
	}
	switch c.FunctionName() {
	case "startsWith":
		return over(strings.HasPrefix)
	case "endsWith":
		return over(strings.HasSuffix)
	case "contains":
		return over(strings.Contains)
	case "glob":
		return fallible(glob.Match)
	case "severityAtLeast":
		return fallible(severityAtLeast)
	case "matches":
		if args[1].Kind() != ast.LiteralKind {
			return dontKnow
		}
		pattern, err := regexp.Compile(second(nil))
		if err != nil {
			return dontKnow
		}
		return func(a *asked) fit { return fitIf(pattern.MatchString(first(a))) }
	}
	return dontKnow
}

func (q *quickener) in(value, list ast.Expr) quick {
	text := q.text(value)
	if text == nil {
		return dontKnow
	}
	if list.Kind() == ast.IdentKind && list.AsIdent() == "data" {
		return func(a *asked) fit {
			_, ok := a.data[text(a)]
			return fitIf(ok)
		}
	}
	if list.Kind() != ast.ListKind {
		return dontKnow
	}
	var words []string
	for _, e := range list.AsList().Elements() {
		if e.Kind() != ast.LiteralKind || q.text(e) == nil {
			return dontKnow
		}
		words = append(words, q.text(e)(nil))
	}
	return func(a *asked) fit { return fitIf(slices.Contains(words, text(a))) }
}

// macro answers exists and all over a list of texts of the item.
func (q *quickener) macro(c ast.ComprehensionExpr) quick {
	index := q.field(c.IterRange(), types.NewListType(types.StringType))
	step := c.LoopStep()
	if index == nil || c.HasIterVar2() || step.Kind() != ast.CallKind || c.AccuInit().Kind() != ast.LiteralKind || c.Result().Kind() != ast.IdentKind {
		return dontKnow
	}
	start, args := c.AccuInit().AsLiteral(), step.AsCall().Args()
	if len(args) != 2 || args[0].Kind() != ast.IdentKind || args[0].AsIdent() != c.AccuVar() {
		return dontKnow
	}
	inside := *q
	inside.element = c.IterVar()
	of := inside.truth(args[1])
	each := func(a *asked, from fit, combine func(fit, fit) fit) fit {
		list := a.item.FieldByIndex(index)
		for i := range list.Len() {
			a.element = list.Index(i).String()
			from = combine(from, of(a))
		}
		return from
	}
	switch {
	case step.AsCall().FunctionName() == operators.LogicalOr && start == types.False:
		return func(a *asked) fit { return each(a, no, func(x, y fit) fit { return max(x, y) }) }
	case step.AsCall().FunctionName() == operators.LogicalAnd && start == types.True:
		return func(a *asked) fit { return each(a, yes, func(x, y fit) fit { return min(x, y) }) }
	}
	return dontKnow
}

func (q *quickener) compare(operator string, left, right ast.Expr) quick {
	var order func(a *asked) (int, bool) // whether it is known
	switch {
	case q.text(left) != nil && q.text(right) != nil:
		l, r := q.text(left), q.text(right)
		switch operator { // the most frequent questions
		case operators.Equals:
			return func(a *asked) fit { return fitIf(l(a) == r(a)) }
		case operators.NotEquals:
			return func(a *asked) fit { return fitIf(l(a) != r(a)) }
		}
		order = func(a *asked) (int, bool) { return strings.Compare(l(a), r(a)), true }
	case q.number(left) != nil && q.number(right) != nil:
		l, r := q.number(left), q.number(right)
		order = func(a *asked) (int, bool) {
			x, y := l(a), r(a)
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, x == y
		}
	default:
		return dontKnow
	}
	holds := map[string]func(int) bool{
		operators.Equals: func(o int) bool { return o == 0 }, operators.NotEquals: func(o int) bool { return o != 0 },
		operators.Less: func(o int) bool { return o < 0 }, operators.LessEquals: func(o int) bool { return o <= 0 },
		operators.Greater: func(o int) bool { return o > 0 }, operators.GreaterEquals: func(o int) bool { return o >= 0 },
	}[operator]
	return func(a *asked) fit {
		o, known := order(a)
		if !known {
			return unsure
		}
		return fitIf(holds(o))
	}
}

// text reads a literal, a field of the item, or the element that a macro stands at.
func (q *quickener) text(e ast.Expr) func(*asked) string {
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := e.AsLiteral().(types.String); ok {
			return func(*asked) string { return string(s) }
		}
	case ast.IdentKind:
		if q.element != "" && e.AsIdent() == q.element {
			return func(a *asked) string { return a.element }
		}
	case ast.SelectKind:
		if index := q.field(e, types.StringType); index != nil && !e.AsSelect().IsTestOnly() {
			return func(a *asked) string { return a.item.FieldByIndex(index).String() }
		}
	}
	return nil
}

// maxExact is up to where a float64 has every whole number.
const maxExact = 1 << 53

// number reads a literal or a field of the item. What is not known, or is too large to be exact, is not a number.
func (q *quickener) number(e ast.Expr) func(*asked) float64 {
	exactly := func(n int64) float64 {
		if n < -maxExact || n > maxExact {
			return math.NaN()
		}
		return float64(n)
	}
	switch e.Kind() {
	case ast.LiteralKind:
		switch n := e.AsLiteral().(type) {
		case types.Int:
			return func(*asked) float64 { return exactly(int64(n)) }
		case types.Double:
			return func(*asked) float64 { return float64(n) }
		}
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return nil
		}
		if index := q.field(e, types.IntType); index != nil {
			return func(a *asked) float64 { return exactly(a.item.FieldByIndex(index).Int()) }
		}
		if index := q.field(e, types.DoubleType); index != nil {
			optional := q.optional(e)
			return func(a *asked) float64 {
				n := a.item.FieldByIndex(index).Float()
				if optional && n == 0 {
					return math.NaN()
				}
				return n
			}
		}
	}
	return nil
}

// field finds a field of the item, or of a struct in it, if it has the type; any type will do for nil.
func (q *quickener) field(e ast.Expr, want *types.Type) []int {
	if e.Kind() != ast.SelectKind || want != nil && !q.ast.GetType(e.ID()).IsExactType(want) {
		return nil
	}
	of, outer := q.of, []int(nil)
	s := e.AsSelect()
	if !(s.Operand().Kind() == ast.IdentKind && s.Operand().AsIdent() == q.item) {
		if outer = q.field(s.Operand(), nil); outer == nil {
			return nil
		}
		of = q.of.FieldByIndex(outer).Type
	}
	if of.Kind() != reflect.Struct {
		return nil
	}
	for f := range of.NumField() {
		if of.Field(f).Tag.Get("cel") == s.FieldName() {
			return append(slices.Clone(outer), f)
		}
	}
	return nil
}

func (q *quickener) optional(e ast.Expr) bool {
	s := e.AsSelect()
	_, ok := unknown[[2]string{q.ast.GetType(s.Operand().ID()).TypeName(), s.FieldName()}]
	return ok
}
