package docker

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// grants are known for OpenShift's own registry. What others grant, only their owners know.
func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	inside := strings.HasPrefix(ref.Registry, "image-registry.openshift-image-registry.svc:") ||
		strings.HasPrefix(ref.Registry, "image-registry.openshift-image-registry.svc.cluster.local:")
	if !inside && !strings.HasPrefix(ref.Registry, "default-route-openshift-image-registry.") {
		return nil
	}
	namespace, _, _ := strings.Cut(ref.Repository, "/")
	namespace = cmp.Or(namespace, "PROJECT")
	return []integration.Grant{{
		Method: "Service account token", Settings: map[string]any{"username": "landwaiter"}, Fill: []string{"password"},
		Summary: "The host is called as the registry of OpenShift is: a service account needs the role system:image-puller in the project " + namespace + ". The registry does not look at the user name.",
		Steps: []string{
			"oc create serviceaccount landwaiter -n " + namespace,
			"oc policy add-role-to-user system:image-puller -z landwaiter -n " + namespace + "; repeat it with other projects' names after -n, and -z replaced by system:serviceaccount:" + namespace + ":landwaiter, for their images.",
			"oc create token landwaiter -n " + namespace + " --duration=8760h, and enter the token. The cluster may shorten its life.",
		},
	}}
}
