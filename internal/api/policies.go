package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// listedPolicy is a policy in a list of RHACS.
type listedPolicy struct {
	ID              string     `json:"id"`
	Name            string     `json:"name" doc:"its title"`
	Description     string     `json:"description"`
	Severity        string     `json:"severity" enum:"LOW_SEVERITY,MEDIUM_SEVERITY,HIGH_SEVERITY,CRITICAL_SEVERITY"`
	Disabled        bool       `json:"disabled"`
	LifecycleStages []string   `json:"lifecycleStages" nullable:"false" doc:"BUILD, DEPLOY"`
	Notifiers       []string   `json:"notifiers" nullable:"false"`
	LastUpdated     *time.Time `json:"lastUpdated" doc:"null for a policy that is as it was built in"`
	EventSource     string     `json:"eventSource"`
	IsDefault       bool       `json:"isDefault" doc:"built in, changed or not"`
	Source          string     `json:"source"`
}

// shownPolicy is a policy of RHACS. What the policy says is in its document.
type shownPolicy struct {
	listedPolicy
	Rationale          string           `json:"rationale"`
	Remediation        string           `json:"remediation"`
	Categories         []string         `json:"categories" nullable:"false"`
	Exclusions         []shownExclusion `json:"exclusions" nullable:"false"`
	Scope              []shownScope     `json:"scope" nullable:"false"`
	EnforcementActions []string         `json:"enforcementActions" nullable:"false" doc:"FAIL_BUILD_ENFORCEMENT, SCALE_TO_ZERO_ENFORCEMENT and the others for deploy"`
	SORTName           string           `json:"SORTName"`
	SORTLifecycleStage string           `json:"SORTLifecycleStage"`
	SORTEnforcement    bool             `json:"SORTEnforcement"`
	PolicyVersion      string           `json:"policyVersion"`
	PolicySections     []struct{}       `json:"policySections" nullable:"false" doc:"always empty: conditions are expressions, which RHACS has no words for"`
	MitreAttackVectors []struct{}       `json:"mitreAttackVectors" nullable:"false"`
	CriteriaLocked     bool             `json:"criteriaLocked"`
	MitreVectorsLocked bool             `json:"mitreVectorsLocked"`
}

type shownScope struct {
	Cluster   string      `json:"cluster"`
	Namespace string      `json:"namespace"`
	Label     *shownLabel `json:"label"`
}

type shownLabel struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type shownExclusion struct {
	Name       string           `json:"name"`
	Deployment *shownDeployment `json:"deployment"`
	Image      *shownImage      `json:"image"`
	Expiration *time.Time       `json:"expiration"`
}

type shownDeployment struct {
	Name  string      `json:"name"`
	Scope *shownScope `json:"scope"`
}

type shownImage struct {
	Name string `json:"name"`
}

var (
	shownSeverities = map[policy.Severity]string{
		policy.Low: "LOW_SEVERITY", policy.Medium: "MEDIUM_SEVERITY", policy.High: "HIGH_SEVERITY", policy.Critical: "CRITICAL_SEVERITY",
	}
	shownActions = map[policy.Stage][]string{
		policy.Build:  {"FAIL_BUILD_ENFORCEMENT"},
		policy.Deploy: {"SCALE_TO_ZERO_ENFORCEMENT", "FAIL_DEPLOYMENT_CREATE_ENFORCEMENT", "FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT"},
	}
)

type policyList struct {
	Body struct {
		Policies []listedPolicy `json:"policies" nullable:"false"`
	}
}

type policyOutput struct {
	Body shownPolicy
}

type policyQuery struct {
	Query    string `query:"query" maxLength:"1000" example:"Severity:HIGH_SEVERITY+Disabled:false" doc:"what must fit: Policy, Severity, Lifecycle Stage, Category, Description, Disabled, each with the beginnings of values with commas between them; + between several"`
	Limit    int    `query:"pagination.limit" minimum:"0" maximum:"10000" doc:"0: all"`
	Offset   int    `query:"pagination.offset" minimum:"0"`
	Field    string `query:"pagination.sortOption.field" maxLength:"100" doc:"Policy, or Severity"`
	Reversed bool   `query:"pagination.sortOption.reversed"`
}

