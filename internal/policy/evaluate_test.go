package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// compile makes a set of one policy that is asked and enforced at build.
func compile(t testing.TB, change func(*Policy)) *Set {
	t.Helper()
	p := Policy{ID: "p", Title: "P", Severity: Low, Stages: []Stage{Build}, Enforce: []Stage{Build}, Condition: "true"}
	change(&p)
	set, err := Compile([]Policy{p})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func condition(forEach, c string) func(*Policy) {
	return func(p *Policy) { p.ForEach, p.Condition = forEach, c }
}

// verdict is "broken", "undecided: reason" or "intact", with the notes.
func verdict(r Result) string {
	s := "intact"
	if len(r.Violations) > 0 {
		s = "broken"
	}
	for _, u := range r.Undecided {
		s = "undecided: " + u.Reason
	}
	for _, n := range r.Notes {
		s += "; " + n.Text
	}
	return s
}

func TestEvaluate_honesty(t *testing.T) {
	notScanned := func(in *Input) { in.Scan, in.Components, in.Vulnerabilities = Scan{}, nil, nil }
	notChecked := func(in *Input) { in.Scan.VulnsChecked, in.Vulnerabilities = false, nil }
	partly := func(in *Input) { in.Scan.Complete = false }
	unchecked := func(in *Input) { in.Scan.UncheckedCount = 3 }
	undated := func(in *Input) { in.Image.HasCreated = false }
	const partlyNote = "intact; the image was only partly read, so something that breaks the policy may have been missed"
	const uncheckedNote = "intact; 3 of the image's components could not be checked for vulnerabilities"

	for name, c := range map[string]struct {
		policy func(*Policy)
		change func(*Input)
		want   string
	}{
		"components of an unscanned image":       {condition("components", "true"), notScanned, "undecided: the image was not scanned"},
		"components in an expression":            {condition("", "components.size() == 0"), notScanned, "undecided: the image was not scanned"},
		"components behind a guard":              {condition("", "scan.scanned && components.size() == 0"), notScanned, "undecided: the image was not scanned"},
		"vulnerabilities of an unscanned image":  {condition("vulnerabilities", "true"), notScanned, "undecided: the image was not scanned"},
		"vulnerabilities without advisories":     {condition("vulnerabilities", "true"), notChecked, "undecided: not checked for vulnerabilities: no advisory data"},
		"vulnerabilities in an expression":       {condition("", "vulnerabilities.size() > 5"), notChecked, "undecided: not checked for vulnerabilities: no advisory data"},
		"vulnerabilities in the message only":    {func(p *Policy) { p.Message = "string(vulnerabilities.size())" }, notChecked, "undecided: not checked for vulnerabilities: no advisory data"},
		"components without advisories":          {condition("components", "component.name == 'x'"), notChecked, "intact"},
		"distribution of an unscanned image":     {condition("", "image.distribution == ''"), notScanned, "undecided: the image was not scanned"},
		"distribution by another name":           {condition("", "[image].exists(i, i.distribution == '')"), notScanned, "undecided: the image was not scanned"},
		"image facts of an unscanned image":      {condition("", "image.tag == 'x'"), notScanned, "intact"},
		"scan facts of an unscanned image":       {condition("", "!scan.scanned"), notScanned, "broken"},
		"layers of an unscanned image":           {condition("layers", "false"), notScanned, "intact"},
		"nothing found in a partly read image":   {condition("components", "component.name == 'x'"), partly, partlyNote},
		"something found in a partly read image": {condition("components", "true"), partly, "broken"},
		"image facts of a partly read image":     {condition("", "image.tag == 'x'"), partly, "intact"},
		"nothing found and not all checked":      {condition("vulnerabilities", "vulnerability.severity == 'critical'"), unchecked, uncheckedNote},
		"components when not all are checked":    {condition("components", "false"), unchecked, "intact"},
		"creation date unknown":                  {condition("", "now - image.created > days(90)"), undated, "undecided: the image does not say when it was created"},
		"creation date unknown, other way round": {condition("", "now - image.created < days(90)"), undated, "undecided: the image does not say when it was created"},
		"creation date through another name":     {condition("", "[image].all(i, i.created > now)"), undated, "undecided: the image does not say when it was created"},
		"creation date guarded by has":           {condition("", "has(image.created) && now - image.created > days(90)"), undated, "intact"},
		"creation date guarded by hasCreated":    {condition("", "image.hasCreated && now - image.created > days(90)"), undated, "intact"},
		"creation date of year 1":                {condition("", "image.hasCreated || has(image.created)"), func(in *Input) { in.Image.Created = time.Time{} }, "intact"},
		"creation date set but not known":        {condition("", "has(image.created)"), undated, "intact"},
		"creation date in the message only":      {func(p *Policy) { p.Message = "'x' + string(image.created)" }, undated, "broken"},
		"advisory age unknown":                   {condition("", "scan.advisoryAge > days(1)"), func(in *Input) { in.Scan.AdvisoryAge = 0 }, "undecided: the age of the advisory data is not known"},
		"no such key":                            {condition("", "image.labels['x'] == 'y'"), partly, "undecided: no such key: x"},
		"error in one item":                      {condition("vulnerabilities", "vulnerability.published > now"), func(in *Input) { in.Vulnerabilities[0].Published = time.Time{} }, "undecided: base-files 13.8 has CVE-2020-0001 (low, fixed in 14): the advisory does not say when it was published"},
		"error in one item, another breaks": {condition("vulnerabilities", "vulnerability.published < now"), func(in *Input) {
			in.Vulnerabilities = append(in.Vulnerabilities, in.Vulnerabilities[0])
			in.Vulnerabilities[0].Published = time.Time{}
		}, "broken; not everything could be evaluated: base-files 13.8 has CVE-2020-0001 (low, fixed in 14): the advisory does not say when it was published"},
	} {
		t.Run(name, func(t *testing.T) {
			in := cleanInput()
			c.change(&in)
			r := compile(t, c.policy).Evaluate(t.Context(), Build, in)
			if got := verdict(r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			decided := strings.HasPrefix(c.want, "broken") || strings.HasPrefix(c.want, "intact")
			if (r.Evaluated == 1) != decided || r.Evaluated+len(r.Undecided) != 1 {
				t.Errorf("evaluated %d, undecided %d", r.Evaluated, len(r.Undecided))
			}
			if len(r.Undecided) == 1 && !r.Undecided[0].Enforced {
				t.Error("an enforced policy is undecided, but the result does not say that it is enforced")
			}
		})
	}
}

func TestEvaluate_bounds(t *testing.T) {
	many := cleanInput()
	for i := range 3000 {
		many.Components = append(many.Components, Component{Name: fmt.Sprint("c", i), Version: "1", Type: "deb", Line: 1})
	}
	for i := range 2000 {
		many.Vulnerabilities[0].Aliases = append(many.Vulnerabilities[0].Aliases, fmt.Sprint("CVE-", i))
	}
	label := strings.Repeat("a", 1<<20)
	many.Image.Labels = map[string]string{"big": label}

	for name, c := range map[string]func(*Policy){
		"items times items":          condition("components", "components.exists(c, c.name == component.name + 'x')"),
		"comprehension in itself":    condition("", "components.exists(a, components.exists(b, a.name == b.name + 'x'))"),
		"long text, many items":      condition("", "components.exists(c, image.labels['big'].contains(c.name + 'zz'))"),
		"image's text, many items":   condition("components", "image.labels['big'].contains('zz') || component.name == ''"),
		"aliases times aliases":      condition("vulnerabilities", "vulnerability.aliases.all(a, vulnerability.aliases.all(b, a + 'x' != b))"),
		"regular expression by item": condition("components", "image.labels['big'].matches(component.name + '.*x.*x.*x')"),
	} {
		t.Run(name, func(t *testing.T) {
			r := compile(t, c).Evaluate(t.Context(), Build, many)
			if got := verdict(r); got != "undecided: the condition costs more than 2000000 steps to evaluate" {
				t.Error(got)
			}
		})
	}

	t.Run("a cancelled context leaves policies undecided", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(fmt.Errorf("the client went away"))
		r := compile(t, condition("components", "true")).Evaluate(ctx, Build, many)
		if got := verdict(r); got != "undecided: the evaluation was stopped: the client went away" {
			t.Error(got)
		}
	})

	t.Run("a deadline stops a comprehension", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		set := compile(t, condition("", "components.exists(a, components.exists(b, a.name == b.name + 'x'))"))
		began := time.Now()
		r := set.Evaluate(ctx, Build, many)
		if got := verdict(r); !strings.HasPrefix(got, "undecided: the evaluation was stopped: context deadline exceeded") {
			t.Error(got)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})

	t.Run("messages are bounded and the rest counted", func(t *testing.T) {
		r := compile(t, func(p *Policy) { p.ForEach, p.Message = "components", "image.labels['big']" }).Evaluate(t.Context(), Build, many)
		v := r.Violations[0]
		if len(v.Messages) != 100 || v.More != 2901 {
			t.Errorf("%d messages, %d more", len(v.Messages), v.More)
		}
		if n := len(v.Messages[0].Text); n > maxMessageText+200 {
			t.Errorf("a message has %d bytes", n)
		}
	})
}

func TestEvaluate_messages(t *testing.T) {
	in := cleanInput()
	in.Vulnerabilities = []Vulnerability{{ID: "GHSA-1", Severity: "low", Component: in.Components[0]}}
	for name, c := range map[string]struct {
		policy func(*Policy)
		want   Message
	}{
		"whole image":         {condition("", "true"), Message{Text: "P"}},
		"component":           {condition("components", "true"), Message{Text: "base-files 13.8", Component: "base-files 13.8", Line: 1}},
		"vulnerability":       {condition("vulnerabilities", "true"), Message{Text: "base-files 13.8 has GHSA-1 (low, no fixed version is known)", Component: "base-files 13.8", CVE: "GHSA-1", Line: 1}},
		"layer":               {condition("layers", "layer.line == 3"), Message{Text: "COPY app /app", Line: 3}},
		"setting":             {condition("settings", "setting.name == 'PATH'"), Message{Text: "environment variable PATH", Line: 2}},
		"own words":           {func(p *Policy) { p.Message = `"on " + integration.name` }, Message{Text: "on Example"}},
		"own words are empty": {func(p *Policy) { p.Message = `" "` }, Message{Text: "P"}},
		"own words fail":      {func(p *Policy) { p.Message = `image.labels["x"]` }, Message{Text: "P (the policy's message could not be evaluated: no such key: x)"}},
		"data":                {func(p *Policy) { p.Data, p.Message = map[string]string{"a": "b"}, `data["a"]` }, Message{Text: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := compile(t, c.policy).Evaluate(t.Context(), Build, in)
			if len(r.Violations) != 1 || !reflect.DeepEqual(r.Violations[0].Messages, []Message{c.want}) {
				t.Errorf("got %+v, want %+v", r.Violations, c.want)
			}
		})
	}
}

func TestEvaluate_stages_order_and_enforcement(t *testing.T) {
	p := func(id, title string, s Severity, stages, enforce []Stage) Policy {
		return Policy{ID: id, Title: title, Severity: s, Stages: stages, Enforce: enforce, Condition: "true"}
	}
	both := []Stage{Build, Deploy}
	off := p("off", "Off", Critical, both, both)
	off.Disabled = true
	set, err := Compile([]Policy{
		p("d", "B", Low, both, nil), off, p("b", "A", Low, both, []Stage{Deploy}), p("c", "C", High, []Stage{Build}, nil),
		p("a", "Z", Critical, []Stage{Deploy}, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := func(r Result) (ids []string) {
		for _, v := range r.Violations {
			ids = append(ids, v.PolicyID)
		}
		return ids
	}
	build, deploy := set.Evaluate(t.Context(), Build, cleanInput()), set.Evaluate(t.Context(), Deploy, cleanInput())
	if got := ids(build); !slices.Equal(got, []string{"c", "b", "d"}) || build.Failed() {
		t.Errorf("build: %v, failed %t", got, build.Failed())
	}
	if got := ids(deploy); !slices.Equal(got, []string{"a", "b", "d"}) || !deploy.Failed() {
		t.Errorf("deploy: %v, failed %t", got, deploy.Failed())
	}
}

// TestEvaluate_bounds_all_policies_together has policies that each stay below the bound of one.
func TestEvaluate_bounds_all_policies_together(t *testing.T) {
	const costly = `components.all(c, components.all(d, c.version != "x"))`
	in := cleanInput()
	in.Components = make([]Component, 20)
	policies := make([]Policy, 300)
	for i := range policies {
		policies[i] = Policy{ID: fmt.Sprint("p", i), Title: fmt.Sprintf("%03d", i), Severity: Low, Stages: []Stage{Build}, Enforce: []Stage{Build}, Condition: costly}
	}
	set, err := Compile(policies)
	if err != nil {
		t.Fatal(err)
	}
	set.maxCost = 200_000
	r := set.Evaluate(t.Context(), Build, in)
	again := set.Evaluate(t.Context(), Build, in)
	if r.Evaluated != len(r.Violations) || r.Evaluated < 20 || len(r.Undecided) < 50 || r.Evaluated+len(r.Undecided) != 300 || !reflect.DeepEqual(r, again) {
		t.Fatalf("%d evaluated, %d undecided", r.Evaluated, len(r.Undecided))
	}
	if u := r.Undecided[0]; u.PolicyID != fmt.Sprint("p", r.Evaluated) || !u.Enforced || u.LacksAdvisories || !strings.Contains(u.Reason, "policies before it cost more than") {
		t.Errorf("%+v", u)
	}
}

func TestEvaluate_no_violations_are_an_empty_list_in_JSON(t *testing.T) {
	b, err := json.Marshal(compile(t, condition("", "false")).Evaluate(t.Context(), Build, cleanInput()))
	if want := `{"stage":"build","evaluated":1,"violations":[]}`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestEvaluate_is_safe_and_the_same_for_concurrent_use(t *testing.T) {
	set, err := Compile(Builtin())
	if err != nil {
		t.Fatal(err)
	}
	in := bigInput(50, 100)
	want := set.Evaluate(t.Context(), Build, in)
	if len(want.Violations) < 3 {
		t.Fatalf("too little to compare: %+v", want)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if got := set.Evaluate(t.Context(), Build, in); !reflect.DeepEqual(got, want) {
					t.Errorf("another answer: %+v", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestFunctions(t *testing.T) {
	for expression, want := range map[string]bool{
		`severityAtLeast("critical", "important")`:                         true,
		`severityAtLeast("important", "important")`:                        true,
		`severityAtLeast("moderate", "important")`:                         false,
		`severityAtLeast("unknown", "negligible")`:                         false,
		`severityAtLeast("unknown", "unknown")`:                            true,
		`severityAtLeast("", "unknown")`:                                   false,
		`glob("docker.io/library/*", image.reference)`:                     false,
		`glob("registry.example/*/app:*", image.reference)`:                true,
		`glob("registry.example/*", image.reference)`:                      false,
		`glob("registry.example/**", image.reference)`:                     true,
		`glob("**:1.?", image.reference)`:                                  true,
		`glob("a?c", "a/c")`:                                               false,
		`glob("a*", "a")`:                                                  true,
		`glob("", "")`:                                                     true,
		`glob("", "a")`:                                                    false,
		`glob("*a*b*", "xxaxxbxx")`:                                        true,
		`glob("[a]", "a")`:                                                 false,
		`glob("日?語", "日本語")`:                                               true,
		`days(90) == duration("2160h")`:                                    true,
		`image.size > 1.5`:                                                 true,
		`"%s has %d".format([image.tag, 2]) == "1.2 has 2"`:                true,
		`image.reference.split("/")[0].upperAscii() == "REGISTRY.EXAMPLE"`: true,
	} {
		if got := verdict(compile(t, condition("", expression)).Evaluate(t.Context(), Build, cleanInput())); (got == "broken") != want || strings.HasPrefix(got, "undecided") {
			t.Errorf("%s: %s, want %t", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		`severityAtLeast(vulnerabilities[0].severity, image.tag)`: `there is no severity "1.2"`,
		`glob(image.reference, image.labels["long"])`:             "a text 4096",
		`now > now + days(image.size)`:                            "at most 100000 days",
	} {
		in := cleanInput()
		in.Image.Labels = map[string]string{"long": strings.Repeat("a", 5000)}
		if got := verdict(compile(t, condition("", expression)).Evaluate(t.Context(), Build, in)); !strings.HasPrefix(got, "undecided") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", expression, got)
		}
	}
}

func TestEvaluate_does_not_depend_on_the_order_of_policies(t *testing.T) {
	in := bigInput(20, 60)
	in.Scan.Complete = false
	answer := func(policies []Policy) Result {
		set, err := Compile(policies)
		if err != nil {
			t.Fatal(err)
		}
		r := set.Evaluate(t.Context(), Build, in)
		for _, n := range r.Notes {
			slices.Sort(n.Policies)
		}
		slices.SortFunc(r.Notes, func(a, b Note) int { return strings.Compare(a.Text, b.Text) })
		return r
	}
	policies := Builtin()
	want := answer(policies)
	slices.Reverse(policies)
	if got := answer(policies); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// bigInput breaks a good part of the built-in policies.
func bigInput(components, vulnerabilities int) Input {
	in := cleanInput()
	in.Image.User, in.Image.UserDefaulted, in.Image.Distribution = "root", true, "debian:10"
	for i := range 40 {
		in.Image.Environment = append(in.Image.Environment, fmt.Sprintf("SETTING_%d=/some/where/%d", i, i))
		in.Layers = append(in.Layers, Layer{Line: 4 + i, Keyword: "RUN", Value: fmt.Sprintf("apt-get update && apt-get install -y package-%d", i)})
	}
	names := []string{"curl", "apt", "openssl", "libssl3", "zlib1g", "perl-base", "coreutils", "gcc-12-base"}
	for i := range components {
		in.Components = append(in.Components, Component{
			Name: fmt.Sprint(names[i%len(names)], strings.Repeat("x", i/len(names)%3)), Version: fmt.Sprint("1.", i), Type: "deb",
			Ecosystem: "Debian:12", Location: "/var/lib/dpkg/status", Licenses: []string{"MIT"}, Line: 1 + i%40,
		})
	}
	for i := range vulnerabilities {
		in.Vulnerabilities = append(in.Vulnerabilities, Vulnerability{
			ID: fmt.Sprint("DEBIAN-CVE-2024-", i), CVE: fmt.Sprint("CVE-2024-", i), Severity: vulnerabilitySeverities[i%6],
			FixedVersion: []string{"", "2.0"}[i/6%2], Aliases: []string{fmt.Sprint("CVE-2024-", i)}, Score: 5,
			Published: noon.AddDate(0, 0, -i%900), Component: in.Components[i%len(in.Components)],
		})
	}
	return in
}

func BenchmarkCompileBuiltin(b *testing.B) {
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var set *Set
	for b.Loop() {
		var err error
		if set, err = Compile(Builtin()); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1024, "KiB-kept")
	runtime.KeepAlive(set)
}

func BenchmarkCompile1000(b *testing.B) {
	var policies []Policy
	for i := range 1000 {
		p := Builtin()[i%30]
		p.ID = fmt.Sprint("p", i)
		policies = append(policies, p)
	}
	for b.Loop() {
		if _, err := Compile(policies); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluateBuiltin(b *testing.B) {
	set, err := Compile(Builtin())
	if err != nil {
		b.Fatal(err)
	}
	in := bigInput(2000, 5000)
	b.ReportAllocs()
	for b.Loop() {
		if r := set.Evaluate(context.Background(), Build, in); len(r.Violations) < 5 || len(r.Undecided) > 0 {
			b.Fatalf("%+v", r.Undecided)
		}
	}
}

// BenchmarkEvaluate100 asks the built-in policies of the stage build, those that are off included, until there are a hundred.
func BenchmarkEvaluate100(b *testing.B) {
	var policies []Policy
	all := slices.DeleteFunc(Builtin(), func(p Policy) bool { return !slices.Contains(p.Stages, Build) })
	for i := range 100 {
		p := all[i%len(all)]
		p.ID, p.Disabled = fmt.Sprint("p", i), false
		policies = append(policies, p)
	}
	set, err := Compile(policies)
	if err != nil {
		b.Fatal(err)
	}
	in := bigInput(2000, 5000)
	b.ReportAllocs()
	for b.Loop() {
		set.Evaluate(context.Background(), Build, in)
	}
}

// hardPolicies all walk the longest list, each in another way.
func hardPolicies(t testing.TB) *Set {
	conditions := []string{
		`vulnerability.severity == "critical" && vulnerability.fixedVersion != "" && vulnerability.score >= %d.0`,
		`severityAtLeast(vulnerability.severity, "important") && has(vulnerability.published) && now - vulnerability.published > days(%d)`,
		`vulnerability.cve in ["CVE-2021-44228", "CVE-2022-22965", "CVE-2024-%d"]`,
		`vulnerability.component.name.startsWith("openssl") && vulnerability.component.version != "%d"`,
		`glob("lib*", vulnerability.component.name) && vulnerability.score > %d.5`,
		`vulnerability.component.ecosystem == "npm" && vulnerability.severity in ["critical", "important"] && vulnerability.score > %d.0`,
		`vulnerability.knownExploited || has(vulnerability.epss) && vulnerability.epss > 0.%d`,
		`vulnerability.aliases.exists(a, a == "CVE-2024-%d")`,
		`vulnerability.component.type == "deb" && vulnerability.component.line > %d && vulnerability.fixedVersion == ""`,
		`vulnerability.id.matches("^GHSA-%d") && vulnerability.severity != "low"`,
	}
	var policies []Policy
	for i := range 100 {
		policies = append(policies, Policy{
			ID: fmt.Sprint("p", i), Title: "P", Severity: Low, Stages: []Stage{Build}, ForEach: "vulnerabilities",
			Condition: fmt.Sprintf(conditions[i%len(conditions)], i/len(conditions)), Message: `vulnerability.cve + " in " + vulnerability.component.name`,
		})
	}
	set, err := Compile(policies)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func BenchmarkEvaluateHard100(b *testing.B) {
	set, in := hardPolicies(b), bigInput(2000, 5000)
	b.ReportAllocs()
	for b.Loop() {
		if r := set.Evaluate(context.Background(), Build, in); len(r.Violations) < 50 || len(r.Undecided) > 0 {
			b.Fatalf("%+v", r.Undecided)
		}
	}
}
