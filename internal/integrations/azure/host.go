package azure

import (
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/landwaiter/landwaiter/internal/integration"
)

// hostPattern is a login server: the registry's name, a hash if its name may be used by others too, and a region if it is
// the endpoint of one replica.
var hostPattern = regexp.MustCompile(`^[a-z0-9]{5,50}(-[a-z0-9]{1,32})?(\.[a-z0-9]+\.geo)?\.azurecr\.(io|cn|us)$`)

// cloudOf is the cloud that a registry's host, in lower case and without a port, is in.
func cloudOf(host string) (cloud.Configuration, bool) {
	match := hostPattern.FindStringSubmatch(host)
	if match == nil {
		return cloud.Configuration{}, false
	}
	switch match[3] {
	case "cn":
		return cloud.AzureChina, true
	case "us":
		return cloud.AzureGovernment, true
	}
	return cloud.AzurePublic, true
}

// authorities are the names of Microsoft Entra ID in a cloud, by the address that is asked.
var authorities = map[string][]string{
	cloud.AzurePublic.ActiveDirectoryAuthorityHost:     {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com"},
	cloud.AzureChina.ActiveDirectoryAuthorityHost:      {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"},
	cloud.AzureGovernment.ActiveDirectoryAuthorityHost: {"login.microsoftonline.us"},
}

// registryName is the name of a registry, without the hash that only its host has.
func registryName(host string) string {
	name, _, _ := strings.Cut(host, ".")
	name, _, _ = strings.Cut(name, "-")
	return name
}

func detect(host string) (integration.Config, bool) {
	if _, ok := cloudOf(host); !ok {
		return integration.Config{}, false
	}
	return integration.NewConfig(map[string]any{endpoint: host}, nil), true
}
