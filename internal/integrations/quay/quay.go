// Package quay is the integration type for Quay.io and Red Hat Quay.
package quay

import (
	"slices"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	endpoint      = "endpoint"
	oauthToken    = "oauthToken"
	robotUsername = "registryRobotCredentials.username"
	robotPassword = "registryRobotCredentials.password"
	insecure      = "insecure"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "quay",
		Label:      "Quay.io",
		Summary:    "Quay.io and Red Hat Quay, read with a robot account or an OAuth token.",
		Categories: []integration.Category{integration.CategoryRegistry, integration.CategoryScanner},
		ConfigKey:  "quay",
		Fields: []integration.Field{
			{
				Name: endpoint, Label: "Endpoint", Kind: integration.Endpoint, Example: "quay.io",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: robotUsername, Label: "Robot username", Kind: integration.Text, Example: "organization+robot",
				Help: "A robot account that may read the repositories. Leave all credentials empty for public ones.",
			},
			{Name: robotPassword, Label: "Robot password", Kind: integration.Secret},
			{
				Name: oauthToken, Label: "OAuth token", Kind: integration.Secret,
				Help: "Prefer a robot account. A registry that has both signs in as the robot.",
			},
			integration.Insecure(),
		},
		Check:      check,
		Detect:     detect,
		HostLabels: []string{"quay"},
		Grants:     grants,
		Open:       open,
	}
}

// check allows a token beside a robot only where there is a use for each: the robot pulls, the token reads scan results.
func check(c integration.Config, categories []integration.Category) []integration.Problem {
	var problems []integration.Problem
	hasRobot := c.Text(robotUsername) != "" || c.Secret(robotPassword).IsSet()
	if hasRobot && c.Text(robotUsername) == "" {
		problems = append(problems, integration.Problem{Field: robotUsername, Message: "A robot username is required if the integration has a robot password"})
	}
	if hasRobot && !c.Secret(robotPassword).IsSet() {
		problems = append(problems, integration.Problem{Field: robotPassword, Message: "A robot password is required if the integration has a robot username"})
	}
	both := slices.Contains(categories, integration.CategoryRegistry) && slices.Contains(categories, integration.CategoryScanner)
	if hasRobot && c.Secret(oauthToken).IsSet() && !both {
		problems = append(problems, integration.Problem{Field: oauthToken, Message: "Either an OAuth token or a robot account is possible, not both, unless the integration is a registry and a scanner"})
	}
	return problems
}

func detect(host string) (integration.Config, bool) {
	if host != "quay.io" {
		return integration.Config{}, false
	}
	return integration.NewConfig(map[string]any{endpoint: host}, nil), true
}

// oauthUser is the user name that tells Quay that the password is an OAuth token.
const oauthUser = "$oauthtoken"

func open(c integration.Config, _ integration.Deps) (integration.Registry, error) {
	at, err := distribution.ParseEndpoint(c.Text(endpoint), c.On(insecure))
	switch {
	case err != nil:
		return nil, err
	case c.Secret(robotPassword).IsSet():
		return integration.Basic(at, c.Text(robotUsername), c.Secret(robotPassword)), nil
	case c.Secret(oauthToken).IsSet():
		return integration.Basic(at, oauthUser, c.Secret(oauthToken)), nil
	}
	return integration.Basic(at, "", secret.Text{}), nil
}
