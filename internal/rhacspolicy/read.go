package rhacspolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

const (
	// MaxBytes bounds what Read reads. RHACS's own policies have half a megabyte.
	MaxBytes    = 8 << 20
	maxPolicies = 1000
)

const (
	resourceVersion = "config.stackrox.io/v1alpha1"
	resourceKind    = "SecurityPolicy"
)

// Read reads policies as RHACS exports them ({"policies": [...]} or one policy, JSON), or as its custom resource
// SecurityPolicy (YAML, any number of documents, or a list of them).
func Read(document []byte) ([]Policy, error) {
	if len(document) > MaxBytes {
		return nil, refuse("it has %d bytes; at most %d are read", len(document), MaxBytes)
	}
	var policies []Policy
	var err error
	if text := bytes.TrimSpace(document); bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) {
		policies, err = readJSON(text)
	} else {
		policies, err = readYAML(document)
	}
	switch {
	case err != nil:
		return nil, err
	case len(policies) == 0:
		return nil, refuse("there is no policy in it")
	case len(policies) > maxPolicies:
		return nil, refuse("it has %d policies; at most %d are read at once", len(policies), maxPolicies)
	}
	for i, p := range policies {
		if strings.TrimSpace(p.Name) == "" {
			return nil, refuse("policy %d of the document has no name", i+1)
		}
	}
	return policies, nil
}

func refuse(format string, args ...any) error {
	return fault.New(fault.Invalid, "read RHACS policies", format, args...).
		WithFix("Give what RHACS exports as JSON (Policy Management, Export policy to JSON), or SecurityPolicy resources as YAML.")
}

func readJSON(text []byte) ([]Policy, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	var policies []Policy
	for {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return policies, nil
		} else if err != nil {
			return nil, refuse("not JSON: %s", err)
		}
		more, err := readMany(value)
		if err != nil {
			return nil, err
		}
		policies = append(policies, more...)
	}
}

// readYAML goes by way of JSON, so that there is one way in which a policy's fields are read.
func readYAML(document []byte) ([]Policy, error) {
	roots, problems := yamldoc.Documents(document, maxPolicies)
	if len(problems) > 0 {
		return nil, refuse("line %d: %s", problems[0].Line, problems[0].Message)
	}
	var policies []Policy
	for _, root := range roots {
		var value any
		if err := root.Decode(&value); err != nil {
			return nil, refuse("line %d: not YAML: %s", root.Line, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, refuse("the document that begins in line %d cannot be read as JSON: %s", root.Line, err)
		}
		more, err := readMany(text)
		if err != nil {
			return nil, err
		}
		policies = append(policies, more...)
	}
	return policies, nil
}

// readMany reads whatever may hold policies: an export, a list of resources, or one policy.
func readMany(text json.RawMessage) ([]Policy, error) {
	var list []json.RawMessage
	var envelope struct {
		Kind     string            `json:"kind"`
		Policies []json.RawMessage `json:"policies"`
		Items    []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		if err := json.Unmarshal(text, &envelope); err != nil {
			return nil, refuse("there are no policies in it: %s", wrongType(err))
		}
		switch {
		case envelope.Policies != nil:
			list = envelope.Policies
		case strings.HasSuffix(envelope.Kind, "List"):
			list = envelope.Items
		default:
			list = []json.RawMessage{text}
		}
	}
	if len(list) > maxPolicies {
		return nil, refuse("it has %d policies; at most %d are read at once", len(list), maxPolicies)
	}
	policies := make([]Policy, len(list))
	for i, item := range list {
		var err error
		if policies[i], err = readOne(item); err != nil {
			return nil, err
		}
	}
	return policies, nil
}

func readOne(text json.RawMessage) (Policy, error) {
	var resource struct {
		Kind       string          `json:"kind"`
		APIVersion string          `json:"apiVersion"`
		Spec       json.RawMessage `json:"spec"`
	}
	var p struct {
		Policy
		PolicyName string `json:"policyName"` // of a resource
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &resource); err != nil {
		return Policy{}, refuse("something is not a policy: %s", wrongType(err))
	}
	switch {
	case resource.Kind == resourceKind && resource.APIVersion == resourceVersion:
		if text = resource.Spec; len(text) == 0 {
			return Policy{}, refuse("a %s has no spec", resourceKind)
		}
	case resource.Kind != "" || resource.APIVersion != "":
		return Policy{}, refuse("a document is a %s of %s, not a %s of %s", resource.Kind, resource.APIVersion, resourceKind, resourceVersion)
	}
	if err := errors.Join(json.Unmarshal(text, &p), json.Unmarshal(text, &keys)); err != nil {
		return Policy{}, refuse("the policy %q: %s", p.Name+p.PolicyName, wrongType(err))
	}
	if p.PolicyName != "" {
		p.Name = p.PolicyName
	}
	for key := range keys {
		if !slices.Contains(knownKeys, key) {
			p.unknown = append(p.unknown, key)
		}
	}
	slices.Sort(p.unknown)
	return p.Policy, nil
}

// knownKeys are those of a policy that are read, or whose absence here makes no difference.
var knownKeys = func() []string {
	keys := slices.Clone(ignored)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Policy]()) {
		keys = append(keys, f.Tag.Get("json"))
	}
	return keys
}()

func wrongType(err error) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return err.Error()
	case wrong.Field == "":
		return "it is of the type " + wrong.Value
	}
	return fmt.Sprintf("%s is of the type %s", strings.TrimPrefix(wrong.Field, "Policy."), wrong.Value)
}
