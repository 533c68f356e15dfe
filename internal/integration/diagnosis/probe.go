package diagnosis

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
)

// A Prober is an opened registry whose type can look at more than all registries have in common: a cloud's identity, the
// rights behind it, an API of the vendor's. Its steps come after the challenge and before the credential is tried, so that a
// credential that cannot be had is explained by what stands behind it.
type Prober interface {
	// Probe looks at one thing after another and reports each. It changes nothing, asks only hosts that the integration owns or
	// the cloud's own, and returns when the context ends.
	Probe(ctx context.Context, p Probing)
}

// Probing is what a probe works with.
type Probing struct {
	Ref image.Reference // the image that was named; its repository is empty if none was
	// Get sends GET to a path of the endpoint's own host, with the credential unless it is the zero value. Nothing is followed,
	// kept or tried twice; errors and answers hold no secret.
	Get func(ctx context.Context, path string, as distribution.Credential) (distribution.Answer, error)
	// Report adds a step. Its ID begins with the type's ID and a hyphen: "ecr-identity". Took is filled in.
	Report func(Step)
}
