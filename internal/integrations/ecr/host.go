package ecr

import (
	"regexp"
	"slices"
	"strings"
)

// A partition is a group of regions that share nothing with the others: neither accounts nor keys nor domains.
type partition struct {
	id           string // as ARNs write it
	regionPrefix string
	suffix, dual string // what ends the names of its IPv4 and of its dual-stack registries
}

// partitions end with the one that has every region which no other has.
var partitions = []partition{
	{"aws-cn", "cn-", "amazonaws.com.cn", "on.amazonwebservices.com.cn"},
	{"aws-us-gov", "us-gov-", "amazonaws.com", "on.aws"},
	{"aws-eusc", "eusc-", "amazonaws.eu", "on.amazonwebservices.eu"},
	{"aws-iso", "us-iso-", "c2s.ic.gov", "on.aws.ic.gov"},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "on.aws.scloud"},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "on.cloud-aws.adc-e.uk"},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "on.aws.hci.ic.gov"},
	{"aws", "", "amazonaws.com", "on.aws"},
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,12}){1,2}-[0-9]{1,2}$`)
	vpcePattern    = regexp.MustCompile(`^vpce-[a-z0-9-]+$`)
	hostPattern    = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+$`)
)

func partitionOf(region string) partition {
	i := slices.IndexFunc(partitions, func(p partition) bool { return strings.HasPrefix(region, p.regionPrefix) })
	return partitions[i]
}

// hostsOf are all names of one account's registry in one region, the usual one first. Both parts must have been checked.
func hostsOf(account, region string) []string {
	p := partitionOf(region)
	return []string{
		account + ".dkr.ecr." + region + "." + p.suffix,
		account + ".dkr.ecr-fips." + region + "." + p.suffix,
		account + ".dkr-ecr." + region + "." + p.dual,
		account + ".dkr-ecr-fips." + region + "." + p.dual,
	}
}

// parseHost reads whose registry a host is.
func parseHost(host string) (account, region string, ok bool) {
	host = canonical(host)
	m := hostPattern.FindStringSubmatch(host)
	if m == nil || !regionPattern.MatchString(m[2]) || !slices.Contains(hostsOf(m[1], m[2]), host) {
		return "", "", false
	}
	return m[1], m[2], true
}

// isAPI reports whether a host is one of the ECR API's own in the region, a private endpoint's included. Nobody else can have
// a name like these: other people's endpoint services are under vpce-svc-... and not under api.ecr.
func isAPI(host, region string) bool {
	p := partitionOf(region)
	private, isPrivate := strings.CutSuffix(host, ".api.ecr."+region+".vpce."+p.suffix)
	dual := "api." + strings.TrimPrefix(p.dual, "on.")
	switch host {
	case "api.ecr." + region + "." + p.suffix, "api.ecr-fips." + region + "." + p.suffix, "ecr." + region + "." + p.suffix, "ecr-fips." + region + "." + p.suffix,
		"ecr." + region + "." + dual, "ecr-fips." + region + "." + dual:
		return true
	}
	return isPrivate && vpcePattern.MatchString(private)
}

// canonical is a host without what does not matter: case and the default port.
func canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":443") }
