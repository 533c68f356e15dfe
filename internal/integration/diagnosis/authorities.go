package diagnosis

import (
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
)

// inspectors are products that open TLS connections on the way, as they call themselves in the certificates they make.
var inspectors = regexp.MustCompile(`(?i)\b(zscaler|netskope|fortinet|fortigate|palo alto|blue ?coat|symantec web|forcepoint|websense|cisco umbrella|cisco secure access|sophos|mcafee web|skyhigh|trellix|check ?point|barracuda|iboss|menlo security|mitmproxy|charles proxy|fiddler|portswigger|burp|avast|kaspersky|eset ssl|bitdefender|cato networks|untangle|squid|sonicwall|watchguard|smoothwall|contentkeeper|securly|lightspeed|cloudflare for teams|gateway ca - cloudflare|ssl inspection|tls inspection|ssl proxy|ssl decrypt\w*|web gateway|clearswift|a10 networks|f5 sslo)\b`)

// interceptor says who opens the connection, if the chain gives it away.
func interceptor(chain []distribution.Certificate) string {
	for _, c := range chain {
		if name := inspectors.FindString(c.Issuer); name != "" {
			return "a product that opens connections to inspect them (" + name + ")"
		}
	}
	return ""
}

// authorities sign most certificates of public servers.
var authorities = regexp.MustCompile(`(?i)\b(let's encrypt|digicert|sectigo|comodo|globalsign|amazon|google trust services|godaddy|starfield|entrust|identrust|microsoft (azure|corporation)|zerossl|ssl\.com|certum|buypass|geotrust|rapidssl|thawte|actalis|harica|t-telesec|swisssign|quovadis|trustwave|usertrust|internet security research group|cloudflare, inc|apple)\b`)

func publicAuthority(issuer string) bool { return authorities.MatchString(issuer) }

// publicHosts are registries for everybody, whose certificates every machine can verify.
var publicHosts = regexp.MustCompile(`^(registry-1\.docker\.io|auth\.docker\.io|docker\.io|ghcr\.io|quay\.io|registry\.gitlab\.com|gcr\.io|[a-z]+\.gcr\.io|[a-z0-9-]+-docker\.pkg\.dev|public\.ecr\.aws|[0-9]{12}\.dkr[.-]ecr[a-z-]*\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)|[a-z0-9-]+\.azurecr\.(io|cn|us)|mcr\.microsoft\.com|registry\.(access\.|connect\.)?redhat\.(com|io)|[a-z.]*icr\.io|registry\.k8s\.io|[a-z0-9-]+\.jfrog\.io|registry\.digitalocean\.com|[a-z0-9-]+\.ocir\.io)$`)

func publicHost(host string) bool {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	return publicHosts.MatchString(name)
}
