package azure

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(c integration.Config, ref image.Reference) []integration.Grant {
	host := c.Text(endpoint)
	name, _, _ := strings.Cut(host, ".")
	name, _, _ = strings.Cut(name, "-") // a hash, which only the host has
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
