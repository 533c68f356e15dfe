package rhacspolicy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/policy"
)

const maxMessage = 8 << 10

// terms are a section's conditions, by what they are about.
type terms struct {
	of   [port + 1][]string
	says []string
}

func (s *terms) has(places ...place) bool {
	return slices.ContainsFunc(places, func(p place) bool { return len(s.of[p]) > 0 })
}

// sections makes the policy's condition and message.
func (t *translator) sections(p *policy.Policy) {
	var whole []terms
	for _, s := range t.from.PolicySections {
		if translated, ok := t.section(s); ok {
			whole = append(whole, translated)
		}
	}
	if len(whole) == 0 {
		t.impossible("none of its criteria can be asked for", "the policy as a whole")
		return
	}
	build := slices.Contains(p.Stages, policy.Build)
	if build && slices.ContainsFunc(whole, func(s terms) bool {
		return s.has(workload, container, variable, mount, volume, port)
	}) {
		if len(p.Stages) == 1 {
			t.impossible("it asks for things that only a workload has", "the lifecycle stage BUILD")
			return
		}
		t.lose(Weaker, "the policy asks for things that only a workload has", "the lifecycle stage BUILD")
		build, p.Stages = false, []policy.Stage{policy.Deploy}
		p.Enforce = slices.DeleteFunc(p.Enforce, func(s policy.Stage) bool { return s == policy.Build })
	}
	skipped := t.skipped(build)
	p.ForEach = common(whole)
	conditions, messages := make([]string, len(whole)), make([]string, len(whole))
	for i := range whole {
		s := &whole[i]
		if s.has(container, image, layer, component, vulnerability, variable, mount, volume) {
			s.of[container] = append(slices.Clone(skipped), s.of[container]...)
		}
		conditions[i] = s.condition(p.ForEach)
		messages[i] = s.message(build)
	}
	p.Condition = conditions[0]
	if len(conditions) > 1 {
		for i := range conditions {
			conditions[i] = enclose(conditions[i], " ")
		}
		p.Condition = strings.Join(conditions, " ||\n")
	}
	if p.ForEach == "" && !slices.ContainsFunc(whole, func(s terms) bool { return len(whole) > 1 && s.has(layer, component, vulnerability) }) {
		last := len(messages) - 1
		p.Message = messages[last]
		for i := last - 1; i >= 0; i-- {
			p.Message = fmt.Sprintf("%s\n  ? %s\n  : %s", conditions[i], messages[i], p.Message)
		}
	}
	if len(p.Message) > maxMessage {
		p.Message = "" // the title does
	}
}

// skipped are the conditions that keep the policy from kinds of containers.
func (t *translator) skipped(build bool) []string {
	var conditions []string
	for _, kind := range t.from.EvaluationFilter.SkipContainerTypes {
		ours, ok := map[string]string{"INIT": policy.InitContainer, "REGULAR": policy.MainContainer}[kind]
		switch {
		case !ok:
			t.lose(Stricter, "there is no such kind", "skipping containers of the kind %q", kind)
		case build:
			t.lose(Stricter, "the policy is asked at the stage build, too, where nobody knows of containers", "skipping containers of the kind %s", kind)
		default:
			conditions = append(conditions, "container.kind != "+quote(ours))
		}
	}
	return conditions
}

// section translates the criteria of one section. It is not ok when none of them can be translated, so that nothing would be left
// to ask.
func (t *translator) section(s section) (terms, bool) {
	var of terms
	inVulnerability := slices.ContainsFunc(s.PolicyGroups, func(g group) bool {
		c, ok := criteria[g.FieldName]
		return ok && c.place == vulnerability && slices.ContainsFunc(g.Values, func(v groupValue) bool {
			_, err := c.value("", v.Value)
			return err == nil
		})
	})
	before := len(t.Losses)
	for _, g := range s.PolicyGroups {
		c, known := criteria[g.FieldName]
		condition, ok := "", false
		switch why, never := untranslatable[g.FieldName]; {
		case never:
			t.lose(Stricter, why, "the criterion %q", g.FieldName)
		case !known:
			t.lose(Stricter, "it is not known here", "the criterion %q", g.FieldName)
		default:
			item := "component"
			if inVulnerability {
				item = "vulnerability.component"
			}
			condition, ok = t.group(c, g, item)
		}
		t.Criteria = append(t.Criteria, Criterion{Section: s.SectionName, Field: g.FieldName, Translated: ok})
		if !ok {
			continue
		}
		of.of[c.place] = append(of.of[c.place], condition)
		if says := c.about(g); says != "" {
			of.says = append(of.says, says)
		}
		if c.note != "" {
			t.note("%s: %s", g.FieldName, c.note)
		}
	}
	for _, conditions := range of.of {
		if len(conditions) > 0 {
			return of, true
		}
	}
	// Without its only criteria, a section holds never rather than always.
	for i := before; i < len(t.Losses); i++ {
		t.Losses[i].Effect = Weaker
	}
	return of, false
}

// about is what a message says of a criterion.
func (c *criterion) about(g group) string {
	switch {
	case c.entries != "":
		values := make([]string, len(g.Values))
		for i, v := range g.Values {
			values[i] = v.Value
		}
		return quote(c.entries + " that fits " + strings.Join(values, " or "))
	case c.yes == "":
		return c.says
	case strings.EqualFold(g.Values[0].Value, "true") != g.Negate:
		return quote(c.yes)
	}
	return quote(c.no)
}

