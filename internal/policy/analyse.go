package policy

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// needs says what must be known about an image before an expression means anything, and what it looks at.
type needs struct {
	scan, vulnerabilities, configuration bool
	coverage                             bool // how far the scan can be trusted is looked at
	image                                bool // anything else of the image is
	pulled                               bool // and more than its name says
	workload                             bool // workload, container or cluster is looked at
	container                            bool // container is
}

func (n *needs) add(other needs) {
	n.scan = n.scan || other.scan
	n.vulnerabilities = n.vulnerabilities || other.vulnerabilities
	n.configuration = n.configuration || other.configuration
	n.coverage = n.coverage || other.coverage
	n.image = n.image || other.image
	n.pulled = n.pulled || other.pulled
	n.workload = n.workload || other.workload
	n.container = n.container || other.container
}

// perContainer says whether there is another answer for each container of a workload.
func (n *needs) perContainer() bool { return n.container || n.image || n.coverage }

// needsOf a variable. Those that an expression makes itself come from others.
func needsOf(variable string) needs {
	switch variable {
	case "scan":
		return needs{coverage: true}
	case "image":
		return needs{image: true}
	case "integration":
		return needs{image: true, pulled: true}
	case "layers", "settings":
		return needs{configuration: true, image: true, pulled: true}
	case "components":
		return needs{scan: true, image: true, pulled: true}
	case "vulnerabilities":
		return needs{scan: true, vulnerabilities: true, image: true, pulled: true}
	case "workload", "cluster":
		return needs{workload: true}
	case "container":
		return needs{workload: true, container: true}
	}
	return needs{}
}

// Fields of an image that are known from its name alone, and those that are known without its configuration.
var (
	nameFields     = []string{"reference", "registry", "repository", "tag"}
	manifestFields = []string{"digest", "os", "architecture", "distribution"}
)

// analysis is what can be told from an expression alone.
type analysis struct {
	needs needs
	nodes uint64
	// plain says that evaluating it for every item takes time in proportion to its length and the items' sizes, so that
	// nothing needs to be counted while it runs.
	plain      bool
	complaints []complaint
}

type complaint struct {
	at      common.Location
	message string
}

// plainCalls take time in proportion to their arguments and give nothing larger than they take.
var plainCalls = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.Equals: true, operators.NotEquals: true, operators.Less: true, operators.LessEquals: true,
	operators.Greater: true, operators.GreaterEquals: true, operators.In: true, operators.Index: true,
	operators.Add: true, operators.Subtract: true, operators.Negate: true, operators.NotStrictlyFalse: true,
	"startsWith": true, "endsWith": true, "contains": true, "matches": true, "size": true, "lowerAscii": true,
	"upperAscii": true, "trim": true, "duration": true, "timestamp": true, "days": true, "severityAtLeast": true,
	"glob": true, "looksSecret": true, "string": true, "getHours": true,
}

// refusedCalls are functions that CEL has and policies have not, with the reason.
var refusedCalls = map[string]string{
	"dyn":     "it hides a value's type, and with it misspelt fields",
	"replace": "its result can be too large; matches() with a regular expression often does instead",
}

// analyse looks at an expression over an item variable, or "" for the image as a whole. An expression of the build stage cannot
// know of workloads.
func analyse(a *ast.AST, item string, build bool) analysis {
	x := analysis{plain: true}
	comprehensions := 0
	complain := func(e ast.Expr, format string, args ...any) {
		x.complaints = append(x.complaints, complaint{a.SourceInfo().GetStartLocation(e.ID()), fmt.Sprintf(format, args...)})
	}
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		x.nodes++
		switch e.Kind() {
		case ast.IdentKind:
			name := e.AsIdent()
			of := needsOf(name)
			x.needs.add(of)
			// What does not shrink with the item would be walked once for each of them.
			if itemOf(name) != "" || item != "" && (name == "image" || of.workload) {
				x.plain = false
			}
			if build && of.workload {
				complain(e, "%s is known at the stage deploy only; take build out of spec.stages", name)
			}
		case ast.SelectKind:
			s := e.AsSelect()
			if a.GetType(s.Operand().ID()).IsExactType(imageType) {
				x.needs.scan = x.needs.scan || s.FieldName() == "distribution"
				if !slices.Contains(nameFields, s.FieldName()) {
					x.needs.pulled = true
					x.needs.configuration = x.needs.configuration || !slices.Contains(manifestFields, s.FieldName())
				}
			}
		case ast.ComprehensionKind:
			comprehensions++
			walked := e.AsComprehension().IterRange()
			ofItem := walked.Kind() == ast.SelectKind && walked.AsSelect().Operand().Kind() == ast.IdentKind &&
				walked.AsSelect().Operand().AsIdent() == item
			x.plain = x.plain && ofItem && comprehensions == 1
			if v := e.AsComprehension().IterVar(); declared(v) || v == item {
				complain(e, "%q is the name of a variable already; choose another", v)
			}
		case ast.StructKind:
			complain(e, "objects cannot be made in a policy")
		case ast.CallKind:
			call := e.AsCall()
			if why, refused := refusedCalls[call.FunctionName()]; refused {
				complain(e, "the function %s is not available: %s", call.FunctionName(), why)
			}
			if !plainCalls[call.FunctionName()] {
				x.plain = false
			}
			if call.FunctionName() == "matches" {
				args := call.Args()
				x.plain = x.plain && len(args) > 0 && args[len(args)-1].Kind() == ast.LiteralKind
			}
			for _, literal := range severityLiterals(a, call) {
				if word, ok := literal.AsLiteral().(types.String); ok && !slices.Contains(vulnerabilitySeverities, string(word)) {
					complain(literal, "a vulnerability's severity is never %q; it is one of %s",
						word, strings.Join(vulnerabilitySeverities, ", "))
				}
			}
		}
	}))
	return x
}

func declared(name string) bool {
	return variables[name] != nil || itemOf(name) != ""
}

// severityLiterals finds the constants that a call compares a vulnerability's severity with.
func severityLiterals(a *ast.AST, call ast.CallExpr) []ast.Expr {
	args := call.Args()
	if len(args) != 2 {
		return nil
	}
	isSeverity := func(e ast.Expr) bool {
		return e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == "severity" &&
			a.GetType(e.AsSelect().Operand().ID()).IsExactType(vulnerabilityType)
	}
	var with []ast.Expr
	switch call.FunctionName() {
	case "severityAtLeast":
		with = args[1:]
	case operators.Equals, operators.NotEquals:
		switch {
		case isSeverity(args[0]):
			with = args[1:]
		case isSeverity(args[1]):
			with = args[:1]
		}
	case operators.In:
		if isSeverity(args[0]) && args[1].Kind() == ast.ListKind {
			with = args[1].AsList().Elements()
		}
	}
	return slices.DeleteFunc(slices.Clone(with), func(e ast.Expr) bool { return e.Kind() != ast.LiteralKind })
}
