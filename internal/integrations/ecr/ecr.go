// Package ecr holds the integration types for Amazon ECR: private registries, and ECR Public with sign-in. Both get their
// password from AWS, with access keys or with the identity of the machine, and with roles assumed on top.
package ecr

import (
	"fmt"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

const (
	registryID      = "registryId"
	endpoint        = "endpoint"
	region          = "region"
	useIAM          = "useIam"
	accessKeyID     = "accessKeyId"
	secretAccessKey = "secretAccessKey"
	useAssumeRole   = "useAssumeRole"
	assumeRoleID    = "assumeRoleId"
	externalID      = "assumeRoleExternalId"
	pushedUsername  = "authorizationData.username"
	pushedPassword  = "authorizationData.password"
	pushedExpiry    = "authorizationData.expiresAt"
)

// Type declares private registries.
func Type() integration.Type {
	fields := []integration.Field{
		{
			Name: registryID, Label: "12-digit AWS ID", Kind: integration.Text, Example: "123456789012",
			Help:     "The account that the registry belongs to: the first part of its host.",
			Required: "Registry ID must be specified", BindsSecret: true, Column: true,
		},
		{
			Name: endpoint, Label: "Endpoint", Kind: integration.Endpoint, Example: "https://vpce-0a1b2c3d-example.api.ecr.us-east-1.vpce.amazonaws.com",
			Help:         "Only for a private endpoint of the ECR API (not of the registry). Endpoint disabled when AssumeRole is set.",
			DisabledWhen: integration.On(useAssumeRole), BindsSecret: true,
		},
		{
			Name: region, Label: "Region", Kind: integration.Text, Example: "us-east-1",
			Required: "Region must be specified", BindsSecret: true, Column: true,
		},
	}
	fields = append(fields, identityFields("AssumeRole ID",
		"A role's name in the registry's account, or the full ARN of a role in any account. For a chain of roles, put commas between them, the role that reads the registry last.",
		"pull-images")...)
	return integration.Type{
		ID:         "ecr",
		Label:      "Amazon ECR",
		Summary:    "Private registries of Amazon ECR in all partitions, pull-through caches included.",
		Categories: []integration.Category{integration.CategoryRegistry, integration.CategoryScanner},
		ConfigKey:  "ecr",
		Fields: append(fields,
			integration.Field{
				Name: pushedUsername, Label: "Pushed user name", Kind: integration.Text,
				Help: "Set by the agent of a cluster, which sends a password that AWS gave it. Leave it empty in a form.",
			},
			integration.Field{Name: pushedPassword, Label: "Pushed password", Kind: integration.Secret},
			integration.Field{
				Name: pushedExpiry, Label: "Pushed password ends", Kind: integration.Text, Example: "2030-01-02T15:04:05Z",
			},
		),
		Settle: settle,
		Check:  check,
		Detect: detect,
		Grants: grants,
		Advice: testAdvice,
		Open:   open,
	}
}

// identityFields say who signs in.
func identityFields(roleLabel, roleHelp, roleExample string) []integration.Field {
	return []integration.Field{
		{
			Name: useIAM, Label: "Use container IAM role", Kind: integration.Toggle, BindsSecret: true, AsMachine: true,
			Help: "Sign in as the pod, task or machine that this server runs on: IAM role for service accounts, EKS Pod Identity, ECS task role or EC2 instance profile.",
		},
		{
			Name: accessKeyID, Label: "Access key ID", Kind: integration.Secret, When: integration.Off(useIAM),
			Help: "The key of an IAM user that may read the repositories. Needed without the container IAM role.",
		},
		{
			Name: secretAccessKey, Label: "Secret access key", Kind: integration.Secret, When: integration.Off(useIAM),
			Help: "Needed with the access key ID.",
		},
		{
			Name: useAssumeRole, Label: "Use AssumeRole", Kind: integration.Toggle, BindsSecret: true,
			Help: "Sign in with the keys or the container's role first, and then act as another role.",
		},
		{
			Name: assumeRoleID, Label: roleLabel, Kind: integration.Text, Example: roleExample, Help: roleHelp,
			When: integration.On(useAssumeRole), Required: "AssumeRole ID must be set", BindsSecret: true,
		},
		{
			Name: externalID, Label: "AssumeRole External ID", Kind: integration.Text, When: integration.On(useAssumeRole),
			Help:        "Needed if the role's trust policy asks for it. In a chain it is given to the last role.",
			BindsSecret: true,
		},
	}
}

// settle drops a pushed password as soon as there is another way to sign in, as RHACS does.
func settle(c integration.Config) integration.Config {
	if c.On(useIAM) || c.On(useAssumeRole) || c.Secret(accessKeyID).IsSet() || c.Secret(secretAccessKey).IsSet() {
		for _, name := range []string{pushedUsername, pushedPassword, pushedExpiry} {
			c = c.With(name, "")
		}
	}
	return c
}

func check(c integration.Config, _ []integration.Category) []integration.Problem {
	var problems []integration.Problem
	add := func(field, message, fix string) {
		problems = append(problems, integration.Problem{Field: field, Message: message, Fix: fix})
	}
	if !accountPattern.MatchString(c.Text(registryID)) {
		add(registryID, "Registry ID must be exactly 12 digits", "Take it from the first part of an image's name: 123456789012.dkr.ecr.us-east-1.amazonaws.com.")
	}
	if !regionPattern.MatchString(c.Text(region)) {
		add(region, "Region must be the code of an AWS region, such as us-east-1", "Take it from an image's name: 123456789012.dkr.ecr.us-east-1.amazonaws.com.")
	}
	if at, err := distribution.ParseEndpoint(c.Text(endpoint), false); err == nil {
		switch {
		case at.Scheme != "https":
			add(endpoint, "Endpoint must use https, since its answer holds a password", "Begin it with https://.")
		case c.On(useIAM) && !c.On(useAssumeRole) && !isAPI(at.Host, c.Text(region)):
			// What is signed for another host could be passed on to AWS by it.
			add(endpoint, "the endpoint is not one of the ECR API in the region, and the identity of this machine is shown to no other",
				"Use the private endpoint's own name, such as https://vpce-0a1b2c3d-example.api.ecr.us-east-1.vpce.amazonaws.com. For another name, use access keys, or let whoever runs this program set AWS_ENDPOINT_URL_ECR.")
		}
	}
	if c.On(useAssumeRole) && c.Text(endpoint) != "" {
		add(endpoint, "AssumeRole cannot be combined with an endpoint", "Leave the endpoint empty, or turn AssumeRole off and let the keys or the container's role read the registry directly.")
	}
	pushed := []struct{ name, missing string }{
		{pushedUsername, "Username must be specified in the authorization data"},
		{pushedPassword, "Password must be specified in the authorization data"},
		{pushedExpiry, "Expiry must be specified in the authorization data"},
	}
	if !hasPushed(c) {
		return append(problems, checkIdentity(c, c.Text(registryID), partitionOf(c.Text(region)).id)...)
	}
	for _, field := range pushed {
		if c.Text(field.name) == "" && !c.Secret(field.name).IsSet() {
			add(field.name, field.missing, "")
		}
	}
	if text := c.Text(pushedExpiry); text != "" {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			add(pushedExpiry, "Expiry in the authorization data must be a time such as 2030-01-02T15:04:05Z", "")
		}
	}
	return problems
}

