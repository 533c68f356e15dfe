package vex

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"
)

// Names are strings in the first versions of OpenVEX, and objects since.
type openComponent struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []openComponent   `json:"subcomponents"`
}

func (c *openComponent) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'"'}) {
		return json.Unmarshal(b, &c.ID)
	}
	type plain openComponent
	return json.Unmarshal(b, (*plain)(c))
}

func (c openComponent) target() (t target) {
	t.name(c.ID)
	t.name(c.Identifiers["purl"])
	for algorithm, value := range c.Hashes {
		t.hash(algorithm, value)
	}
	return t
}

type openVulnerability struct {
	ID      string   `json:"@id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

func (v *openVulnerability) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'"'}) {
		return json.Unmarshal(b, &v.Name)
	}
	type plain openVulnerability
	return json.Unmarshal(b, (*plain)(v))
}

func parseOpenVEX(body []byte) (*Document, error) {
	var in struct {
		ID          string    `json:"@id"`
		Author      string    `json:"author"`
		Timestamp   time.Time `json:"timestamp"`
		LastUpdated time.Time `json:"last_updated"`
		Statements  []struct {
			Vulnerability   openVulnerability `json:"vulnerability"`
			Timestamp       time.Time         `json:"timestamp"`
			LastUpdated     time.Time         `json:"last_updated"`
			Products        []openComponent   `json:"products"`
			Subcomponents   []openComponent   `json:"subcomponents"` // of all products, in the first version
			Status          Status            `json:"status"`
			StatusNotes     string            `json:"status_notes"`
			Justification   string            `json:"justification"`
			ImpactStatement string            `json:"impact_statement"`
			ActionStatement string            `json:"action_statement"`
		} `json:"statements"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	d := &Document{ID: in.ID, Format: "OpenVEX", Author: in.Author, Timestamp: newer(in.Timestamp, in.LastUpdated)}
	for i, from := range in.Statements {
		s := Statement{
			Status: from.Status, Justification: from.Justification, Timestamp: newer(from.Timestamp, from.LastUpdated),
			Detail: cmp.Or(from.ImpactStatement, from.ActionStatement, from.StatusNotes), vulnerabilities: nonempty(from.Vulnerability.Name, from.Vulnerability.ID),
		}
		if s.Timestamp.IsZero() {
			s.Timestamp = in.Timestamp // a later update of the document is not said to be about this statement
		}
		s.vulnerabilities = append(s.vulnerabilities, nonempty(from.Vulnerability.Aliases...)...)
		if s.Status == NotAffected && s.Justification == "" && from.ImpactStatement == "" {
			return nil, invalid("statement %d says not_affected without a reason", i+1).WithFix("Give it a justification or an impact_statement, as OpenVEX demands.")
		}
		claims := 0
		for _, c := range from.Products {
			parts := c.Subcomponents
			if len(parts) == 0 {
				parts = from.Subcomponents
			}
			if claims += 1 + len(parts); claims > maxClaims {
				return nil, errTooMany()
			}
			targets := make([]target, len(parts))
			for i, part := range parts {
				targets[i] = part.target()
			}
			s.about(c.target(), targets...)
		}
		d.Statements = append(d.Statements, s)
	}
	return d, nil
}

func newer(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func nonempty(list ...string) (kept []string) {
	for _, s := range list {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
