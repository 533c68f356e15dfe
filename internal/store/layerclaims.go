package store

import (
	"context"
	"encoding/hex"
	"io"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	claimHolds = 30 * time.Second // after a server has died; one that lives prolongs it
	claimPoll  = 200 * time.Millisecond
)

// ClaimLayer waits until no other server reads the layer, and keeps the claim until release.
func (s *Store) ClaimLayer(ctx context.Context, key string) (release func(), err error) {
	const op = "claim layer"
	id := make([]byte, 16)
	if _, err := io.ReadFull(s.rand, id); err != nil {
		return nil, fault.Wrap(fault.Internal, op, key, err)
	}
	name, holder := "layer "+key, hex.EncodeToString(id)
	take := func(ctx context.Context, hold time.Duration) (bool, error) {
		now := s.now()
		return s.TakeLease(ctx, name, holder, now, now.Add(hold))
	}
	for {
		mine, err := take(ctx, claimHolds)
		if err != nil {
			return nil, err
		}
		if mine {
			break
		}
		select {
		case <-time.After(claimPoll):
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Unavailable, op, key, ctx.Err())
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		prolong := time.NewTicker(claimHolds / 3)
		defer prolong.Stop()
		for {
			select {
			case <-prolong.C:
				_, _ = take(ctx, claimHolds) // if it is lost, a layer is read twice, and nothing worse happens
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
		// With it go those that servers left which have died. If this fails, the claim ends by itself.
		_, _ = s.writer.ExecContext(context.WithoutCancel(ctx), `DELETE FROM leases WHERE name = $1 AND holder = $2 OR until < $3`,
			name, holder, nanos(s.now().Add(-time.Hour)))
	}, nil
}
