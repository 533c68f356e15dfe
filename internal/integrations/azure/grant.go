package azure

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(c integration.Config, ref image.Reference) []integration.Grant {
	host := c.Text(endpoint)
	name := registryName(host)
	scope := `"$(az acr show --name ` + name + ` --query id --output tsv)"`
	repository := cmp.Or(ref.Repository, "REPOSITORY")
	var first []string
	switch host[strings.LastIndexByte(host, '.')+1:] {
	case "cn":
		first = []string{"az cloud set --name AzureChinaCloud"}
	case "us":
		first = []string{"az cloud set --name AzureUSGovernment"}
	}
	const abac = "A registry whose permissions are per repository (ABAC) takes the role Container Registry Repository Reader in place of AcrPull."
	list := []integration.Grant{
		{
			Method: "Managed or workload identity", Settings: map[string]any{wifEnabled: true},
			Summary: "If Landwaiter runs in Azure: no password is stored. Its identity needs the role AcrPull on the registry " + name + ".",
			Steps: []string{
				"Find the managed identity of the machine or pod that Landwaiter runs on: its principal ID stands for LANDWAITER_IDENTITY.",
				"az role assignment create --assignee LANDWAITER_IDENTITY --role AcrPull --scope " + scope,
				abac,
			},
		},
		{
			Method: "Token", Settings: map[string]any{username: "landwaiter"}, Fill: []string{password},
			Summary: "If Landwaiter runs anywhere else: the least that a password can be for. A token may read " + repository + " of the registry " + name + ".",
			Steps: []string{
				"az acr token create --registry " + name + " --name landwaiter --repository " + repository + " content/read metadata/read, and enter one of the two passwords that it prints.",
				"Repeat --repository for others that it is to read.",
			},
		},
		{
			Method: "Service principal", Fill: []string{username, password},
			Summary: "If tokens are not allowed. A service principal needs the role AcrPull on the registry " + name + ".",
			Steps: []string{
				"az ad sp create-for-rbac --name landwaiter-pull --role AcrPull --scopes " + scope + ", and enter the appId as user name and the password that it prints.",
				abac,
			},
		},
	}
	for i := range list {
		list[i].Steps = append(first[:len(first):len(first)], list[i].Steps...)
	}
	return list
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the name of a token and one of its two passwords, the application ID of a service principal and its secret, or the admin user, which must be enabled. Secrets and passwords may have ended: az ad app credential list --id APPLICATION_ID, az acr token show --name TOKEN --registry REGISTRY.",
	"access-blocked":                 "Let the address that this machine goes out with in: az acr network-rule add --name REGISTRY --ip-address ADDRESS, or reach the registry by its private endpoint.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. Give the identity the role AcrPull on the registry (Container Registry Repository Reader if its permissions are per repository), or the token a scope map that has content/read on that repository. A new role takes some minutes to count."