func (a *API) registerPolicies() {
	register(a, "listPolicies", a.listPolicies)
	register(a, "getPolicy", func(ctx context.Context, in *byID) (*policyOutput, error) {
		e, err := a.Policies.Entry(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &policyOutput{shown(e)}, nil
	})
	register(a, "patchPolicy", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"200"`
		Body policy.Switch
	}) (*done, error) {
		_, err := a.Policies.Turn(ctx, in.ID, in.Body, identityOf(ctx).Name)
		return &done{}, err
	})
	register(a, "deletePolicy", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Policies.Delete(ctx, in.ID)
	})
	a.registerPolicyDocuments()
	a.registerPolicyImport()
}

func (a *API) listPolicies(ctx context.Context, in *policyQuery) (*policyList, error) {
	wanted, err := parsePolicyQuery(in.Query)
	if err != nil {
		return nil, err
	}
	entries, err := a.Policies.Entries(ctx)
	if err != nil {
		return nil, err
	}
	var out policyList
	out.Body.Policies = []listedPolicy{}
	for _, e := range entries {
		if p := shown(e); wanted.fits(p) {
			out.Body.Policies = append(out.Body.Policies, p.listedPolicy)
		}
	}
	slices.SortStableFunc(out.Body.Policies, func(x, y listedPolicy) int {
		if strings.EqualFold(in.Field, "Severity") && x.Severity != y.Severity {
			return severityRank(x.Severity) - severityRank(y.Severity)
		}
		return strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name))
	})
	if in.Reversed {
		slices.Reverse(out.Body.Policies)
	}
	out.Body.Policies = out.Body.Policies[min(in.Offset, len(out.Body.Policies)):]
	if in.Limit > 0 {
		out.Body.Policies = out.Body.Policies[:min(in.Limit, len(out.Body.Policies))]
	}
	return &out, nil
}

func severityRank(name string) int {
	return slices.Index([]string{"LOW_SEVERITY", "MEDIUM_SEVERITY", "HIGH_SEVERITY", "CRITICAL_SEVERITY"}, name)
}

func shown(e policy.Entry) shownPolicy {
	p := shownPolicy{
		listedPolicy: listedPolicy{
			ID: e.ID, Name: e.Title, Description: e.Description, Severity: shownSeverities[e.Severity], Disabled: e.Disabled,
			LifecycleStages: []string{}, Notifiers: []string{}, EventSource: "NOT_APPLICABLE", IsDefault: e.Source != policy.SourceOwn, Source: "IMPERATIVE",
		},
		Rationale: e.Rationale, Remediation: e.Remediation, Categories: append([]string{}, e.Categories...), Exclusions: []shownExclusion{},
		Scope: []shownScope{}, EnforcementActions: []string{}, SORTName: e.Title, SORTEnforcement: len(e.Enforce) > 0, PolicyVersion: "1.1",
		PolicySections: []struct{}{}, MitreAttackVectors: []struct{}{},
	}
	if !e.Changed.IsZero() {
		p.LastUpdated = &e.Changed
	}
	for _, s := range e.Stages {
		p.LifecycleStages = append(p.LifecycleStages, strings.ToUpper(string(s)))
	}
	p.SORTLifecycleStage = strings.Join(p.LifecycleStages, ",")
	for _, s := range e.Enforce {
		p.EnforcementActions = append(p.EnforcementActions, shownActions[s]...)
	}
	for _, s := range e.Scope {
		p.Scope = append(p.Scope, shownScopes(s)...)
	}
	for _, x := range e.Exclusions {
		p.Exclusions = append(p.Exclusions, shownExclusions(x)...)
	}
	return p
}

// shownScopes are all combinations, as RHACS has one value for each thing. An empty one stands for any.
func shownScopes(s policy.Scope) []shownScope {
	var list []shownScope
	for _, cluster := range orAny(s.Clusters) {
		for _, namespace := range orAny(s.Namespaces) {
			scope := shownScope{Cluster: cluster, Namespace: namespace}
			for key, value := range s.Labels {
				scope.Label = &shownLabel{key, value}
			}
			list = append(list, scope)
		}
	}
	return list
}

func shownExclusions(x policy.Exclusion) []shownExclusion {
	var list []shownExclusion
	for _, image := range x.Images {
		list = append(list, shownExclusion{Name: x.Name, Image: &shownImage{image}, Expiration: x.Until})
	}
	if len(x.Clusters)+len(x.Namespaces)+len(x.Labels)+len(x.Workloads) == 0 {
		return list
	}
	for _, scope := range shownScopes(x.Scope) {
		for _, workload := range orAny(x.Workloads) {
			list = append(list, shownExclusion{Name: x.Name, Deployment: &shownDeployment{workload, &scope}, Expiration: x.Until})
		}
	}
	return list
}

func orAny(values []string) []string {
	if len(values) == 0 {
		return []string{""}
	}
	return values
}

// wantedPolicies are conditions of RHACS's search: one for each field, of which one value must fit.
type wantedPolicies map[string][]string

var searchable = map[string]func(shownPolicy) []string{
	"policy":          func(p shownPolicy) []string { return []string{p.Name} },
	"severity":        func(p shownPolicy) []string { return []string{p.Severity} },
	"lifecycle stage": func(p shownPolicy) []string { return p.LifecycleStages },
	"category":        func(p shownPolicy) []string { return p.Categories },
	"description":     func(p shownPolicy) []string { return []string{p.Description} },
	"disabled": func(p shownPolicy) []string {
		if p.Disabled {
			return []string{"true"}
		}
		return []string{"false"}
	},
}

func parsePolicyQuery(query string) (wantedPolicies, error) {
	wanted := wantedPolicies{}
	query = strings.ToLower(query)
	for field := range searchable { // a + that is not escaped in a URL arrives as a space
		query = strings.ReplaceAll(query, " "+field+":", "+"+field+":")
	}
	for part := range strings.SplitSeq(query, "+") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		field, values, ok := strings.Cut(part, ":")
		if !ok || searchable[field] == nil {
			return nil, fault.New(fault.Invalid, "list policies", "the query asks for %q, which policies cannot be searched by", part).
				WithFix("Search by Policy, Severity, Lifecycle Stage, Category, Description or Disabled, e.g. query=Policy:Latest tag+Disabled:false.")
		}
		for value := range strings.SplitSeq(values, ",") {
			wanted[field] = append(wanted[field], strings.TrimSpace(value))
		}
	}
	return wanted, nil
}

// fits compares whole texts where the value is in quotes, else their beginnings.
func (w wantedPolicies) fits(p shownPolicy) bool {
	for field, values := range w {
		if !slices.ContainsFunc(searchable[field](p), func(text string) bool {
			text = strings.ToLower(text)
			return slices.ContainsFunc(values, func(value string) bool {
				if exact, quoted := strings.CutPrefix(value, `"`); quoted {
					return text == strings.TrimSuffix(exact, `"`)
				}
				return strings.HasPrefix(text, value)
			})
		}) {
			return false
		}
	}
	return true
}
