package ibm

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// regions are named in access policies otherwise than in hosts.
var regions = map[string]string{
	"us": "us-south", "de": "eu-central", "uk": "uk-south", "au": "ap-south", "jp": "ap-north", "jp2": "jp-osa",
	"ca": "ca-tor", "br": "br-sao", "es": "eu-es", "icr": "global",
}

func grants(c integration.Config, ref image.Reference) []integration.Grant {
	host := c.Text(endpoint)
	if host == entitled {
		return []integration.Grant{{
			Method: "Entitlement key", Fill: []string{apiKey},
			Summary: "The entitlement key of the customer, which can pull the software that was bought.",
			Steps:   []string{"Open https://myibm.ibm.com/products-services/containerlibrary, copy the entitlement key, and enter it as API key."},
		}}
	}
	label, _, _ := strings.Cut(strings.TrimPrefix(host, "private."), ".")
	region := regions[label]
	namespace, _, _ := strings.Cut(ref.Repository, "/")
	namespace = cmp.Or(namespace, "NAMESPACE")
	return []integration.Grant{{
		Method: "API key of a service ID", Fill: []string{apiKey},
		Summary: "A service ID with the role Reader on the namespace " + namespace + " of Container Registry in the region " + region + ".",
		Steps: []string{
			"ibmcloud iam service-id-create landwaiter-pull",
			"ibmcloud iam service-policy-create landwaiter-pull --roles Reader --service-name container-registry --region " + region +
				" --resource-type namespace --resource " + namespace,
			"ibmcloud iam service-api-key-create landwaiter landwaiter-pull, and enter the key that it prints.",
		},
	}}
}
