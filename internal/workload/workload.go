// Package workload reads Kubernetes manifests into what policies see of workloads. It asks no cluster.
package workload

import (
	"cmp"
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

const (
	// MaxBytes bounds what one reading takes, all files together.
	MaxBytes = 16 << 20
	// DefaultNamespace is that of objects whose manifest names none.
	DefaultNamespace = "default"

	maxObjects  = 20_000
	maxProblems = 50 // that are told
)

// A File holds any number of manifests in YAML or JSON.
type File struct {
	Name    string `json:"name,omitempty"` // for people; "" when there is none
	Content string `json:"content"`
}

// An Object is what a manifest describes, and where it stands.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"` // as the manifest has it
	Name       string `json:"name"`
	File       string `json:"file,omitempty"`
	Line       int    `json:"line,omitempty"` // 1-based
}

// String is how RHACS names objects: namespace/name[group/version, Kind=kind].
func (o Object) String() string {
	name := o.Name + "[" + schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).String() + "]"
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return name
}

// A Workload with its place.
type Workload struct {
	policy.Workload
	File string
	Line int
}

// Manifests are what files hold.
type Manifests struct {
	Workloads []Workload
	Ignored   []Object // objects that run no containers, or in a way that is not known here
}

// Read takes every manifest of the files. Objects without a namespace get the one given, or the default one. What is
// malformed is one error of code Invalid with the mistakes and their places, and then nothing is read.
func Read(files []File, namespace string) (Manifests, error) {
	r := reader{namespace: cmp.Or(namespace, DefaultNamespace), expansion: expansion{left: maxExpanded}}
	size := 0
	for _, f := range files {
		if size += len(f.Content); size > MaxBytes {
			return Manifests{}, fault.New(fault.Invalid, "read manifests", "they have more than %d MiB", MaxBytes>>20).WithFix("Check fewer files at once.")
		}
	}
	for _, f := range files {
		r.file = f.Name
		r.read(f.Content)
	}
	if more := len(r.problems) - maxProblems; more > 0 {
		r.problems = append(r.problems[:maxProblems], fault.New(fault.Invalid, "", "and %d mistakes more", more))
	}
	if len(r.problems) > 0 {
		fix := cmp.Or(fault.FixOf(errors.Join(r.problems...)), "Mend the manifest.")
		return Manifests{}, fault.Wrap(fault.Invalid, "read manifests", "", errors.Join(r.problems...)).WithFix("%s", fix)
	}
	return r.found, nil
}

// Reference reads the name of a container's image, and says of what no image can be called why it is not one.
func Reference(name string) (image.Reference, error) {
	const op = "read image of container"
	if strings.TrimSpace(name) == "" {
		return image.Reference{}, fault.New(fault.Invalid, op, "it names no image").
			WithFix("Name one. Where the cluster fills it in, as OpenShift does for image streams, check the image by its own name.")
	}
	for _, sign := range []string{"$", "{{", "}}", "<", ">", "%"} {
		if strings.Contains(name, sign) {
			return image.Reference{}, fault.New(fault.Invalid, op, "%q holds a variable that nothing has filled in", name).
				WithFix("Check what is applied to the cluster: the output of helm template, kustomize build, oc process or envsubst.")
		}
	}
	return image.ParseReference(name)
}
