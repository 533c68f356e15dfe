package ecr

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/landwaiter/landwaiter/internal/integration"
)

// A host that could choose to be asked with the machine's identity could pass what was signed on to AWS.
func TestEndpoint_of_others_is_not_shown_the_machines_identity(t *testing.T) {
	for at, own := range map[string]bool{
		"https://vpce-0a1b-2c3d.api.ecr.us-east-1.vpce.amazonaws.com":            true,
		"https://vpce-0a1b-2c3d-us-east-1a.api.ecr.us-east-1.vpce.amazonaws.com": true,
		"https://api.ecr.us-east-1.amazonaws.com":                                true,
		"https://ecr-fips.us-east-1.amazonaws.com":                               true,
		"https://ecr.us-east-1.api.aws":                                          true,
		"https://evil.example":                                                   false,
		"https://api.ecr.us-east-1.amazonaws.com.evil.example":                   false,
		"https://evil.execute-api.us-east-1.amazonaws.com":                       false,
		"https://vpce-1-x.vpce-svc-2.us-east-1.vpce.amazonaws.com":               false,
		"https://vpce-1.evil.api.ecr.us-east-1.vpce.amazonaws.com":               false,
		"https://api.ecr.eu-west-1.amazonaws.com":                                false,
		"https://api.ecr.us-east-1.amazonaws.com:8443":                           false,
		"https://169.254.170.23":                                                 false,
	} {
		c := integration.NewConfig(map[string]any{registryID: "123456789012", region: "us-east-1", useIAM: true, endpoint: at}, nil)
		if problems := check(c, nil); (len(problems) == 0) != own {
			t.Errorf("%s: %v", at, problems)
		}
		if _, err := open(c, integration.Deps{}); (err == nil) != own {
			t.Errorf("%s: open: %v", at, err)
		}
	}
	for region, host := range map[string]string{
		"cn-north-1": "ecr.cn-north-1.api.amazonwebservices.com.cn", "us-gov-west-1": "ecr-fips.us-gov-west-1.api.aws",
		"eusc-de-east-1": "vpce-0a1b.api.ecr.eusc-de-east-1.vpce.amazonaws.eu", "us-iso-east-1": "ecr.us-iso-east-1.api.aws.ic.gov",
	} {
		if !isAPI(host, region) {
			t.Errorf("%s is not taken for the API in %s", host, region)
		}
	}
}

// The names that are known here are those that the SDK makes, in every partition.
func TestIsAPI_knows_the_SDKs_names(t *testing.T) {
	for _, region := range []string{
		"us-east-1", "ap-southeast-7", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1",
	} {
		for _, variant := range []ecr.EndpointParameters{
			{Region: &region}, {Region: &region, UseFIPS: aws.Bool(true)}, {Region: &region, UseDualStack: aws.Bool(true)},
			{Region: &region, UseFIPS: aws.Bool(true), UseDualStack: aws.Bool(true)},
		} {
			at, err := ecr.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), variant)
			if err != nil {
				t.Logf("%s: %v", region, err) // the variant does not exist there
				continue
			}
			if !isAPI(at.URI.Host, region) {
				t.Errorf("%s is not taken for the API in %s", at.URI.Host, region)
			}
		}
	}
}
