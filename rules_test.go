// Package landwaiter_test holds the design's rules 1 to 8 over the whole repository.
package landwaiter_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/landwaiter/landwaiter/"

// mayImport is the import table: what of this module each package may import. Packages that end in "test" are support for
// tests and may import what they like; nothing but tests may import them.
var mayImport = map[string][]string{
	"internal/yamldoc":               {},
	"internal/glob":                  {},
	"internal/fault":                 {},
	"internal/secret":                {},
	"internal/image":                 {"internal/fault"},
	"internal/distribution":          {"internal/fault", "internal/secret", "internal/image"},
	"internal/secretref":             {"internal/fault", "internal/secret"},
	"internal/integration":           {"internal/fault", "internal/secret", "internal/secretref", "internal/image", "internal/distribution"},
	"internal/integration/diagnosis": {"internal/fault", "internal/secret", "internal/image", "internal/distribution", "internal/external", "internal/integration"},
	"internal/integrationfile":       {"internal/fault", "internal/secret", "internal/integration", "internal/yamldoc"},
	"internal/due":                   {"internal/fault"},
	"internal/integration/health":    {"internal/due", "internal/fault", "internal/integration", "internal/integration/diagnosis"},
	"internal/integrations":          {"internal/integration", "internal/integrations/*"},
	"internal/integrations/*":        {"internal/fault", "internal/secret", "internal/image", "internal/distribution", "internal/external", "internal/integration", "internal/integration/diagnosis"},
	"internal/external":              {"internal/fault", "internal/image", "internal/distribution", "internal/integration", "internal/vuln"},
	"internal/inflate":               {},
	"internal/recent":                {},
	"internal/scan":                  {"internal/fault", "internal/image", "internal/inflate", "internal/recent", "internal/scan/*"},
	"internal/sbom":                  {"internal/fault", "internal/image", "internal/scan"},
	"internal/attestation":           {"internal/fault", "internal/image", "internal/sbom", "internal/yamldoc"},
	"internal/vuln":                  {"internal/fault", "internal/vuln/version"},
	"internal/vuln/version":          {},
	"internal/vex":                   {"internal/fault", "internal/image"},
	"internal/vuln/bundle":           {"internal/fault", "internal/image", "internal/distribution", "internal/vuln"},
	"internal/vuln/feed":             {"internal/fault", "internal/secret", "internal/vuln"},
	"internal/exception":             {"internal/fault", "internal/glob", "internal/image", "internal/yamldoc"},
	"internal/policy":                {"internal/fault", "internal/glob", "internal/yamldoc"},
	"internal/rhacspolicy":           {"internal/fault", "internal/yamldoc", "internal/policy"},
	"internal/workload":              {"internal/fault", "internal/image", "internal/policy"},
	"internal/assess":                {"internal/workload", "internal/attestation", "internal/fault", "internal/exception", "internal/vex", "internal/image", "internal/distribution", "internal/external", "internal/integration", "internal/recent", "internal/sbom", "internal/scan", "internal/vuln", "internal/policy"},
	"internal/admission":             {"internal/fault", "internal/policy", "internal/workload", "internal/assess"},
	"internal/report":                {"internal/fault", "internal/image", "internal/exception", "internal/vex", "internal/assess", "internal/scan", "internal/vuln", "internal/policy"},
	"internal/watch":                 {"internal/due", "internal/fault", "internal/image", "internal/assess"},
	"internal/auth":                  {"internal/fault", "internal/secret"},
	"internal/rhacs":                 {"internal/exception", "internal/fault", "internal/image", "internal/assess", "internal/auth", "internal/policy", "internal/sbom", "internal/scan", "internal/vuln", "internal/workload", "internal/rhacs/*"},
	"internal/store":                 {"internal/fault", "internal/exception", "internal/vex", "internal/secret", "internal/image", "internal/integration", "internal/integration/health", "internal/assess", "internal/auth", "internal/policy", "internal/scan", "internal/watch"},
	"internal/api":                   {"internal/workload", "internal/fault", "internal/exception", "internal/vex", "internal/watch", "internal/secret", "internal/image", "internal/integration", "internal/integrationfile", "internal/assess", "internal/auth", "internal/vuln", "internal/policy", "internal/rhacspolicy", "internal/rhacs", "internal/rhacs/*", "internal/sbom", "internal/yamldoc", "internal/integration/diagnosis", "internal/integration/health"},
	"internal/portal":                {"internal/fault", "internal/exception", "internal/vex", "internal/secret", "internal/image", "internal/integration", "internal/assess", "internal/auth", "internal/vuln", "internal/policy", "internal/sbom", "internal/integration/diagnosis", "internal/integration/health"},
	"internal/server":                {"internal/fault", "internal/secret", "internal/api", "internal/portal", "internal/auth"},
	"internal/demo":                  {"internal/fault", "internal/secret", "internal/image", "internal/distribution", "internal/integration", "internal/assess", "internal/vuln"},
	"client":                         {"internal/workload", "internal/fault", "internal/exception", "internal/vex", "internal/watch", "internal/secret", "internal/image", "internal/assess", "internal/vuln", "internal/policy", "internal/rhacspolicy", "internal/integration", "internal/integration/diagnosis", "internal/integration/health", "internal/integrationfile"},
	"cmd/landwaiter":                 {"*"},
}

