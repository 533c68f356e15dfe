// Package huawei is the integration type for the registry of Huawei Cloud.
package huawei

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "huawei",
		Label:      "Huawei Cloud SWR",
		Summary:    "Huawei Cloud SoftWare Repository for Container.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "swr.eu-west-101.myhuaweicloud.eu",
				Help:     "The host of the images' region. An organization may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text, Example: "ap-southeast-1@AK0EXAMPLE",
				Help:        "The project, usually the name of the region, an @ and the access key ID. Leave it and the login key empty for public images.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Login key", Kind: integration.Secret,
				Help: "The login key that is computed from the access key, not the secret access key itself. That of a temporary login command ends soon.",
			},
			integration.Insecure(),
		},
		Check:  check,
		Detect: detect,
		Grants: grants,
		Advice: testAdvice,
		Open:   integration.OpenBasic,
	}
}

// Registries of the Enterprise Edition have hosts of their own, and other rules for user names.
var detect = integration.DetectHost(`swr\.[a-z]{2}(-[a-z]+)+-[0-9]+\.myhuaweicloud\.(com|eu)`)

func check(c integration.Config, categories []integration.Category) []integration.Problem {
	problems := integration.CheckBasic(c, categories)
	at, err := distribution.ParseEndpoint(c.Text("endpoint"), false)
	if err != nil {
		return problems
	}
	if _, shared := detect(at.Host); shared && c.Text("username") != "" && !strings.Contains(c.Text("username"), "@") {
		problems = append(problems, integration.Problem{
			Field: "username", Message: "The username must be a project, an @ and an access key ID",
			Fix: "Take the user name from the login command that the SWR console makes, for example ap-southeast-1@AK0EXAMPLE.",
		})
	}
	return problems
}
