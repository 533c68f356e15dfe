package policy

import (
	"errors"
	"reflect"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// A collection is a list variable that forEach can walk.
type collection struct {
	name string // the list, and the word after forEach
	item string // one element, while forEach walks
	typ  *cel.Type
	is   reflect.Type
}

var (
	imageType         = object[Image]()
	layerType         = object[Layer]()
	componentType     = object[Component]()
	vulnerabilityType = object[Vulnerability]()
	settingType       = object[Setting]()

	collections = []collection{
		{"components", "component", componentType, reflect.TypeFor[Component]()},
		{"vulnerabilities", "vulnerability", vulnerabilityType, reflect.TypeFor[Vulnerability]()},
		{"layers", "layer", layerType, reflect.TypeFor[Layer]()},
		{"settings", "setting", settingType, reflect.TypeFor[Setting]()},
	}

	variables = map[string]*cel.Type{
		"image":       imageType,
		"integration": object[Integration](),
		"scan":        object[Scan](),
		"workload":    object[Workload](),
		"container":   object[Container](),
		"cluster":     object[Cluster](),
		"now":         cel.TimestampType,
		"data":        cel.MapType(cel.StringType, cel.StringType),
	}
)

// object is the name under which NativeTypes knows a struct of this package.
func object[T any]() *cel.Type { return cel.ObjectType("policy." + reflect.TypeFor[T]().Name()) }

// unknown lists the fields that may be missing, with what is said when a condition reads one that is. has() tells whether
// it is there.
var unknown = map[[2]string]string{
	{"policy.Image", "created"}:           "the image does not say when it was created",
	{"policy.Vulnerability", "published"}: "the advisory does not say when it was published",
	{"policy.Vulnerability", "epss"}:      "there is no EPSS score of the vulnerability",
	{"policy.Scan", "advisoryAge"}:        "the age of the advisory data is not known",
}

// environment holds what CEL needs to know to compile, with one variant per item variable.
type environment struct {
	whole  *cel.Env
	byItem map[string]*cel.Env
}

// celEnvironment is the same for every compilation.
var celEnvironment = sync.OnceValues(newEnvironment)

func newEnvironment() (*environment, error) {
	options := []cel.EnvOption{
		cel.StdLib(),
		ext.Strings(),
		ext.NativeTypes(
			reflect.TypeFor[Image](), reflect.TypeFor[Layer](), reflect.TypeFor[Vulnerability](), reflect.TypeFor[Component](),
			reflect.TypeFor[Integration](), reflect.TypeFor[Scan](), reflect.TypeFor[Setting](), reflect.TypeFor[Cluster](),
			reflect.TypeFor[Workload](), reflect.TypeFor[Container](), reflect.TypeFor[Volume](), reflect.TypeFor[Mount](),
			reflect.TypeFor[Variable](), reflect.TypeFor[Port](), ext.ParseStructTags(true),
		),
		unknownFields,
		cel.ExtendedValidations(),
		cel.ASTValidators(cel.ValidateComprehensionNestingLimit(3)),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(100),
		cel.RegexProgramSizeLimit(2000),
	}
	options = append(options, functions()...)
	for name, t := range variables {
		options = append(options, cel.Variable(name, t))
	}
	for _, c := range collections {
		options = append(options, cel.Variable(c.name, cel.ListType(c.typ)))
	}
	whole, err := cel.NewCustomEnv(options...)
	if err != nil {
		return nil, err
	}
	e := &environment{whole: whole, byItem: map[string]*cel.Env{"": whole}}
	for _, c := range collections {
		if e.byItem[c.item], err = whole.Extend(cel.Variable(c.item, c.typ)); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func itemOf(forEach string) string {
	for _, c := range collections {
		if c.name == forEach {
			return c.item
		}
	}
	return ""
}

func collectionNames() []string {
	names := make([]string, len(collections))
	for i, c := range collections {
		names[i] = c.name
	}
	return names
}

// unknownFields makes reading a missing field an error instead of a zero value, so that a condition that does not guard
// against it neither holds nor fails by accident.
func unknownFields(e *cel.Env) (*cel.Env, error) {
	return cel.CustomTypeProvider(unknownProvider{e.CELTypeProvider()})(e)
}

type unknownProvider struct{ types.Provider }

func (p unknownProvider) FindStructFieldType(structType, field string) (*types.FieldType, bool) {
	f, ok := p.Provider.FindStructFieldType(structType, field)
	reason, optional := unknown[[2]string{structType, field}]
	if !ok || !optional {
		return f, ok
	}
	guarded := *f
	guarded.GetFrom = func(object any) (any, error) {
		if !f.IsSet(object) {
			return nil, errors.New(reason)
		}
		return f.GetFrom(object)
	}
	return &guarded, true
}
