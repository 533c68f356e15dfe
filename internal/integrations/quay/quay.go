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
	useFederation = "useRobotFederation"
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
				Help: "A robot account that may read the repositories, and what the scanner says about them. Leave all credentials empty for public ones.",
			},
			{
				Name: useFederation, Label: "Use keyless robot federation", Kind: integration.Toggle, BindsSecret: true, AsMachine: true,
				Help: "Sign the robot in with a token of this machine's own identity, which whoever runs this program puts into the folder that " + tokenFolder + " names.",
			},
			{Name: robotPassword, Label: "Robot password", Kind: integration.Secret, DisabledWhen: integration.On(useFederation)},
			{
				Name: oauthToken, Label: "OAuth token", Kind: integration.Secret,
				Help: "Prefer a robot account. A registry that has both signs in as the robot, and asks the scanner with the token.",
			},
			integration.Insecure(),
		},
		Settle:     settle,
		Check:      check,
		Detect:     integration.DetectHost(`quay\.io`),
		HostLabels: []string{"quay"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       open,
	}
}

// settle keeps no password that is not used.
func settle(c integration.Config) integration.Config {
	if c.On(useFederation) {
		return c.With(robotPassword, secret.Text{})
	}
	return c
}

// check allows a token beside a robot only where there is a use for each: the robot pulls, the token reads scan results.
func check(c integration.Config, categories []integration.Category) []integration.Problem {
	problems := checkFederation(c)
	hasRobot := c.Text(robotUsername) != "" || c.Secret(robotPassword).IsSet()
	if hasRobot && c.Text(robotUsername) == "" {
		problems = append(problems, integration.Problem{Field: robotUsername, Message: "A robot username is required if the integration has a robot password"})
	}
	if hasRobot && !c.Secret(robotPassword).IsSet() && !c.On(useFederation) {
		problems = append(problems, integration.Problem{Field: robotPassword, Message: "A robot password is required if the integration has a robot username"})
	}
	both := slices.Contains(categories, integration.CategoryRegistry) && slices.Contains(categories, integration.CategoryScanner)
	if hasRobot && c.Secret(oauthToken).IsSet() && !both {
		problems = append(problems, integration.Problem{Field: oauthToken, Message: "Either an OAuth token or a robot account is possible, not both, unless the integration is a registry and a scanner"})
	}
	return problems
}

// checkFederation sees to it that the identity of this machine is shown to nobody but the one whom a certificate names.
func checkFederation(c integration.Config) []integration.Problem {
	if !c.On(useFederation) {
		return nil
	}
	var problems []integration.Problem
	if c.Text(robotUsername) == "" {
		problems = append(problems, integration.Problem{Field: robotUsername, Message: "A robot username is required for keyless robot federation", Fix: "Give the robot's name, ORGANIZATION+ROBOT."})
	}
	if at, err := distribution.ParseEndpoint(c.Text(endpoint), false); err == nil && at.Scheme != "https" {
		problems = append(problems, integration.Problem{
			Field: endpoint, Message: "The endpoint must use https for keyless robot federation", Fix: "Begin it with https://, or use the robot's password.",
		})
	}
	if c.On(insecure) {
		problems = append(problems, integration.Problem{
			Field: insecure, Message: "Keyless robot federation needs a certificate that can be validated",
			Fix: "Let Quay's certificate authority be trusted, or use the robot's password.",
		})
	}
	return problems
}

// oauthUser is the user name that tells Quay that the password is an OAuth token.
const oauthUser = "$oauthtoken"

func open(c integration.Config, deps integration.Deps) (integration.Registry, error) {
	at, err := distribution.ParseEndpoint(c.Text(endpoint), c.On(insecure))
	if err != nil {
		return nil, err
	}
	r := &registry{token: c.Secret(oauthToken)}
	switch {
	case c.On(useFederation):
		if problems := checkFederation(c); len(problems) > 0 {
			return nil, integration.Problems(problems)
		}
		f := &federation{host: at.Host, robot: c.Text(robotUsername), deps: deps}
		r.AtOneHost = integration.Leased(at, deps, f.credential)
	case c.Secret(robotPassword).IsSet():
		r.AtOneHost = integration.Basic(at, c.Text(robotUsername), c.Secret(robotPassword))
	case r.token.IsSet():
		r.AtOneHost = integration.Basic(at, oauthUser, r.token)
	default:
		r.AtOneHost = integration.Basic(at, "", secret.Text{})
	}
	return r, nil
}

// A registry is a Quay, with the scanner that it brings along.
type registry struct {
	integration.AtOneHost
	token secret.Text // of OAuth, for the scanner; not set if the robot asks it, or nobody
}
