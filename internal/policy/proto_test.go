package policy

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"reflect"
	"context"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

type pv struct {
	ID string `cel:"id"`
	Severity string `cel:"severity"`
	FixedVersion string `cel:"fixedVersion"`
	Published time.Time `cel:"published"`
	Component *pc `cel:"component"`
}
type pc struct {
	Name string `cel:"name"`
	Version string `cel:"version"`
	Licenses []string `cel:"licenses"`
}

func heap() uint64 { runtime.GC(); var m runtime.MemStats; runtime.ReadMemStats(&m); return m.HeapAlloc }

func protoEnv(t testing.TB) *cel.Env {
	e, err := cel.NewCustomEnv(cel.StdLib(), ext.NativeTypes(reflect.TypeFor[pv](), ext.ParseStructTags(true)), ext.Strings(),
		cel.Variable("vulnerability", cel.ObjectType("policy.pv")),
		cel.Variable("vulnerabilities", cel.ListType(cel.ObjectType("policy.pv"))))
	if err != nil { t.Fatal(err) }
	return e
}

func TestProto(t *testing.T) {
	h0 := heap(); t0 := time.Now()
	e := protoEnv(t)
	fmt.Println("env", time.Since(t0), heap()-h0)
	h0 = heap(); t0 = time.Now()
	var ps []cel.Program
	for i := 0; i < 40; i++ {
		a, iss := e.Compile(fmt.Sprintf(`vulnerability.severity == "critical" && vulnerability.fixedVersion != "" && vulnerability.component.name.startsWith("a%d")`, i))
		if iss.Err() != nil { t.Fatal(iss.Err()) }
		if i == 0 { fmt.Println("first compile", time.Since(t0)) }
		p, err := e.Program(a, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(1000000), cel.InterruptCheckFrequency(100))
		if err != nil { t.Fatal(err) }
		if i == 0 { fmt.Println("first program", time.Since(t0)) }
		ps = append(ps, p)
	}
	fmt.Println("40 compile", time.Since(t0), heap()-h0)
	runtime.KeepAlive(ps)
	_, iss := e.Compile("vulnerability.foo == 1 &&\n vulnerability.bar")
	fmt.Println(iss.Err())
}

func vulns() []*pv {
	var out []*pv
	for i := range 5000 {
		s := "critical"
		if i%3 != 0 { s = "low" }
		out = append(out, &pv{ID: fmt.Sprint("CVE-", i), Severity: s, FixedVersion: "1", Component: &pc{Name: "bash"}})
	}
	return out
}

type one struct{ v any }
func (o *one) ResolveName(n string) (any, bool) { if n == "vulnerability" { return o.v, true }; return nil, false }
func (o *one) Parent() cel.Activation { return nil }

func BenchmarkProto(b *testing.B) {
	e := protoEnv(b)
	vs := vulns()
	cond := `vulnerability.severity == "critical" && vulnerability.fixedVersion != "" && vulnerability.component.name.startsWith("a")`
	for name, opts := range map[string][]cel.ProgramOption{
		"plain": {cel.EvalOptions(cel.OptOptimize)},
		"cost": {cel.EvalOptions(cel.OptOptimize), cel.CostLimit(1000000)},
		"costctx": {cel.EvalOptions(cel.OptOptimize), cel.CostLimit(1000000), cel.InterruptCheckFrequency(100)},
		"mem": {cel.EvalOptions(cel.OptOptimize), cel.CostLimit(1000000), cel.MemoryLimit(100<<20)},
		"ctx": {cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(100)},
	} {
		a, iss := e.Compile(cond)
		if iss.Err() != nil { b.Fatal(iss.Err()) }
		p, err := e.Program(a, opts...)
		if err != nil { b.Fatal(err) }
		b.Run("item/"+name, func(b *testing.B) {
			b.ReportAllocs()
			o := &one{}
			for i := 0; i < b.N; i++ {
				for _, v := range vs {
					o.v = v
					_, _, err := p.ContextEval(context.Background(), o)
					if err != nil { b.Fatal(err) }
				}
			}
		})
		b.Run("itemeval/"+name, func(b *testing.B) {
			b.ReportAllocs()
			o := &one{}
			for i := 0; i < b.N; i++ {
				for _, v := range vs {
					o.v = v
					_, _, err := p.Eval(o)
					if err != nil { b.Fatal(err) }
				}
			}
		})
		a, iss = e.Compile("vulnerabilities.filter(vulnerability, "+cond+")")
		if iss.Err() != nil { b.Fatal(iss.Err()) }
		p, err = e.Program(a, opts...)
		if err != nil { b.Fatal(err) }
		b.Run("filter/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				_, _, err := p.ContextEval(context.Background(), map[string]any{"vulnerabilities": vs})
				if err != nil { b.Fatal(err) }
			}
		})
	}
}
