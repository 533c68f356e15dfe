package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// noSuchDigest is asked for, since pulling what exists would count as a pull, and a pull-through cache would fetch it.
const noSuchDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// A right is an action of ECR's that pulling needs, or that people are often told to allow.
type right struct {
	action string
	needed bool
	try    func(ctx context.Context, c *ecr.Client, registry, repository *string) error
}

var rights = []right{
	{"ecr:BatchGetImage", true, func(ctx context.Context, c *ecr.Client, registry, repository *string) error {
		_, err := c.BatchGetImage(ctx, &ecr.BatchGetImageInput{
			RegistryId: registry, RepositoryName: repository, ImageIds: []types.ImageIdentifier{{ImageDigest: aws.String(noSuchDigest)}},
		})
		return err
	}},
	{"ecr:GetDownloadUrlForLayer", true, func(ctx context.Context, c *ecr.Client, registry, repository *string) error {
		_, err := c.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{
			RegistryId: registry, RepositoryName: repository, LayerDigest: aws.String(noSuchDigest),
		})
		return err
	}},
	{"ecr:BatchCheckLayerAvailability", false, func(ctx context.Context, c *ecr.Client, registry, repository *string) error {
		_, err := c.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{
			RegistryId: registry, RepositoryName: repository, LayerDigests: []string{noSuchDigest},
		})
		return err
	}},
	{"ecr:DescribeRepositories", false, func(ctx context.Context, c *ecr.Client, registry, repository *string) error {
		_, err := c.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RegistryId: registry, RepositoryNames: []string{*repository}})
		return err
	}},
	{"ecr:ListImages", false, func(ctx context.Context, c *ecr.Client, registry, repository *string) error {
		_, err := c.ListImages(ctx, &ecr.ListImagesInput{RegistryId: registry, RepositoryName: repository, MaxResults: aws.Int32(1)})
		return err
	}},
}

// An outcome is what AWS answered when a right was tried.
type outcome struct {
	word string // "allowed", "denied", or "unknown" with the reason
	text string // of a denial
	gone bool   // the repository does not exist
}

func judge(err error, hide []string) outcome {
	var api smithy.APIError
	switch {
	case err == nil:
		return outcome{word: "allowed"}
	case !errors.As(err, &api):
		return outcome{word: "unknown, " + transportText(err, hide)}
	}
	switch code := api.ErrorCode(); code {
	case "AccessDeniedException", "AccessDenied":
		return outcome{word: "denied", text: firstLine(api.ErrorMessage(), hide)}
	case "RepositoryNotFoundException":
		return outcome{word: "allowed", gone: true}
	case "LayersNotFoundException", "LayerInaccessibleException", "ImageNotFoundException":
		return outcome{word: "allowed"}
	default:
		return outcome{word: "unknown, AWS answers " + firstLine(code, hide)}
	}
}

// probeRights tries the actions on a repository as an identity of the account.
func (r *registry) probeRights(ctx context.Context, as aws.Credentials, account, repository string) diagnosis.Step {
	step := diagnosis.NewStep(r.id+"-rights", "Permissions on "+repository)
	step.See("repository", r.repositoryARN(repository))
	step.See(actionToken, "allowed, needed to pull")
	client, registry, hide := r.from.ecr(as), r.from.account, r.from.hidden(as)
	var missing []string
	var said string
	gone, unknown := false, false
	for _, right := range rights {
		got := judge(right.try(ctx, client, &registry, &repository), hide)
		use := ", needed to pull"
		if !right.needed {
			use = ", not needed to pull"
		}
		step.See(right.action, got.word+use)
		gone = gone || got.gone
		unknown = unknown || (right.needed && strings.HasPrefix(got.word, "unknown"))
		if right.needed && got.word == "denied" {
			missing, said = append(missing, right.action), got.text
		}
	}
	switch {
	case len(missing) > 0:
		step.Summary = "denied: " + strings.Join(missing, ", ")
		step.Find(r.deniedRights(missing, account, repository, said))
	case gone:
		step.Summary = "allowed, but there is no such repository"
		step.Find(diagnosis.Finding{
			Name: "ecr-no-repository", Verdict: diagnosis.Warning,
			Cause: "Account " + registry + " has no repository " + repository + " in " + r.from.region + ".",
			Fix: "Check the name, the account and the region: aws ecr describe-repositories --registry-id " + registry + " --region " + r.from.region +
				" --repository-names " + repository + ". Behind a pull-through cache it appears with the first pull, for which ecr:BatchImportUpstreamImage and ecr:CreateRepository are needed.",
		})
	case unknown:
		step.Summary = "not all could be tried"
	default:
		step.Summary = "enough to pull"
	}
	return *step
}

func (r *registry) repositoryARN(repository string) string {
	return "arn:" + partitionOf(r.from.region).id + ":ecr:" + r.from.region + ":" + r.from.account + ":repository/" + repository
}

// deniedRights says which of the two policies that count lacks the actions: within an account either may allow them, across
// accounts both must.
func (r *registry) deniedRights(missing []string, account, repository, said string) diagnosis.Finding {
	f := diagnosis.Finding{
		Name: "ecr-action-denied", Verdict: diagnosis.Failed, Cause: said,
		Fix: "Add this statement to the policy of the identity: " + statement("", r.repositoryARN(repository), missing...),
	}
	switch foreign := account != "" && account != r.from.account; {
	case strings.Contains(said, "explicit deny"):
		f.Name, f.Fix = "ecr-explicit-deny", "A policy forbids it, which no permission outweighs: look for a Deny in the kind of policy that the message names."
	case strings.Contains(strings.ToLower(said), "vpc endpoint policy"):
		// The registry itself has another endpoint, with a policy of its own.
		f.Name, f.Verdict = "ecr-endpoint-policy", diagnosis.Warning
		f.Fix = "Let the policy of the VPC endpoint ecr.api, and that of ecr.dkr, allow the actions on " + r.repositoryARN(repository) + "."
	case foreign && !strings.Contains(said, "no identity-based policy"):
		f.Name = "ecr-repository-policy"
		f.Fix = "The identity is of account " + account + ", so that the repository's own policy must let it in. In account " + r.from.account + ", add this statement to it (aws ecr get-repository-policy shows it, aws ecr set-repository-policy --repository-name " +
			repository + " --region " + r.from.region + " --policy-text file://policy.json replaces it): " + statement("arn:"+partitionOf(r.from.region).id+":iam::"+account+":root", "", missing...)
	case foreign:
		f.Fix += ". The identity is of another account than the registry: the repository's policy must let it in as well."
	}
	return f
}

// statement is one of a policy: an identity's has a resource, a repository's or a role's has a principal.
func statement(principal, resource string, actions ...string) string {
	document := struct {
		Effect    string
		Principal map[string]string `json:",omitempty"`
		Action    []string
		Resource  string `json:",omitempty"`
	}{Effect: "Allow", Action: actions, Resource: resource}
	if principal != "" {
		document.Principal = map[string]string{"AWS": principal}
	}
	raw, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
