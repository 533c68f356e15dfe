package ecr

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

func TestDetect(t *testing.T) {
	for host, want := range map[string]string{
		"123456789012.dkr.ecr.us-east-1.amazonaws.com":                        "123456789012 us-east-1",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com:443":                    "123456789012 us-east-1",
		"123456789012.DKR.ECR.US-EAST-1.AMAZONAWS.COM":                        "123456789012 us-east-1",
		"000000000001.dkr.ecr.ap-southeast-7.amazonaws.com":                   "000000000001 ap-southeast-7",
		"123456789012.dkr.ecr.mx-central-1.amazonaws.com":                     "123456789012 mx-central-1",
		"123456789012.dkr.ecr-fips.us-west-2.amazonaws.com":                   "123456789012 us-west-2",
		"123456789012.dkr-ecr.eu-central-1.on.aws":                            "123456789012 eu-central-1",
		"123456789012.dkr-ecr-fips.us-east-2.on.aws":                          "123456789012 us-east-2",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":                    "123456789012 cn-north-1",
		"123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn":     "123456789012 cn-northwest-1",
		"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com":                    "123456789012 us-gov-west-1",
		"123456789012.dkr.ecr-fips.us-gov-east-1.amazonaws.com":               "123456789012 us-gov-east-1",
		"123456789012.dkr-ecr-fips.us-gov-west-1.on.aws":                      "123456789012 us-gov-west-1",
		"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu":                    "123456789012 eusc-de-east-1",
		"123456789012.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu":         "123456789012 eusc-de-east-1",
		"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov":                       "123456789012 us-iso-east-1",
		"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov":                   "123456789012 us-isob-east-1",
		"123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk":                  "123456789012 eu-isoe-west-1",
		"123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov":                 "123456789012 us-isof-south-1",
		"evil-123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example":      "",
		"evil-123456789012.dkr.ecr.us-east-1.amazonaws.com":                   "",
		"evil.123456789012.dkr.ecr.us-east-1.amazonaws.com":                   "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example":           "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.cn":                     "", // not a region of China
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com":                       "", // nor the domain of one
		"123456789012.dkr.ecr.us-east-1.amazonaws.eu":                         "",
		"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.com":                   "",
		"123456789012.dkr.ecr.us-east-1.evilamazonaws.com":                    "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.co":                         "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.":                       "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com\n":                      "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com:8443":                   "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/x":                      "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com@evil.example":           "",
		"12345678901.dkr.ecr.us-east-1.amazonaws.com":                         "",
		"1234567890123.dkr.ecr.us-east-1.amazonaws.com":                       "",
		"12345678901２.dkr.ecr.us-east-1.amazonaws.com":                        "",
		"123456789012xdkr.ecr.us-east-1.amazonaws.com":                        "",
		"123456789012.dkrxecr.us-east-1.amazonaws.com":                        "",
		"123456789012.dkr-ecr.us-east-1.amazonaws.com":                        "", // the dual-stack label with the other domain
		"123456789012.dkr.ecr.us-east-1.on.aws":                               "",
		"123456789012.dkr.ecr.evil.example/.us-east-1.amazonaws.com":          "",
		"123456789012.dkr.ecr.evil.us-east-1.amazonaws.com":                   "",
		"123456789012.dkr.ecr.s3.amazonaws.com":                               "",
		"123456789012.dkr.ecr.us-east-1a.amazonaws.com":                       "",
		"123456789012.dkr.ecr-evil.us-east-1.amazonaws.com":                   "",
		"api.ecr.us-east-1.amazonaws.com":                                     "",
		"public.ecr.aws":                                                      "",
		"docker.io":                                                           "",
		"":                                                                    "",
		strings.Repeat("1", 12) + ".dkr.ecr." + strings.Repeat("a", 1<<16):    "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com?.dkr.ecr.amazonaws.com": "",
	} {
		c, ok := Type().Detect(host)
		got := strings.TrimSpace(c.Text(registryID) + " " + c.Text(region))
		if got != want || ok != (want != "") {
			t.Errorf("%.100q: %q, %t; want %q", host, got, ok, want)
		}
	}
}

func TestDetect_public(t *testing.T) {
	for host, want := range map[string]bool{
		"public.ecr.aws": true, "PUBLIC.ecr.aws:443": true, "ecr-public.aws.com": true,
		"public.ecr.aws.evil.example": false, "xpublic.ecr.aws": false, "public.ecr.aws:80": false, "ecr.aws": false, "": false,
	} {
		if _, ok := PublicType().Detect(host); ok != want {
			t.Errorf("%q: %t", host, ok)
		}
	}
}

// The table of partitions is compared with the SDK's own.
func TestPartitions_are_those_of_the_SDK(t *testing.T) {
	resolver := ecr.NewDefaultEndpointResolverV2()
	for _, code := range []string{
		"us-east-1", "eu-north-1", "ap-southeast-5", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1",
		"eu-isoe-west-1", "us-isof-south-1",
	} {
		if !regionPattern.MatchString(code) {
			t.Errorf("%s is not taken for a region", code)
		}
		suffix := func(dual bool) string {
			at, err := resolver.ResolveEndpoint(context.Background(), ecr.EndpointParameters{Region: aws.String(code), UseDualStack: &dual}.WithDefaults())
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(at.URI.String())
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := strings.Cut(u.Host, code+".")
			return after
		}
		p := partitionOf(code)
		if got := suffix(false); got != p.suffix {
			t.Errorf("%s: the SDK says %s, the table %s", code, got, p.suffix)
		}
		if got := "on." + strings.TrimPrefix(suffix(true), "api."); got != p.dual {
			t.Errorf("%s: the SDK's dual-stack domain makes it %s, the table has %s", code, got, p.dual)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	for _, host := range []string{
		"123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012.dkr-ecr-fips.us-gov-west-1.on.aws",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", "x:443", "",
	} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		account, code, ok := parseHost(host)
		if !ok {
			return
		}
		if !accountPattern.MatchString(account) || !regionPattern.MatchString(code) {
			t.Fatalf("%q gives %q, %q", host, account, code)
		}
		if !slices.Contains(hostsOf(account, code), canonical(host)) {
			t.Fatalf("%q is no host of %s in %s", host, account, code)
		}
	})
}
