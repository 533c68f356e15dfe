package assess

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"
)

// everyMatching rests on newer advisories than any matching does, so that all are outdated.
var everyMatching = Basis{Data: time.Unix(0, math.MaxInt64)}

// Ecosystems are those of the components of all stored images, e.g. "Debian:12", whether there are advisories for them or not.
func (s *Service) Ecosystems(ctx context.Context) ([]string, error) {
	found := map[string]bool{}
	for after := ""; ; {
		list, err := s.o.Store.OutdatedMatchings(ctx, everyMatching, rematchBatch, after)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			after = m.ID
			held, err := readPackages(m.Packages)
			if err != nil {
				continue // from before packages were kept apart; the next matching writes them
			}
			for _, written := range held.all() {
				if ecosystem, _, ok := cutText(written); ok && len(ecosystem) > 0 {
					found[string(ecosystem)] = true
				}
			}
		}
		if len(list) < rematchBatch {
			return slices.Sorted(maps.Keys(found)), nil
		}
	}
}
