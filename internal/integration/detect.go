package integration

import (
	"regexp"
	"strings"
)

// DetectHost is the Detect of types whose hosts a pattern knows and whose only setting that a host gives away is endpoint.
// The pattern must match the whole host, written in lower case; it should name the vendor's domain, since a host that is
// wrongly taken for a vendor's would be sent that vendor's credential.
func DetectHost(pattern string) func(host string) (Config, bool) {
	whole := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	return func(host string) (Config, bool) {
		host = strings.ToLower(host)
		if !whole.MatchString(host) {
			return Config{}, false
		}
		return NewConfig(map[string]any{"endpoint": host}, nil), true
	}
}
