package assess

import (
	"fmt"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/recent"
)

// pulledBytes bounds what is remembered of manifests and configs: those of some thousand ordinary images.
const pulledBytes = 16 << 20

// newPulledCache remembers what references pointed to, so that an unchanged image costs one HEAD.
func newPulledCache() *recent.Cache[*distribution.Pulled] {
	return recent.New(pulledBytes, pulledWeight)
}

// pulledWeight is about what a pulled image takes in memory: the documents as they came, and as much again for what was read
// of them.
func pulledWeight(key string, p *distribution.Pulled) int64 {
	n := 512 + len(key) + len(p.Config)
	for _, m := range []*image.Manifest{p.Index, p.Manifest} {
		if m != nil {
			n += 2 * len(m.Raw)
		}
	}
	return int64(n)
}

// pulledKey holds the integration's revision: a changed integration may point elsewhere.
func pulledKey(c integration.Candidate, req Request) string {
	return fmt.Sprintf("%s@%d %s %s", c.Integration.ID, c.Integration.Revision, req.Reference, req.Platform)
}
