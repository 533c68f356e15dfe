package ibm

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(c integration.Config, ref image.Reference) []integration.Grant {
	if c.Text(endpoint) == entitled {
		return []integration.Grant{{
			Method: "Entitlement key", Fill: []string{apiKey},
			Summary: "The entitlement key of the customer, which can pull the software that was bought.",
			Steps:   []string{"Open https://myibm.ibm.com/products-services/containerlibrary, copy the entitlement key, and enter it as API key."},
		}}
	}
	namespace, _, _ := strings.Cut(ref.Repository, "/")
	namespace = cmp.Or(namespace, "NAMESPACE")
	return []integration.Grant{{
		Method: "API key of a service ID", Fill: []string{apiKey},
		Summary: "A service ID with the role Reader on the namespace " + namespace + " of Container Registry, and no other.",
		Steps: []string{
			"ibmcloud iam service-id-create landwaiter-pull",
			"ibmcloud iam service-policy-create landwaiter-pull --roles Reader --service-name container-registry --resource-type namespace --resource " + namespace,
			"ibmcloud iam service-api-key-create landwaiter landwaiter-pull, and enter the key that it prints.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter an API key that was neither deleted nor locked. Leave the user name empty, unless it is the ID of a trusted profile; for cp.icr.io, it is cp and the key is the entitlement key.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name, and that the host is that of the namespace's region. Give the owner of the API key the role Reader on the namespace: ibmcloud iam service-policy-create SERVICE_ID --service-name container-registry --roles Reader --resource-type namespace --resource NAMESPACE"
