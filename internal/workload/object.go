package workload

import (
	"cmp"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A reader keeps what it has read and what was wrong with it.
type reader struct {
	namespace string
	file      string
	line      int // of the file, before the first one of the document
	expansion expansion
	objects   int
	values    int

	found    Manifests
	problems []error
}

// typeOf is what the items of a list need not repeat.
type typeOf struct{ apiVersion, kind string }

// containerKinds are Kubernetes' and OpenShift's own kinds that run containers. One without containers is half a manifest.
var containerKinds = []string{
	"Pod", "PodTemplate", "ReplicationController", "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "Job.batch", "CronJob.batch",
	"Deployment.extensions", "DaemonSet.extensions", "ReplicaSet.extensions", "DeploymentConfig.apps.openshift.io", "DeploymentConfig",
}

// object reads a tidied node that describes an object, or a list of them.
func (r *reader) object(n *yaml.Node, inherited typeOf) {
	if r.objects++; r.objects > maxObjects {
		if r.objects == maxObjects+1 {
			r.problem(n.Line, "there are more than %d objects", maxObjects)
		}
		return
	}
	if items, of := listed(n); items != nil {
		for _, item := range items.Content {
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			r.object(item, of)
		}
		return
	}
	var value any
	if err := n.Decode(&value); err != nil {
		r.problem(n.Line, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	fields, ok := value.(map[string]any)
	if !ok {
		r.problem(n.Line, "this is no Kubernetes object, which is a mapping with apiVersion and kind")
		return
	}
	document, err := json.Marshal(fields)
	if err != nil {
		r.problem(n.Line, "%s", err)
		return
	}
	w, o, runs, err := decode(document, inherited, r.namespace)
	if o.File, o.Line = r.file, r.line+n.Line; err != nil {
		problem := fault.Wrap(fault.Invalid, r.place(o.Line), "", err)
		if o.Kind != "" {
			problem.What = strings.TrimSpace(o.Kind + " " + o.Name)
		}
		r.problems = append(r.problems, problem)
		return
	}
	if !runs {
		r.found.Ignored = append(r.found.Ignored, o)
		return
	}
	w.File, w.Line = o.File, o.Line
	r.found.Workloads = append(r.found.Workloads, w)
}

// listed returns the items of a list or of an OpenShift template, or nil, and what they are where they do not say it.
func listed(n *yaml.Node) (*yaml.Node, typeOf) {
	kind := scalar(n, "kind")
	key := "items"
	switch {
	case kind == "Template" && strings.HasPrefix(scalar(n, "apiVersion"), "template.openshift.io/"):
		key = "objects"
	case !strings.HasSuffix(kind, "List"):
		return nil, typeOf{}
	}
	items := field(n, key)
	if items == nil || items.Kind != yaml.SequenceNode {
		return nil, typeOf{}
	}
	if kind == "List" || key == "objects" {
		return items, typeOf{}
	}
	return items, typeOf{scalar(n, "apiVersion"), strings.TrimSuffix(kind, "List")}
}

func scalar(n *yaml.Node, key string) string {
	if f := field(n, key); f != nil && f.Kind == yaml.ScalarNode {
		return f.Value
	}
	return ""
}

func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			continue
		}
		if value := n.Content[i+1]; value.Kind == yaml.AliasNode {
			return value.Alias
		} else {
			return value
		}
	}
	return nil
}

// manifest is what of an object matters here.
type manifest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Template          json.RawMessage `json:"template"` // of a PodTemplate
	Spec              json.RawMessage `json:"spec"`
}

// A specification may have a pod's template in one of two places.
type specification struct {
	Template    json.RawMessage `json:"template"`
	JobTemplate struct {
		Spec struct {
			Template json.RawMessage `json:"template"`
		} `json:"spec"`
	} `json:"jobTemplate"`
	Replicas             *int64 `json:"replicas"`
	VolumeClaimTemplates []struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	} `json:"volumeClaimTemplates"`
}

// decode reads one object in JSON. runs is false for one that runs no containers.
func decode(document []byte, inherited typeOf, namespace string) (w Workload, o Object, runs bool, err error) {
	var m manifest
	if err := unmarshal(document, &m); err != nil {
		return w, o, false, err
	}
	if m.APIVersion == "" && m.Kind == "" {
		m.APIVersion, m.Kind = inherited.apiVersion, inherited.kind
	}
	o = Object{APIVersion: m.APIVersion, Kind: m.Kind, Namespace: m.Namespace, Name: cmp.Or(m.Name, m.GenerateName)}
	if o.Kind == "" || o.APIVersion == "" {
		return w, o, false, fault.New(fault.Invalid, "", "it has no apiVersion or no kind, so it is no Kubernetes object").
			WithFix("Name the files that hold Kubernetes objects, or pipe in what kustomize build or helm template writes.")
	}
	known := slices.Contains(containerKinds, schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind().String())
	var spec specification
	template := m.Template
	switch {
	case known && o.Kind == "Pod":
		template = document
	case known && o.Kind == "PodTemplate":
	case len(m.Spec) == 0:
		template = nil
	default:
		if err := unmarshal(m.Spec, &spec); err != nil && known {
			return w, o, false, err
		}
		if template = spec.JobTemplate.Spec.Template; len(template) == 0 {
			template = spec.Template
		}
	}
	if !known && !hasContainers(template) {
		return w, o, false, nil
	}
	var pod corev1.PodTemplateSpec
	if len(template) > 0 {
		if err := unmarshal(template, &pod); err != nil {
			return w, o, false, err
		}
	}
	if len(pod.Spec.Containers) == 0 {
		return w, o, false, fault.New(fault.Invalid, "", "it has no containers").
			WithFix("If it is a patch of kustomize's, check the output of kustomize build.")
	}
	w.Workload = convert(&m, &spec, &pod)
	if w.Namespace == "" {
		w.Namespace = namespace
	}
	return w, o, true, nil
}

func hasContainers(template json.RawMessage) bool {
	var t struct {
		Spec struct {
			Containers []json.RawMessage `json:"containers"`
		} `json:"spec"`
	}
	return len(template) > 0 && unmarshal(template, &t) == nil && len(t.Spec.Containers) > 0
}

// mistyped is how the library of Kubernetes says that a value is of the wrong type, which is its own type of error.
var mistyped = regexp.MustCompile(`^json: cannot unmarshal (\w+).* into Go (?:struct field \w+\.(\S+)|value) of type (\S+)$`)

// unmarshal reads JSON as Kubernetes does, which minds the case of keys.
func unmarshal(document []byte, to any) error {
	err := kjson.Unmarshal(document, to)
	if err == nil {
		return nil
	}
	m := mistyped.FindStringSubmatch(err.Error())
	if m == nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	wrong := fault.New(fault.Invalid, "", "%s cannot be of the type %s", cmp.Or(m[2], "it"), m[1])
	if m[3] == "string" {
		return wrong.WithFix("Put the value in quotes.")
	}
	return wrong
}
