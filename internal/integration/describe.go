package integration

// A Description is a Type in the form in which clients read it.
type Description struct {
	ID         string             `json:"id"`
	Label      string             `json:"label"`
	Summary    string             `json:"summary"`
	Categories []Category         `json:"categories"`
	ConfigKey  string             `json:"configKey"`
	Retired    string             `json:"retired"`
	Fields     []FieldDescription `json:"fields"`
}

// A FieldDescription is a Field in the form in which clients read it. Name is the path inside the settings object.
type FieldDescription struct {
	Name         string                `json:"name"`
	Label        string                `json:"label"`
	Help         string                `json:"help"`
	Example      string                `json:"example"`
	Kind         Kind                  `json:"kind"`
	Options      []string              `json:"options"`
	Min          float64               `json:"min"` // of a number, together with Max; 0 means no limit all the same
	Max          float64               `json:"max"`
	Default      any                   `json:"default"` // "", false or 0 when there is none
	Required     string                `json:"required"`
	When         *ConditionDescription `json:"when"`
	DisabledWhen *ConditionDescription `json:"disabledWhen"`
	BindsSecret  bool                  `json:"bindsSecret"`
	Column       bool                  `json:"column"`
	Secret       bool                  `json:"secret"`
}

// A ConditionDescription is a Condition in the form in which clients read it.
type ConditionDescription struct {
	Field string `json:"field"`
	Value bool   `json:"value"`
}

// Describe renders the declaration.
func (t Type) Describe() Description {
	d := Description{
		ID: t.ID, Label: t.Label, Summary: t.Summary, Categories: sortedCategories(t.Categories),
		ConfigKey: t.ConfigKey, Retired: t.Retired,
	}
	for _, f := range t.Fields {
		d.Fields = append(d.Fields, FieldDescription{
			Name: f.Name, Label: f.Label, Help: f.Help, Example: f.Example, Kind: f.Kind,
			Options: append([]string{}, f.Options...), Min: f.Min, Max: f.Max, Default: defaultOf(f), Required: f.Required,
			When: (*ConditionDescription)(f.When), DisabledWhen: (*ConditionDescription)(f.DisabledWhen),
			BindsSecret: f.BindsSecret, Column: f.Column, Secret: f.IsSecret(),
		})
	}
	return d
}

func defaultOf(f Field) any {
	switch {
	case f.Default != nil:
		return f.Default
	case f.Kind == Toggle:
		return false
	case f.Kind == Number:
		return 0
	}
	return ""
}
