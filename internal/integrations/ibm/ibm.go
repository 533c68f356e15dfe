// Package ibm is the integration type for IBM Cloud Container Registry.
package ibm

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

const (
	endpoint = "endpoint"
	username = "username"
	apiKey   = "apiKey"
)

// keyUser is the user name that tells the registry that the password is an API key.
const keyUser = "iamapikey"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "ibm",
		Label:      "IBM Cloud",
		Summary:    "IBM Cloud Container Registry, with the API key of a user or a service ID.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "ibm",
		Fields: []integration.Field{
			{
				Name: endpoint, Label: "Endpoint", Kind: integration.Endpoint, Example: "us.icr.io",
				Help:     "The host of the images' region, or its private form, private.us.icr.io. A namespace may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: apiKey, Label: "API key", Kind: integration.Secret, Required: "An API key is required",
				Help: "The API key of a service ID or a user; for cp.icr.io, the entitlement key. The connection test shows an API key to IBM Cloud's sign-in service, iam.cloud.ibm.com, too.",
			},
			{
				Name: username, Label: "Username", Kind: integration.Text, Example: "Profile-00000000-0000-0000-0000-000000000000",
				Help:        "Leave it empty for " + keyUser + ". To act as a trusted profile, the profile's ID, with the API key of a service ID that the profile trusts.",
				BindsSecret: true,
			},
		},
		Detect: detect,
		Grants: grants,
		Advice: testAdvice,
		Open:   diagnosis.Opening(open, probe),
	}
}

var regional = integration.DetectHost(`(private\.)?((us|de|uk|au|jp|jp2|ca|ca2|br|es|in)\.)?icr\.io`)

// entitled is the registry of IBM's software that is paid for. It has one user, whose password is a customer's key.
const entitled, entitledUser = "cp.icr.io", "cp"

func detect(host string) (integration.Config, bool) {
	if strings.EqualFold(host, entitled) {
		return integration.NewConfig(map[string]any{endpoint: entitled, username: entitledUser}, nil), true
	}
	return regional(host)
}

func open(c integration.Config, _ integration.Deps) (integration.Registry, error) {
	at, err := distribution.ParseEndpoint(c.Text(endpoint), false)
	if err != nil {
		return nil, err
	}
	return integration.Basic(at, cmp.Or(c.Text(username), keyUser), c.Secret(apiKey)), nil
}
