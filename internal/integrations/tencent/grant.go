package tencent

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	if ref.Registry == "ccr.ccs.tencentyun.com" {
		return []integration.Grant{{
			Method: "Sub-account", Fill: []string{"username", "password"},
			Summary: "A sub-account of its own that may pull and nothing else: the Individual Edition has no service accounts.",
			Steps:   []string{"Enter the sub-account's ID and the password that was set for it when it first used the registry."},
		}}
	}
	namespace, _, _ := strings.Cut(ref.Repository, "/")
	namespace = cmp.Or(namespace, "NAMESPACE")
	return []integration.Grant{{
		Method: "Service account", Fill: []string{"username", "password"},
		Summary: "A service account that may pull from the namespace " + namespace + ", and nothing else.",
		Steps: []string{
			"In the TCR console, open the instance, Access Credentials, Service Account, and create landwaiter with Pull for the namespace " + namespace + ", and an end.",
			"Enter the user name, such as tcr$landwaiter, and the password that are shown then.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the service account's whole name, with its prefix (tcr$NAME; between single quotes in a shell), and the password that was shown when it was made. It may have ended or been disabled.",
	"access-blocked":                 "Let the address that this machine goes out with in: in the console, the instance, Access Control, Public Network. From within a VPC, use the host with -vpc.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. In the console, under Access Credentials, Service Account, give the account Pull for that namespace."
