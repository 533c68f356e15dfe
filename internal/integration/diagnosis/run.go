package diagnosis

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// A Run tests the connection of an opened integration step by step. ref is an image to get, or the zero reference. emit is
// called for each step as soon as it is judged, before the next one begins.
type Run func(ctx context.Context, c integration.Candidate, ref image.Reference, emit func(Step)) *Diagnosis