// domain packages take clocks and randomness from their callers.
var domain = []string{
	"internal/image", "internal/distribution", "internal/integration", "internal/integration/health", "internal/integrations/*", "internal/external",
	"internal/scan", "internal/sbom", "internal/attestation", "internal/vuln", "internal/vuln/bundle", "internal/vuln/feed", "internal/vex", "internal/exception", "internal/policy", "internal/workload", "internal/assess", "internal/admission", "internal/auth", "internal/due", "internal/watch", "internal/cluster",
}

// cloudSDKs belong in their type's folder and nowhere else.
var cloudSDKs = map[string]string{
	"github.com/aws/":                   "internal/integrations/ecr",
	"cloud.google.com/go":               "internal/integrations/google",
	"golang.org/x/oauth2":               "internal/integrations/google",
	"google.golang.org/api":             "internal/integrations/google",
	"github.com/Azure/azure-sdk-for-go": "internal/integrations/azure",
	"github.com/AzureAD/":               "internal/integrations/azure",
	"github.com/IBM/":                   "internal/integrations/ibm",
}

type goFile struct {
	path, pkg string // relative to the module
	test      bool
	ast       *ast.File
	fset      *token.FileSet
}

func (f goFile) imports() []string {
	var list []string
	for _, i := range f.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		list = append(list, p)
	}
	return list
}

func (f goFile) at(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	return f.path + ":" + strconv.Itoa(p.Line)
}

// forTests reports whether the package only supports tests.
func forTests(pkg string) bool {
	return strings.HasSuffix(path.Base(pkg), "test") || strings.HasPrefix(pkg, "test/")
}

