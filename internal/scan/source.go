package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// source is a layer's compressed stream. It remembers the stream's own error, which the decoder above it would bury: such
// an error is the registry's, everything else is the layer's.
type source struct {
	ctx      context.Context
	body     io.Reader
	read     atomic.Int64
	progress func(read int64)
	err      error // set by the goroutine that reads; read after it ended
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.body.Read(p)
	s.progress(s.read.Add(int64(n)))
	if err != nil && !errors.Is(err, io.EOF) {
		if s.ctx.Err() != nil {
			err = s.ctx.Err()
		}
		s.err = err
	}
	return n, err
}

// limitError is a limit that the layer exceeds.
type limitError struct{ what string }

func (e limitError) Error() string { return e.what }

// meter counts uncompressed bytes and ends the stream when they pass a limit.
type meter struct {
	r          io.Reader
	limits     *Limits
	compressed *atomic.Int64
	image      *tally
	n          int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if e := m.count(int64(n)); e != nil {
		return 0, e
	}
	return n, err
}

// count takes n bytes for unpacked. Those of a sparse file's holes do not come through Read.
func (m *meter) count(n int64) error {
	m.n += n
	total := m.image.bytes.Add(n)
	switch {
	case m.n > m.limits.LayerBytes:
		return limitError{fmt.Sprintf("the layer unpacks to more than %s", size(m.limits.LayerBytes))}
	case total > m.limits.ImageBytes:
		return limitError{fmt.Sprintf("the image unpacks to more than %s", size(m.limits.ImageBytes))}
	case m.n > m.limits.RatioFloor && m.n/m.limits.Ratio > m.compressed.Load():
		return limitError{fmt.Sprintf("the layer unpacks to more than %s and more than %d times its size", size(m.limits.RatioFloor), m.limits.Ratio)}
	}
	return nil
}

func size(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
