// Package alibaba is the integration type for the registry of Alibaba Cloud.
package alibaba

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "alibaba",
		Label:      "Alibaba Cloud Container Registry",
		Summary:    "Alibaba Cloud Container Registry, Personal and Enterprise Edition.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "registry.cn-hangzhou.aliyuncs.com",
				Help:     "The host of the instance, as the console shows it. A namespace may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text, Example: "landwaiter@1234567890123456",
				Help:        "The account's or the RAM user's full logon name, as the console shows it under Access Credential. Leave it and the password empty for public repositories.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "The fixed password that is set under Access Credential, not that of the console.",
			},
			integration.Insecure(),
		},
		Check:  integration.CheckBasic,
		Detect: integration.DetectHost(hosts),
		Grants: grants,
		Advice: testAdvice,
		Open:   integration.OpenBasic,
	}
}

const region = `[a-z]{2}(-[a-z0-9]+)+`

// hosts are those of the shared personal registries, of instances of the Enterprise Edition, and of instances of the
// Personal Edition. A region begins with two letters, which keeps storage buckets (<any>.oss-cn-hangzhou.aliyuncs.com) out.
const hosts = `registry(-vpc|-internal)?\.` + region + `\.aliyuncs\.com` +
	`|[a-z0-9][a-z0-9-]*-registry(-vpc)?\.` + region + `\.cr\.aliyuncs\.com` +
	`|crpi-[a-z0-9]+(-vpc)?\.` + region + `\.personal\.cr\.aliyuncs\.com`
