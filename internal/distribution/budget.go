package distribution

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Budget bounds the requests that all sources with the same budget make together, whatever host they go to. A layer that is
// being read is a request. Zero fields are no bound.
type Budget struct {
	Of         string  // the ID of the integration
	PerSecond  float64 // requests are spaced evenly
	Concurrent int
}

// An allowance keeps one budget.
type allowance struct {
	Budget
	pace  *rate.Limiter
	slots chan struct{} // nil for no bound
}

func newAllowance(b Budget) *allowance {
	a := &allowance{Budget: b, pace: rate.NewLimiter(rate.Inf, 1)}
	if b.PerSecond > 0 {
		a.pace.SetLimit(rate.Limit(b.PerSecond))
	}
	if b.Concurrent > 0 {
		a.slots = make(chan struct{}, b.Concurrent)
	}
	return a
}

// enter waits until one more request may be made. The returned function ends it.
func (a *allowance) enter(ctx context.Context) (leave func(), err error) {
	leave = func() {}
	if a.slots != nil {
		select {
		case a.slots <- struct{}{}:
			leave = func() { <-a.slots }
		case <-ctx.Done():
			return nil, a.exhausted(fmt.Sprintf("%d concurrent requests", a.Concurrent), "connection.concurrentRequests", context.Cause(ctx))
		}
	}
	if a.pace.Wait(ctx) != nil {
		leave()
		cause := context.Cause(ctx)
		if cause == nil { // the deadline is too near to wait
			cause = context.DeadlineExceeded
		}
		return nil, a.exhausted(fmt.Sprintf("%g requests per second", a.PerSecond), "connection.requestsPerSecond", cause)
	}
	return leave, nil
}

func (a *allowance) exhausted(limit, setting string, cause error) error {
	return fault.Wrap(fault.Limited, "", "waited for the integration's own limit of "+limit, cause).
		WithFix("Raise %s of the integration, or ask it for less at the same time.", setting)
}
