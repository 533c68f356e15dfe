package diagnosis

import (
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// ImageOf reads the name of an image that an integration is to be tested with; "" gives the zero reference. It refuses an
// image that the integration does not serve, whose test would say nothing about it.
func ImageOf(c integration.Candidate, name string) (image.Reference, error) {
	if name == "" {
		return image.Reference{}, nil
	}
	ref, err := image.ParseReference(name)
	if err != nil {
		return image.Reference{}, err
	}
	if !c.Registry.Serves(ref) {
		return image.Reference{}, fault.New(fault.Invalid, "test integration", "it is not for %s: its registry is %s", ref, c.Registry.Endpoint(image.Reference{}).RegistryHost()).
			WithFix("Name an image of that registry. `landwaiter image explain IMAGE` tells which integrations are for an image.")
	}
	return ref, nil
}
