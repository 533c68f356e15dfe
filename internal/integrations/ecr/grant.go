package ecr

import (
	"cmp"
	"fmt"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// pullRole is the name proposed for a role, a user and a policy.
const pullRole = "landwaiter-pull"

// grants are for one repository where an image names it.
func grants(c integration.Config, ref image.Reference) []integration.Grant {
	account, code := c.Text(registryID), c.Text(region)
	partitionID := partitionOf(code).id
	what := "every repository"
	if ref.Repository != "" {
		what = "the repository " + ref.Repository
	}
	policy := integration.Document{Title: "Permissions policy " + pullRole + ".json", Text: fmt.Sprintf(`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "SignIn",
      "Effect": "Allow",
      "Action": "ecr:GetAuthorizationToken",
      "Resource": "*"
    },
    {
      "Sid": "Pull",
      "Effect": "Allow",
      "Action": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer"
      ],
      "Resource": "arn:%s:ecr:%s:%s:repository/%s"
    }
  ]
}`, partitionID, code, account, cmp.Or(ref.Repository, "*"))}
	summary := fmt.Sprintf("pull from %s of account %s in %s.", what, account, code)
	list := identityGrants(policy, summary, account, partitionID)
	for i := range list {
		if ref.Repository != "" {
			list[i].Steps = append(list[i].Steps, "For all repositories of the registry, write * in place of "+ref.Repository+" in the policy.")
		}
		list[i].Steps = append(list[i].Steps, "For images that a pull-through cache has still to fetch, add ecr:BatchImportUpstreamImage and ecr:CreateRepository to the actions of Pull.",
			"To see what ECR's scanning found (category SCANNER), add ecr:DescribeImageScanFindings to the actions of Pull.")
	}
	return list
}

func publicGrants(integration.Config, image.Reference) []integration.Grant {
	policy := integration.Document{Title: "Permissions policy " + pullRole + ".json", Text: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "SignIn",
      "Effect": "Allow",
      "Action": [
        "ecr-public:GetAuthorizationToken",
        "sts:GetServiceBearerToken"
      ],
      "Resource": "*"
    }
  ]
}`}
	return identityGrants(policy, "sign in to ECR Public, in any account of the partition aws.", "", partitionOf(publicRegion).id)
}

// identityGrants are for the ways of identityFields. Roles to be assumed are proposed where the account is known.
func identityGrants(policy integration.Document, summary, account, partitionID string) []integration.Grant {
	const putRole = "aws iam put-role-policy --role-name %s --policy-name " + pullRole + " --policy-document file://" + pullRole + ".json"
	const ownRole = "Find the role of the pod (IRSA or EKS Pod Identity), task or machine that Landwaiter runs on: its name stands for LANDWAITER_ROLE"
	const ownUser = "aws iam create-user --user-name " + pullRole
	const ownKey = "aws iam create-access-key --user-name " + pullRole + ", and enter both parts of what it prints."
	const savePolicy = "Save the policy below as " + pullRole + ".json."
	const saveAll = "Save the three policies below under the names in their titles, with what begins with LANDWAITER_ replaced. If the two accounts belong to different companies, agree on an external ID: add \"Condition\": {\"StringEquals\": {\"sts:ExternalId\": \"ID\"}} to the statement of trust.json, and enter the ID as AssumeRole External ID."
	role := integration.Grant{
		Method:    "Container IAM role",
		Settings:  map[string]any{useIAM: true},
		Summary:   "If Landwaiter runs in AWS: no secret is stored. Its role may " + summary,
		Documents: []integration.Document{policy},
		Steps:     []string{ownRole + ".", savePolicy, fmt.Sprintf(putRole, "LANDWAITER_ROLE")},
	}
	keys := integration.Grant{
		Method:    "Access keys",
		Fill:      []string{accessKeyID, secretAccessKey},
		Summary:   "If Landwaiter runs outside AWS. An IAM user of its own may " + summary,
		Documents: []integration.Document{policy},
		Steps: []string{
			ownUser, savePolicy,
			"aws iam put-user-policy --user-name " + pullRole + " --policy-name " + pullRole + " --policy-document file://" + pullRole + ".json",
			ownKey,
		},
	}
	if account == "" {
		return []integration.Grant{role, keys}
	}
	role.Steps[0] = ownRole + ". If it is not in account " + account + ", use AssumeRole instead."
	roleARN := "arn:" + partitionID + ":iam::" + account + ":role/" + pullRole
	assumed := func(method, when, principal string, settings map[string]any, fill, first, last []string) integration.Grant {
		settings[useAssumeRole], settings[assumeRoleID] = true, pullRole
		return integration.Grant{
			Method: method, Settings: settings, Fill: fill,
			Summary: when + " The role " + pullRole + " in account " + account + " may " + summary,
			Documents: []integration.Document{
				policy,
				{Title: "Trust policy trust.json of the role " + pullRole, Text: fmt.Sprintf(`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"AWS": "arn:%s:iam::LANDWAITER_ACCOUNT:%s"},
      "Action": "sts:AssumeRole"
    }
  ]
}`, partitionID, principal)},
				{Title: "Policy assume.json of Landwaiter's own identity", Text: fmt.Sprintf(`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Resource": "%s"
    }
  ]
}`, roleARN)},
			},
			Steps: append(append(first, saveAll,
				"In account "+account+": aws iam create-role --role-name "+pullRole+" --assume-role-policy-document file://trust.json",
				"In account "+account+": "+fmt.Sprintf(putRole, pullRole),
			), last...),
		}
	}
	return []integration.Grant{
		role,
		assumed("Container IAM role and AssumeRole", "If Landwaiter runs in another account of AWS: no secret is stored.", "role/LANDWAITER_ROLE",
			map[string]any{useIAM: true}, nil,
			[]string{ownRole + ", its account for LANDWAITER_ACCOUNT."},
			[]string{"In Landwaiter's account: aws iam put-role-policy --role-name LANDWAITER_ROLE --policy-name landwaiter-assume --policy-document file://assume.json"}),
		keys,
		assumed("Access keys and AssumeRole", "If Landwaiter runs outside AWS and its IAM user is in another account.", "user/"+pullRole,
			map[string]any{}, []string{accessKeyID, secretAccessKey},
			[]string{"In an account of yours, which stands for LANDWAITER_ACCOUNT: " + ownUser},
			[]string{
				"In LANDWAITER_ACCOUNT: aws iam put-user-policy --user-name " + pullRole + " --policy-name landwaiter-assume --policy-document file://assume.json",
				"In LANDWAITER_ACCOUNT: " + ownKey,
			}),
	}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"host-unknown":                   "The host is made of the registry ID and the region: check both, since regions that do not exist have none. In a VPC without a way to the internet, it needs an endpoint for ecr.dkr with private DNS.",
	"wrong-password":                 "AWS lent a password that the registry does not take: check that the registry ID and the region are those of the images' host. A password that was pushed may have been replaced.",
	"blob-host-unreachable":          "Layers come from prod-REGION-starport-layer-bucket.s3.REGION.amazonaws.com: let it be reached, in a VPC by a gateway endpoint of S3.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. Allow the identity ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on that repository; if it is of another account than the registry, the repository's own policy must allow it, too. For images that a pull-through cache has still to fetch, add ecr:BatchImportUpstreamImage and ecr:CreateRepository."