func files(t *testing.T) []goFile {
	t.Helper()
	var list []goFile
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if ast.IsGenerated(f) {
			return nil
		}
		slashed := filepath.ToSlash(p)
		list = append(list, goFile{path: slashed, pkg: path.Dir(slashed), test: strings.HasSuffix(p, "_test.go"), ast: f, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("only %d Go files found: is the test run in the module's root?", len(list))
	}
	return list
}

func matches(pattern, pkg string) bool {
	if pattern == "*" {
		return true
	}
	ok, _ := path.Match(pattern, pkg)
	return ok
}

func TestRules(t *testing.T) {
	all := files(t)

	t.Run("1_every_package_says_what_it_is", func(t *testing.T) {
		documented := map[string]bool{}
		for _, f := range all {
			if !f.test && f.pkg != "." {
				want := "Package " + f.ast.Name.Name + " "
				if f.ast.Name.Name == "main" {
					want = "Command "
				}
				doc := strings.HasPrefix(f.ast.Doc.Text(), want)
				documented[f.pkg] = documented[f.pkg] || doc
			}
		}
		for pkg, ok := range documented {
			if !ok {
				t.Errorf("%s has no doc comment that says what it is", pkg)
			}
		}
	})

	t.Run("2_names_say_something_and_nothing_registers_itself", func(t *testing.T) {
		vague := regexp.MustCompile(`^(utils?|common|helpers?|types|models?|impl|misc|shared)$`)
		for _, f := range all {
			if vague.MatchString(path.Base(f.pkg)) {
				t.Errorf("%s: a package name must say what lives in it", f.pkg)
			}
			if strings.HasSuffix(strings.TrimSuffix(f.path, ".go"), "_impl") {
				t.Errorf("%s: no _impl files", f.path)
			}
			if f.test {
				continue
			}
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && (fn.Name.Name == "init" || fn.Name.Name == "Singleton") {
					t.Errorf("%s: no init() and no singletons: pass things in", f.at(fn))
				}
			}
		}
	})

	t.Run("3_only_cmd_reads_flags_and_environment", func(t *testing.T) {
		for _, f := range all {
			if f.test || forTests(f.pkg) || strings.HasPrefix(f.pkg, "cmd/") {
				continue
			}
			for _, i := range f.imports() {
				if i == "flag" || i == "github.com/spf13/pflag" || i == "github.com/spf13/cobra" {
					t.Errorf("%s imports %s", f.path, i)
				}
			}
			calls(f, func(n ast.Node, pkg, fn string) {
				if pkg == "os" && slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, fn) ||
					pkg == "http" && fn == "ProxyFromEnvironment" {
					t.Errorf("%s: %s.%s: settings come from cmd/", f.at(n), pkg, fn)
				}
			})
		}
	})

	t.Run("4_imports_follow_the_table", func(t *testing.T) {
		for _, f := range all {
			if f.test || forTests(f.pkg) || f.pkg == "." {
				continue
			}
			var allowed []string
			known := false
			for pattern, list := range mayImport {
				if matches(pattern, f.pkg) {
					known, allowed = true, append(allowed, list...)
				}
			}
			if !known {
				t.Errorf("%s is not in the import table", f.pkg)
				continue
			}
			for _, i := range f.imports() {
				p, ours := strings.CutPrefix(i, module)
				if !ours {
					continue
				}
				if forTests(p) {
					t.Errorf("%s imports %s, which is for tests", f.path, p)
				}
				if !slices.ContainsFunc(allowed, func(pattern string) bool { return matches(pattern, p) }) {
					t.Errorf("%s may not import %s", f.path, p)
				}
			}
		}
	})

	t.Run("5_cloud_SDKs_stay_in_their_types_folder", func(t *testing.T) {
		for _, f := range all {
			for _, i := range f.imports() {
				for sdk, home := range cloudSDKs {
					if strings.HasPrefix(i, sdk) && f.pkg != home {
						t.Errorf("%s imports %s, which belongs in %s", f.path, i, home)
					}
				}
			}
		}
	})

	t.Run("6_domain_packages_are_given_clock_and_randomness", func(t *testing.T) {
		for _, f := range all {
			if f.test || forTests(f.pkg) || !slices.ContainsFunc(domain, func(p string) bool { return matches(p, f.pkg) }) {
				continue
			}
			for _, i := range f.imports() {
				if i == "math/rand" || i == "math/rand/v2" || i == "crypto/rand" {
					t.Errorf("%s imports %s", f.path, i)
				}
			}
			calls(f, func(n ast.Node, pkg, fn string) {
				if pkg == "time" && slices.Contains([]string{"Now", "Since", "Until"}, fn) {
					t.Errorf("%s: time.%s", f.at(n), fn)
				}
			})
		}
	})

	t.Run("7_no_unbounded_read", func(t *testing.T) {
		for _, f := range all {
			if f.test || forTests(f.pkg) {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				pkg, fn := callee(call)
				arg := call.Args[0]
				bounded := false
				if inner, ok := arg.(*ast.CallExpr); ok {
					_, name := callee(inner)
					bounded = name == "LimitReader" || name == "MaxBytesReader"
				}
				switch {
				case pkg == "io" && fn == "ReadAll" && !bounded,
					(pkg == "json" || pkg == "xml" || pkg == "yaml") && fn == "NewDecoder" && isBody(arg):
					t.Errorf("%s: %s.%s of an unbounded reader: put io.LimitReader around it where it is read", f.at(call), pkg, fn)
				}
				return true
			})
		}
	})

	t.Run("8_secrets_have_their_own_type", func(t *testing.T) {
		secretive := regexp.MustCompile(`(?i)^(password|passwd|secret|apikey|accesskey|identitytoken|registrytoken|refreshtoken|accesstoken)$`)
		for _, f := range all {
			if f.test || forTests(f.pkg) {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				st, ok := n.(*ast.StructType)
				if !ok {
					return true
				}
				for _, field := range st.Fields.List {
					id, isIdent := field.Type.(*ast.Ident)
					for _, name := range field.Names {
						if isIdent && id.Name == "string" && secretive.MatchString(name.Name) {
							t.Errorf("%s: %s must be a secret.Text", f.at(field), name.Name)
						}
					}
				}
				return true
			})
		}
	})
}

// callee names the package (or receiver) and function of a call, as written.
func callee(call *ast.CallExpr) (pkg, fn string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if id, ok := sel.X.(*ast.Ident); ok {
		pkg = id.Name
	}
	return pkg, sel.Sel.Name
}

// calls visits uses of pkg.Func, called or passed as a value.
func calls(f goFile, visit func(n ast.Node, pkg, fn string)) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				visit(n, id.Name, sel.Sel.Name)
			}
		}
		return true
	})
}

func isBody(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Body"
}
