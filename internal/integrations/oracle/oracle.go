// Package oracle is the integration type for the registry of Oracle Cloud Infrastructure.
package oracle

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "oracle",
		Label:      "Oracle Cloud Registry",
		Summary:    "Oracle Cloud Infrastructure Registry (OCIR).",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "fra.ocir.io",
				Help:     "The host of the images' region. The tenancy's namespace may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text, Example: "ansh81vru1zp/jane@example.com",
				Help:        "The tenancy's namespace, a slash and the user name; for users of an identity domain, the domain's name and another slash in between. Leave it and the token empty for public repositories.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Auth token", Kind: integration.Secret,
				Help: "An auth token of the user, not the password of the console.",
			},
			integration.Insecure(),
		},
		Check:  check,
		Detect: integration.DetectHost(`([a-z]{3}|[a-z]{2}(-[a-z]+)+-[0-9]+)\.ocir\.io|artifacts\.[a-z]{2}(-[a-z]+)+-[0-9]+\.oci\.oraclecloud\.com`),
		Grants: grants,
		Advice: testAdvice,
		Open:   integration.OpenBasic,
	}
}

// bearerUser is the user name that tells the registry that the password is a token of its own.
const bearerUser = "BEARER_TOKEN"

func check(c integration.Config, categories []integration.Category) []integration.Problem {
	problems := integration.CheckBasic(c, categories)
	if user := c.Text("username"); user != "" && user != bearerUser && !strings.Contains(strings.Trim(user, "/"), "/") {
		problems = append(problems, integration.Problem{
			Field: "username", Message: "The username must begin with the tenancy's namespace and a slash",
			Fix: "Write <namespace>/<user>. The namespace is the tenancy's Object Storage namespace, as oci os ns get prints it.",
		})
	}
	return problems
}
