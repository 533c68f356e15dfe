package rhacspolicy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/policy"
)

// Options say how policies are translated.
type Options struct {
	// Partial takes policies without what cannot be translated. Otherwise they are refused.
	Partial bool
	// Kept are the policies that there are. One of the same title, that is not built in, is taken for an earlier import and
	// replaced; the names of the others are left to them.
	Kept []policy.Entry
	// Clusters are the clusters' names by the IDs that RHACS has for them.
	Clusters map[string]string
}

// What became of a policy.
const (
	Whole   = "translated"
	Partial = "translated in part"
	Refused = "refused"
)

// A Translation says what became of one policy.
type Translation struct {
	Name     string         `json:"name"` // RHACS's
	ID       string         `json:"id,omitempty"`
	Outcome  string         `json:"outcome"`
	Policy   *policy.Policy `json:"policy,omitempty"`   // nil when it was refused
	Replaces bool           `json:"replaces,omitempty"` // one that was imported before
	Criteria []Criterion    `json:"criteria"`
	Losses   []Loss         `json:"losses,omitempty"`
	Notes    []string       `json:"notes,omitempty"` // where it may answer otherwise than in RHACS
}

// A Criterion is one that a policy has.
type Criterion struct {
	Section    string `json:"section,omitempty"`
	Field      string `json:"field"`
	Translated bool   `json:"translated"`
}

// A Loss is something of a policy that cannot be said here.
type Loss struct {
	What   string `json:"what"`
	Why    string `json:"why"`
	Effect string `json:"effect,omitempty"` // of leaving it out
}

// The effects of leaving something out.
const (
	Stricter = "the policy is broken by more than in RHACS"
	Weaker   = "the policy is broken by less than in RHACS"
)

func (l Loss) String() string {
	text := l.What + " cannot be translated: " + l.Why
	if l.Effect != "" {
		text += "; without it " + l.Effect
	}
	return text
}

// Translate turns policies into ours, each by itself, in their order.
func Translate(policies []Policy, o Options) []Translation {
	used := map[string]bool{}
	list := make([]Translation, len(policies))
	for i := range policies {
		t := translator{from: &policies[i], options: o}
		t.Name, t.ID, t.Criteria = policies[i].Name, policies[i].ID, []Criterion{}
		p := t.policy()
		if len(t.fatal) > 0 {
			t.Losses = append(t.fatal, t.Losses...)
			for i := range t.Losses {
				t.Losses[i].Effect = "" // without the policy, nothing is stricter or weaker
			}
		}
		switch {
		case len(t.fatal) > 0 || len(t.Losses) > 0 && !o.Partial:
			t.Outcome = Refused
		default:
			t.Outcome, t.Policy = Whole, &p
			if len(t.Losses) > 0 {
				t.Outcome = Partial
			}
			p.ID = name(p.Title, func(id string) bool { return used[id] || o.taken(id, p.Title) })
			used[p.ID] = true
			t.Replaces = slices.ContainsFunc(o.Kept, func(e policy.Entry) bool { return e.ID == p.ID })
		}
		list[i] = t.Translation
	}
	return list
}

func (o *Options) taken(id, title string) bool {
	return slices.ContainsFunc(o.Kept, func(e policy.Entry) bool {
		return e.ID == id && (e.Source != policy.SourceOwn || e.Title != title)
	})
}

var noLetters = regexp.MustCompile(`[^a-z0-9]+`)

const maxName = 63

// name makes an ID of a title.
func name(title string, taken func(string) bool) string {
	base := strings.Trim(noLetters.ReplaceAllString(strings.ToLower(title), "-"), "-")
	if base == "" {
		base = "policy"
	}
	for n := 0; ; n++ {
		suffix := ""
		switch {
		case n == 1:
			suffix = "-rhacs"
		case n > 1:
			suffix = "-rhacs-" + strconv.Itoa(n)
		}
		id := strings.TrimRight(base[:min(len(base), maxName-len(suffix))], "-") + suffix
		if !taken(id) {
			return id
		}
	}
}

type translator struct {
	Translation
	from    *Policy
	options Options
	fatal   []Loss // which leave nothing to ask
}

func (t *translator) lose(effect, why, what string, args ...any) {
	t.Losses = append(t.Losses, Loss{What: fmt.Sprintf(what, args...), Why: why, Effect: effect})
}

func (t *translator) impossible(why, what string, args ...any) {
	t.fatal = append(t.fatal, Loss{What: fmt.Sprintf(what, args...), Why: why})
}

func (t *translator) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(t.Notes, text) {
		t.Notes = append(t.Notes, text)
	}
}