func hasPushed(c integration.Config) bool {
	return c.Text(pushedUsername) != "" || c.Secret(pushedPassword).IsSet() || c.Text(pushedExpiry) != ""
}

// checkIdentity checks what identityFields hold.
func checkIdentity(c integration.Config, account, partitionID string) []integration.Problem {
	var problems []integration.Problem
	if !c.On(useIAM) && !c.Secret(accessKeyID).IsSet() {
		problems = append(problems, integration.Problem{Field: accessKeyID, Message: "Access Key ID must be specified if not using IAM"})
	}
	if !c.On(useIAM) && !c.Secret(secretAccessKey).IsSet() {
		problems = append(problems, integration.Problem{Field: secretAccessKey, Message: "Secret Access Key must be specified if not using IAM"})
	}
	if !c.On(useAssumeRole) {
		return problems
	}
	if text := c.Text(assumeRoleID); text != "" {
		if _, err := parseRoles(text, account, partitionID); err != nil {
			problems = append(problems, integration.Problem{
				Field: assumeRoleID, Message: "AssumeRole ID: " + err.Error(),
				Fix: "Write the role's name, or its ARN as the IAM console shows it.",
			})
		}
	}
	if id := c.Text(externalID); id != "" && (len(id) > maxExternalID || !externalIDPattern.MatchString(id)) {
		problems = append(problems, integration.Problem{
			Field:   externalID,
			Message: fmt.Sprintf("AssumeRole External ID must have 2 to %d characters: letters, digits and _+=,.@:/-", maxExternalID),
		})
	}
	return problems
}

func detect(host string) (integration.Config, bool) {
	account, code, ok := parseHost(host)
	if !ok {
		return integration.Config{}, false
	}
	return integration.NewConfig(map[string]any{registryID: account, region: code}, nil), true
}

func open(c integration.Config, deps integration.Deps) (integration.Registry, error) {
	account, code := c.Text(registryID), c.Text(region)
	if problems := check(c, nil); len(problems) > 0 {
		return nil, integration.Problems(problems)
	}
	r := &registry{id: "ecr", hosts: hostsOf(account, code)}
	if hasPushed(c) {
		r.lend = pushedCredential(c, deps)
		return r, nil
	}
	s, err := newSignIn(c, deps, account, code)
	if err != nil {
		return nil, err
	}
	s.api = s.privateToken
	if at := c.Text(endpoint); at != "" {
		parsed, err := distribution.ParseEndpoint(at, false)
		if err != nil {
			return nil, err
		}
		s.endpoint = parsed.String()
	}
	r.from, r.lend = s, integration.NewLease(deps, s.credential).Credential
	return r, nil
}

// A registry is one account's in one region, or ECR Public. It is asked about images under any of its hosts, and is called
// by the host that the image names.
type registry struct {
	id    string   // of the type
	hosts []string // the usual one first
	from  *signIn  // nil where the password was pushed
	lend  lender
}

func (r *registry) Anonymous() bool { return false }

func (r *registry) Serves(ref image.Reference) bool { return r.host(ref) != "" }

func (r *registry) Endpoint(ref image.Reference) distribution.Endpoint {
	host := r.host(ref)
	if host == "" {
		host = r.hosts[0]
	}
	return distribution.Endpoint{Scheme: "https", Host: host}
}

// host is the registry's name in ref, "" if ref is an image of another registry.
func (r *registry) host(ref image.Reference) string {
	host := canonical(ref.Registry)
	for _, own := range r.hosts {
		if host == own {
			return own
		}
	}
	return ""
}
