package ecr

import "github.com/landwaiter/landwaiter/internal/integration"

var publicHosts = []string{"public.ecr.aws", "ecr-public.aws.com"}

// publicRegion is where ECR Public has its API, whoever asks.
const publicRegion = "us-east-1"

// PublicType declares ECR Public with sign-in, which raises its limits. It is a type of its own because it has neither a
// registry ID nor a region to ask for, and grants other permissions. Without sign-in it is a generic registry.
func PublicType() integration.Type {
	return integration.Type{
		ID:         "ecrpublic",
		Label:      "Amazon ECR Public",
		Summary:    "public.ecr.aws, read as an AWS account: higher limits than anonymous pulls have.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "ecr",
		Fields: identityFields("AssumeRole ID",
			"The full ARN of a role. For a chain of roles, put commas between them.",
			"arn:aws:iam::123456789012:role/pull-public-images"),
		Check: func(c integration.Config, _ []integration.Category) []integration.Problem {
			return checkIdentity(c, "", partitionOf(publicRegion).id)
		},
		Detect: func(host string) (integration.Config, bool) {
			return integration.Config{}, canonical(host) == publicHosts[0] || canonical(host) == publicHosts[1]
		},
		Grants: publicGrants,
		Open: func(c integration.Config, deps integration.Deps) (integration.Registry, error) {
			if problems := checkIdentity(c, "", partitionOf(publicRegion).id); len(problems) > 0 {
				return nil, integration.Problems(problems)
			}
			s, err := newSignIn(c, deps, "", publicRegion)
			if err != nil {
				return nil, err
			}
			s.api = s.publicToken
			return &registry{id: "ecrpublic", hosts: publicHosts, from: s, lend: integration.NewLease(deps, s.credential).Credential}, nil
		},
	}
}
