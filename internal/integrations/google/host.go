package google

import (
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration"
)

var (
	// The sovereign cloud of S3NS has one host for all its locations.
	artifactRegistryHost  = regexp.MustCompile(`^([a-z][a-z0-9]*(-[a-z0-9]+)*-docker\.pkg\.dev|docker\.s3nsregistry\.fr)$`)
	containerRegistryHost = regexp.MustCompile(`^((us|eu|asia)\.)?gcr\.io$`)
)

func isContainerRegistry(host string) bool { return containerRegistryHost.MatchString(host) }

// isGoogle reports whether a host, in lower case and without a port, is a registry that Google runs.
func isGoogle(host string) bool {
	return isContainerRegistry(host) || artifactRegistryHost.MatchString(host)
}

func detect(is func(host string) bool) func(host string) (integration.Config, bool) {
	return func(host string) (integration.Config, bool) {
		if !is(host) {
			return integration.Config{}, false
		}
		return integration.NewConfig(map[string]any{endpoint: host}, nil), true
	}
}

// projectPattern allows the IDs that there are and those that older projects have. The domain of a project has a dot; the
// name of a sovereign cloud before the colon has none.
var projectPattern = regexp.MustCompile(`^([a-z0-9-]+(\.[a-z0-9-]+)*:|[a-z0-9-]+(\.[a-z0-9-]+)+/)?[a-z0-9][a-z0-9-]{0,62}$`)

// projectPath is a project as it begins a repository's name. In there, the colon of a project that belongs to a domain
// ("example.com:app") is a slash.
func projectPath(project string) (string, bool) {
	project = strings.ToLower(project)
	return strings.Replace(project, ":", "/", 1), project == "" || projectPattern.MatchString(project)
}

func inProject(path, repository string) bool {
	if path == "" {
		return true
	}
	rest, ok := strings.CutPrefix(strings.ToLower(repository), path)
	return ok && rest != "" && rest[0] == '/'
}