func (t *translator) policy() policy.Policy {
	p := policy.Policy{
		Title: strings.TrimSpace(t.from.Name), Description: strings.TrimSpace(t.from.Description),
		Rationale: strings.TrimSpace(t.from.Rationale), Remediation: strings.TrimSpace(t.from.Remediation),
		Disabled: t.from.Disabled,
	}
	for _, c := range t.from.Categories {
		if c = strings.TrimSpace(c); c != "" && !slices.Contains(p.Categories, c) {
			p.Categories = append(p.Categories, c)
		}
	}
	for _, v := range t.from.MitreAttackVectors {
		for _, technique := range v.Techniques {
			url := "https://attack.mitre.org/techniques/" + strings.ReplaceAll(technique, ".", "/") + "/"
			if techniqueID.MatchString(technique) && !slices.Contains(p.References, url) {
				p.References = append(p.References, url)
			}
		}
	}
	t.bounds()
	t.severity(&p)
	t.stages(&p)
	if len(t.fatal) > 0 {
		return p
	}
	if len(p.Stages) == 0 {
		t.fatal, t.Losses = append(t.fatal, t.Losses...), nil
		for _, s := range t.from.PolicySections {
			t.section(s) // says what of the criteria there is
		}
		return p
	}
	t.sections(&p)
	t.scope(&p)
	t.exclusions(&p)
	if len(t.from.Notifiers) > 0 {
		t.note("its notifiers are not carried over")
	}
	for _, key := range t.from.unknown {
		t.note("the key %q is not known here; what it says is not carried over", key)
	}
	if len(t.fatal) == 0 {
		p.ID = "x"
		if _, err := policy.Compile([]policy.Policy{p}); err != nil {
			t.impossible(err.Error(), "the policy as a whole")
		}
	}
	return p
}

const (
	maxItems = 1000 // exclusions, scopes, and values of all criteria
	maxValue = 4096 // bytes
)

// bounds refuses what no person wrote, before time is spent on it.
func (t *translator) bounds() {
	values := 0
	for _, s := range t.from.PolicySections {
		for _, g := range s.PolicyGroups {
			values += 1 + len(g.Values)
		}
	}
	for _, has := range []struct {
		count int
		what  string
	}{{values, "values"}, {len(t.from.PolicySections), "sections"}, {len(t.from.Exclusions), "exclusions"}, {len(t.from.Scope), "scopes"}} {
		if has.count > maxItems {
			t.impossible(fmt.Sprintf("it has more than %d %s", maxItems, has.what), "the policy as a whole")
		}
	}
}

var techniqueID = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

func (t *translator) severity(p *policy.Policy) {
	p.Severity = map[string]policy.Severity{
		"LOW_SEVERITY": policy.Low, "MEDIUM_SEVERITY": policy.Medium, "HIGH_SEVERITY": policy.High, "CRITICAL_SEVERITY": policy.Critical,
	}[t.from.Severity]
	if p.Severity == "" {
		p.Severity = policy.Low
		t.note("it has no severity, and gets low")
	}
}

func (t *translator) stages(p *policy.Policy) {
	for _, s := range t.from.LifecycleStages {
		switch s {
		case "BUILD":
			p.Stages = append(p.Stages, policy.Build)
		case "DEPLOY":
			p.Stages = append(p.Stages, policy.Deploy)
		case "RUNTIME":
			t.lose(Weaker, running, "the lifecycle stage %s", s)
		default:
			t.impossible("there is no such stage", "the lifecycle stage %q", s)
		}
	}
	slices.Sort(p.Stages)
	p.Stages = slices.Compact(p.Stages)
	if len(p.Stages) == 0 && len(t.Losses) == 0 {
		t.impossible("it has none", "the lifecycle stage")
	}
	for _, action := range t.from.EnforcementActions {
		stage := policy.Deploy
		switch action {
		case "UNSET_ENFORCEMENT":
			continue
		case "FAIL_BUILD_ENFORCEMENT":
			stage = policy.Build
		case "FAIL_DEPLOYMENT_CREATE_ENFORCEMENT", "FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT":
		case "SCALE_TO_ZERO_ENFORCEMENT", "UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT":
			t.note("%s becomes refusing the workload", action)
		default:
			t.lose(Weaker, running, "the enforcement %s", action)
			continue
		}
		if slices.Contains(p.Stages, stage) && !slices.Contains(p.Enforce, stage) {
			p.Enforce = append(p.Enforce, stage)
		}
	}
}

// scope says where the policy applies. Where patterns cannot say it, the condition does, if it can ask for the workload.
func (t *translator) scope(p *policy.Policy) {
	var conditions []string
	var losses []Loss
	for i, s := range t.from.Scope {
		ours, lost := t.scopeOf(s)
		p.Scope = append(p.Scope, ours)
		for _, l := range lost {
			losses = append(losses, Loss{What: fmt.Sprintf("scope %d: %s", i+1, l.What), Why: l.Why, Effect: Stricter})
		}
		if condition, ok := where(s, "", p.Stages); ok {
			conditions = append(conditions, condition)
		}
	}
	switch {
	case len(losses) == 0:
	case len(conditions) == len(t.from.Scope):
		p.Scope = nil
		p.Condition = both(enclose(strings.Join(conditions, " || "), " "), enclose(p.Condition, " || "))
		t.note("its scope is part of the condition")
	default:
		p.Scope = nil // everywhere is more than any scope
		t.Losses = append(t.Losses, losses...)
	}
}

