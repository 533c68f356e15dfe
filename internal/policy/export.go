package policy

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Join makes one YAML text of the documents of policies, which Apply reads back.
func Join(entries []Entry) []byte {
	var b bytes.Buffer
	for i, e := range entries {
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(bytes.TrimRight(e.Document, "\n"))
		b.WriteString("\n")
	}
	return b.Bytes()
}

// JSON is the entry's document in JSON, which Parse reads like the YAML.
func (e Entry) JSON() ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(e.Document, &root); err != nil {
		return nil, fault.Wrap(fault.Internal, "write policy", e.ID, err)
	}
	asText(&root)
	var value any
	if err := root.Decode(&value); err != nil {
		return nil, fault.Wrap(fault.Internal, "write policy", e.ID, err)
	}
	written, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "write policy", e.ID, err)
	}
	return written, nil
}

// asText keeps numbers and dates as they are written: a policy has none that are not texts.
func asText(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!bool" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		asText(c)
	}
}
