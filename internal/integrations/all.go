// Package integrations is the explicit list of registry types.
package integrations

import (
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations/docker"
	"github.com/landwaiter/landwaiter/internal/integrations/ghcr"
	"github.com/landwaiter/landwaiter/internal/integrations/quay"
	"github.com/landwaiter/landwaiter/internal/integrations/rhel"
)

// All returns the types in the order in which people see them.
func All() []integration.Type {
	return []integration.Type{
		docker.Type(),
		quay.Type(),
		rhel.Type(),
		ghcr.Type(),
	}
}
