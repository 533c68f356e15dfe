package distribution

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// pause says how long to wait before another attempt, the attempt-th having failed with err.
func (c *Client) pause(ctx context.Context, err error, attempt int) (time.Duration, bool) {
	var e *Error
	if !errors.As(err, &e) || !e.again || attempt >= c.o.MaxAttempts || e.RetryAfter > c.o.MaxRetryAfter {
		return 0, false
	}
	wait := e.RetryAfter
	if wait == 0 {
		wait = c.backoff(attempt)
	}
	if deadline, ok := ctx.Deadline(); ok && c.o.Now().Add(wait).After(deadline) {
		return 0, false
	}
	return wait, true
}

func (c *Client) backoff(attempt int) time.Duration {
	wait := min(firstBackoff<<(attempt-1), maxBackoff)
	return wait/2 + time.Duration(float64(wait/2)*c.o.Jitter())
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// worthAnotherAttempt are the statuses that pass by themselves.
func worthAnotherAttempt(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads the header's seconds or date. A date is compared with the server's own clock where it tells it.
func retryAfter(header http.Header, now time.Time) time.Duration {
	const longest = 30 * 24 * time.Hour
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(max(0, min(seconds, int64(longest/time.Second)))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(0, min(at.Sub(now), longest))
}