// where says as a condition what a scope, and a workload's name, ask for.
func where(s scope, name string, stages []policy.Stage) (string, bool) {
	if slices.Contains(stages, policy.Build) || s.Cluster != "" || s.ClusterLabel != (label{}) || s.NamespaceLabel != (label{}) {
		return "", false
	}
	namespace, err := matches("workload.namespace", s.Namespace)
	workload, err2 := matches("workload.name", name)
	labels := "true"
	var err3 error
	if s.Label != (label{}) {
		labels, err3 = entry("workload.labels")("", s.Label.Key+"="+s.Label.Value)
	}
	return both(namespace, workload, labels), errors.Join(err, err2, err3) == nil
}

// scopeOf says in our words where a scope is, and what of it has none.
func (t *translator) scopeOf(s scope) (policy.Scope, []Loss) {
	var ours policy.Scope
	var losses []Loss
	lost := func(why, what string, args ...any) {
		losses = append(losses, Loss{What: fmt.Sprintf(what, args...), Why: why})
	}
	if name, known := t.options.Clusters[s.Cluster]; known {
		ours.Clusters = []string{name}
	} else if uuid.MatchString(s.Cluster) {
		lost("it is an ID, and the cluster's name is not known", "the cluster %s", s.Cluster)
	} else if s.Cluster != "" {
		ours.Clusters = []string{s.Cluster}
	}
	if s.Namespace != "" && s.Namespace != ".*" {
		var ok bool
		if ours.Namespaces, ok = globs(s.Namespace); !ok {
			lost(noPattern, "the namespace %q", s.Namespace)
		}
	}
	if l := s.Label; l != (label{}) {
		value, ok := labelPattern(l.Value)
		if !ok || !labelKey.MatchString(l.Key) {
			lost(noPattern, "the label %s=%s", l.Key, l.Value)
		}
		ours.Labels = map[string]string{l.Key: value}
	}
	if l := s.ClusterLabel; l != (label{}) {
		lost("a scope cannot ask for it", "the cluster's label %s=%s", l.Key, l.Value)
	}
	if l := s.NamespaceLabel; l != (label{}) {
		lost("a scope cannot ask for it", "the namespace's label %s=%s", l.Key, l.Value)
	}
	return ours, losses
}

const noPattern = "there is no pattern that says the same"

// A label's name that stands for nothing but itself. A dot in it is taken for a dot.
var labelKey = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// labelPattern says the same as a regular expression over a label's value. Capital letters count in labels, so one that stands for
// itself stays as it is.
func labelPattern(value string) (string, bool) {
	if labelKey.MatchString(value) {
		return value, true
	}
	if value == "" {
		value = ".*"
	}
	patterns, ok := globs(value)
	if !ok || len(patterns) != 1 {
		return "", false
	}
	return patterns[0], true
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (t *translator) exclusions(p *policy.Policy) {
	for i, e := range t.from.Exclusions {
		ours := policy.Exclusion{Name: strings.TrimSpace(e.Name), Reason: "excluded in RHACS"}
		if ours.Name == "" {
			ours.Name = fmt.Sprintf("exclusion %d of RHACS", i+1)
		}
		if slices.ContainsFunc(p.Exclusions, func(o policy.Exclusion) bool { return o.Name == ours.Name }) {
			ours.Name = fmt.Sprintf("%s (%d)", ours.Name, i+1)
		}
		var lost []Loss
		ours.Scope, lost = t.scopeOf(e.Deployment.Scope)
		if name := e.Deployment.Name; name != "" {
			var ok bool
			if ours.Workloads, ok = globs(name); !ok {
				lost = append(lost, Loss{What: fmt.Sprintf("the deployment %q", name), Why: noPattern})
			}
		}
		condition, asked := where(e.Deployment.Scope, e.Deployment.Name, p.Stages)
		if e.Image.Name != "" { // RHACS compares with the beginning of the reference
			ours.Images, asked = []string{e.Image.Name + "**"}, false
			if slices.Contains(p.Stages, policy.Deploy) {
				t.note("the exclusion %q counts for workloads, too, all of whose images it fits", ours.Name)
			}
		}
		if e.Expiration != "" {
			until, err := time.Parse(time.RFC3339Nano, e.Expiration)
			if err != nil {
				lost, asked = append(lost, Loss{What: fmt.Sprintf("the expiration %q", e.Expiration), Why: "it is not a time"}), false
			}
			ours.Until = &until
			condition = both(condition, fmt.Sprintf("now < timestamp(%s)", quote(until.UTC().Format(time.RFC3339))))
		}
		switch {
		case len(lost) == 0 && len(ours.Workloads)+len(ours.Images)+len(ours.Clusters)+len(ours.Namespaces)+len(ours.Labels) == 0:
			t.lose(Stricter, "it fits nothing in particular", "the exclusion %q", ours.Name)
		case len(lost) == 0:
			p.Exclusions = append(p.Exclusions, ours)
		case asked:
			p.Condition = both(enclose(p.Condition, " || "), "!"+enclose(condition, " "))
			t.note("the exclusion %q is part of the condition, so that what it hides is not counted", ours.Name)
		default:
			for _, l := range lost {
				t.lose(Stricter, l.Why, "the exclusion %q: %s", ours.Name, l.What)
			}
		}
	}
}