// group translates a criterion with its values.
func (t *translator) group(c criterion, g group, item string) (string, bool) {
	or := !g.and() || c.any
	deny := g.Negate != c.unless
	var conditions []string
	for _, v := range g.Values {
		condition, err := c.value(item, v.Value)
		if err != nil {
			effect := Stricter
			if or != deny {
				effect = Weaker
			}
			t.lose(effect, err.Error(), "the value %.100q of the criterion %q", v.Value, g.FieldName)
			continue
		}
		conditions = append(conditions, condition)
	}
	if len(conditions) == 0 {
		if len(g.Values) == 0 {
			t.lose(Stricter, "it has no values", "the criterion %q", g.FieldName)
		}
		return "", false
	}
	if g.FieldName == "Exposed Node Port" && nodePorts(g) {
		t.lose(Weaker, noCluster, "the criterion %q for node ports of Services", g.FieldName)
	}
	joined := both(conditions...)
	if or {
		joined = strings.Join(conditions, " || ")
	}
	if deny {
		joined = "!" + enclose(joined, " ")
	}
	if c.also != "" && c.also != joined {
		joined = both(c.also, joined)
	}
	return joined, true
}

// enclose puts parentheses around a condition in which something stands between its outermost terms.
func enclose(condition, between string) string {
	depth, inText, raw := 0, false, false
	for i := 0; i < len(condition); i++ {
		switch b := condition[i]; {
		case inText && b == '\\' && !raw:
			i++
		case b == '"':
			inText, raw = !inText, i > 0 && condition[i-1] == 'r'
		case inText:
		case b == '(' || b == '[':
			depth++
		case b == ')' || b == ']':
			depth--
		case depth == 0 && strings.HasPrefix(condition[i:], between):
			return "(" + condition + ")"
		}
	}
	return condition
}

// common is the list that every section asks for an item of, and no other, or "".
func common(sections []terms) string {
	list := ""
	for i := range sections {
		s, of := &sections[i], ""
		switch {
		case s.has(layer) && s.has(component, vulnerability):
			return ""
		case s.has(vulnerability):
			of = "vulnerabilities"
		case s.has(component):
			of = "components"
		case s.has(layer):
			of = "layers"
		}
		if of == "" || list != "" && of != list {
			return ""
		}
		list = of
	}
	return list
}

// condition says a section as one expression. Cheap questions come first.
func (s *terms) condition(forEach string) string {
	parts := slices.Concat(s.of[workload], s.of[container], s.of[image])
	exists := func(list, item string, conditions []string) {
		switch {
		case len(conditions) == 0:
		case list == forEach:
			parts = append(parts, conditions...)
		default:
			parts = append(parts, fmt.Sprintf("%s.exists(%s, %s)", list, item, both(conditions...)))
		}
	}
	exists("container.environment", "variable", s.of[variable])
	if mounted := s.mounted(); mounted != "" {
		exists("container.mounts", "mount", []string{mounted})
	}
	if s.has(container, image, layer, component, vulnerability, variable, mount, volume) && s.has(port) {
		// The workload's ports are those of all its containers.
		parts = append(parts, fmt.Sprintf("workload.containers.exists(other, other.ports.exists(port, %s))", both(s.of[port]...)))
	} else {
		exists("container.ports", "port", s.of[port])
	}
	exists("layers", "layer", s.of[layer])
	if s.has(vulnerability) {
		exists("vulnerabilities", "vulnerability", slices.Concat(s.of[component], s.of[vulnerability]))
	} else {
		exists("components", "component", s.of[component])
	}
	for i := range parts {
		parts[i] = enclose(parts[i], " || ")
	}
	return strings.Join(parts, " &&\n  ")
}

// mounted says what is asked of a mount. Secrets are no volumes to RHACS.
func (s *terms) mounted() string {
	switch {
	case s.has(volume):
		return both(both(s.of[mount]...), fmt.Sprintf(`workload.volumes.exists(volume, volume.name == mount.volume && volume.type != "secret" && %s)`,
			both(s.of[volume]...)))
	case s.has(mount):
		return both(both(s.of[mount]...), `!workload.volumes.exists(volume, volume.name == mount.volume && volume.type == "secret")`)
	}
	return ""
}

// message says what was found, and where.
func (s *terms) message(build bool) string {
	says := slices.Clone(s.says)
	if s.has(variable) {
		says = append(says, fmt.Sprintf(`"sets " + container.environment.filter(variable, %s).map(variable, variable.name).join(", ")`, both(s.of[variable]...)))
	}
	if mounted := s.mounted(); mounted != "" {
		what := "mount.volume"
		if s.has(volume) {
			what = "workload.volumes.filter(volume, volume.name == mount.volume)[0].source"
		}
		says = append(says, fmt.Sprintf(`"mounts " + container.mounts.filter(mount, %s).map(mount, %s + " at " + mount.path).join(", ")`, mounted, what))
	}
	inContainer := s.has(container, image, layer, component, vulnerability, variable, mount, volume)
	switch {
	case s.has(port) && inContainer:
		says = append(says, `"the workload opens such a port"`)
	case s.has(port):
		says = append(says, fmt.Sprintf(`"opens port " + container.ports.filter(port, %s).map(port, string(port.container)).join(", ")`, both(s.of[port]...)))
	}
	switch {
	case s.has(vulnerability):
		says = append(says, `"has such a vulnerability"`)
	case s.has(component):
		says = append(says, `"has such a component"`)
	}
	if s.has(layer) {
		says = append(says, `"has such a Dockerfile line"`)
	}
	subject := `workload.kind + " " + workload.name`
	switch {
	case build:
		subject = "image.reference"
	case inContainer || s.has(port):
		subject = `"container " + container.name`
	}
	return strings.ReplaceAll(fmt.Sprintf(`%s + ": " + %s`, subject, strings.Join(says, ` + ", " + `)), `" + "`, "")
}
