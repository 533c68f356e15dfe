// Package rhacspolicy turns policies of Red Hat Advanced Cluster Security (StackRox) into ours, and says of every criterion what
// became of it.
package rhacspolicy

import "strings"

// A Policy is one of RHACS's, as its JSON export has it. What is not here has no meaning for us.
type Policy struct {
	ID                 string      `json:"id"`
	Name               string      `json:"name"`
	Description        string      `json:"description"`
	Rationale          string      `json:"rationale"`
	Remediation        string      `json:"remediation"`
	Disabled           bool        `json:"disabled"`
	Categories         []string    `json:"categories"`
	LifecycleStages    []string    `json:"lifecycleStages"`
	Exclusions         []exclusion `json:"exclusions"`
	Scope              []scope     `json:"scope"`
	Severity           string      `json:"severity"`
	EnforcementActions []string    `json:"enforcementActions"`
	Notifiers          []string    `json:"notifiers"`
	PolicySections     []section   `json:"policySections"`
	EvaluationFilter   filter      `json:"evaluationFilter"`

	MitreAttackVectors []struct {
		Techniques []string `json:"techniques"`
	} `json:"mitreAttackVectors"`

	unknown []string // keys that are not known here
}

// A section holds when all of its groups do; a policy is broken when any of its sections holds.
type section struct {
	SectionName  string  `json:"sectionName"`
	PolicyGroups []group `json:"policyGroups"`
}

// A group is one criterion with its values.
type group struct {
	FieldName       string       `json:"fieldName"`
	BooleanOperator string       `json:"booleanOperator"` // "AND", or "OR" when it is not said
	Negate          bool         `json:"negate"`
	Values          []groupValue `json:"values"`
}

type groupValue struct {
	Value string `json:"value"`
}

func (g *group) and() bool { return strings.EqualFold(g.BooleanOperator, "AND") }

type exclusion struct {
	Name       string `json:"name"`
	Deployment struct {
		Name  string `json:"name"`
		Scope scope  `json:"scope"`
	} `json:"deployment"`
	Image struct {
		Name string `json:"name"`
	} `json:"image"`
	Expiration string `json:"expiration"`
}

type scope struct {
	Cluster        string `json:"cluster"`
	Namespace      string `json:"namespace"`
	Label          label  `json:"label"`
	ClusterLabel   label  `json:"clusterLabel"`
	NamespaceLabel label  `json:"namespaceLabel"`
}

type label struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type filter struct {
	SkipContainerTypes []string `json:"skipContainerTypes"`
}

// ignored are keys of a policy that mean nothing here.
var ignored = []string{
	"lastUpdated", "SORTName", "SORTLifecycleStage", "SORTEnforcement", "policyVersion", "criteriaLocked", "mitreVectorsLocked",
	"isDefault", "source", "eventSource", "policyName",
}
