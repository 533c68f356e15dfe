package policy

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	drawText = rapid.SampledFrom([]string{"", "a", "b", "ab", "a/b", "critical", "low", "CVE-1"})
	// What quick answers understand is mixed with what they do not.
	drawAtom = rapid.Custom(func(t *rapid.T) string {
		texts := []string{"vulnerability.id", "vulnerability.summary", "vulnerability.component.name", "vulnerability.component.version"}
		text, other := rapid.SampledFrom(texts).Draw(t, "text"), rapid.SampledFrom(append(texts, `"a"`, `"CVE-1"`, `""`)).Draw(t, "other")
		number := rapid.SampledFrom([]string{"vulnerability.score", "vulnerability.epss", "vulnerability.component.line", "1", "0.5", "9007199254740993"}).Draw(t, "number")
		comparison := rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "comparison")
		list := rapid.SampledFrom([]string{`["a", "CVE-1"]`, "data", "vulnerability.aliases"}).Draw(t, "list")
		return rapid.SampledFrom([]string{
			fmt.Sprintf("%s %s %s", text, comparison, other),
			fmt.Sprintf("%s %s 1.0", "vulnerability.score", comparison),
			fmt.Sprintf("vulnerability.component.line %s 2", comparison),
			fmt.Sprintf("%s %s vulnerability.score", number, rapid.SampledFrom([]string{"<", ">", "<=", ">="}).Draw(t, "order")),
			fmt.Sprintf("%s in %s", text, list),
			fmt.Sprintf("vulnerability.aliases.%s(x, x == %s)", rapid.SampledFrom([]string{"exists", "all", "exists_one"}).Draw(t, "macro"), other),
			fmt.Sprintf("vulnerability.aliases.exists(x, x in %s && %s > 0.5)", list, "vulnerability.epss"),
			fmt.Sprintf("%s.%s(%s)", text, rapid.SampledFrom([]string{"startsWith", "endsWith", "contains"}).Draw(t, "function"), other),
			text + `.matches("^a.?$")`, `glob("a*", ` + text + `)`, fmt.Sprintf("glob(%s, %s)", text, other),
			`severityAtLeast(` + text + `, "low")`, fmt.Sprintf(`severityAtLeast("low", %s)`, text),
			"vulnerability.knownExploited", "has(vulnerability.epss)", "has(vulnerability.published)", "has(vulnerability.component.name)",
			"has(vulnerability.aliases)", "has(vulnerability.knownExploited)", "vulnerability.published < now", "vulnerability.epss > 0.5",
			`data["a"] == "x"`, "true", text + ".size() > 1", "vulnerability.knownExploited == true",
		}).Draw(t, "atom")
	})
	drawVulnerability = rapid.Custom(func(t *rapid.T) Vulnerability {
		v := Vulnerability{
			ID: drawText.Draw(t, "ID"), Summary: drawText.Draw(t, "summary"), Aliases: rapid.SliceOfN(drawText, 0, 2).Draw(t, "aliases"),
			Score:          rapid.SampledFrom([]float64{0, 0.5, 1, 9.8, math.NaN(), math.Inf(1)}).Draw(t, "score"),
			EPSS:           rapid.SampledFrom([]float64{0, 0.5, 0.9}).Draw(t, "EPSS"),
			KnownExploited: rapid.Bool().Draw(t, "exploited"),
			Component: Component{
				Name: drawText.Draw(t, "name"), Version: drawText.Draw(t, "version"),
				Line: rapid.SampledFrom([]int{0, 1, 2, 3, 1 << 53, 1<<53 + 1, -1}).Draw(t, "line"),
			},
		}
		if rapid.Bool().Draw(t, "published") {
			v.Published = noon
		}
		return v
	})
)

func drawCondition(t *rapid.T, depth int) string {
	if depth == 0 {
		return drawAtom.Draw(t, "atom")
	}
	left, right := drawCondition(t, depth-1), drawCondition(t, depth-1)
	return rapid.SampledFrom([]string{
		fmt.Sprintf("(%s && %s)", left, right), fmt.Sprintf("(%s || %s)", left, right), fmt.Sprintf("!(%s)", left), left,
		fmt.Sprintf("(%s ? %s : !(%s))", left, right, left),
	}).Draw(t, "form")
}

// TestQuick holds the answers given without CEL to CEL's.
func TestQuick(t *testing.T) {
	decided := 0
	rapid.Check(t, func(t *rapid.T) {
		text := drawCondition(t, 2)
		set, err := Compile([]Policy{{
			ID: "p", Title: "P", Severity: Low, Stages: []Stage{Build}, ForEach: "vulnerabilities", Condition: text, Data: map[string]string{"a": "x", "CVE-1": "y"},
		}})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		p := set.compiled[0]
		if p.condition.quick == nil {
			return // more than one macro
		}
		in := Input{Vulnerabilities: rapid.SliceOfN(drawVulnerability, 1, 8).Draw(t, "vulnerabilities"), Now: noon.Add(time.Hour)}
		v := p.view(look(&in))
		for i := range in.Vulnerabilities {
			v.choose("vulnerabilities", i)
			quickly := p.condition.quick(&asked{item: reflect.ValueOf(v.item).Elem(), data: p.Data})
			value, _, err := p.condition.evaluate(context.Background(), v)
			if quickly != unsure {
				decided++
				if err != nil || (quickly == yes) != value.Value().(bool) {
					t.Fatalf("%s\n%+v\nis %v without CEL, and %v, %v with it", text, in.Vulnerabilities[i], quickly == yes, value, err)
				}
			}
		}
	})
	if decided < 100 {
		t.Errorf("only %d answers were compared", decided)
	}
}

// TestQuick_answers_most_of_the_built_in_policies would fail if CEL's macros or operators came to look otherwise.
func TestQuick_answers_most_of_the_built_in_policies(t *testing.T) {
	in := bigInput(100, 300)
	k := look(&in)
	for _, b := range builtins() {
		if b.condition.quick == nil || b.ForEach != "vulnerabilities" && b.ForEach != "components" {
			continue
		}
		v, known, all := b.view(k), 0, k.items(b.ForEach)
		for i := range all {
			v.choose(b.ForEach, i)
			if b.condition.quick(&asked{item: reflect.ValueOf(v.item).Elem(), data: b.Data}) != unsure {
				known++
			}
		}
		if known < all*9/10 {
			t.Errorf("%s: %d of %d", b.ID, known, all)
		}
	}
}
