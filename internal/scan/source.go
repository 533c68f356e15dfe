package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
)

// source is a layer's compressed stream. It remembers the stream's own error, which the decoder above it would bury: such
// an error is the registry's, everything else is the layer's.
type source struct {
	ctx      context.Context
	body     io.Reader
	read     atomic.Int64
	progress func(read int64)
	failed   atomic.Pointer[error]
}

func (s *source) err() error {
	if e := s.failed.Load(); e != nil {
		return *e
	}
	return nil
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.failed.Store(&err)
		return 0, err
	}
	n, err := s.body.Read(p)
	s.progress(s.read.Add(int64(n)))
	if err != nil && !errors.Is(err, io.EOF) {
		if s.ctx.Err() != nil {
			err = s.ctx.Err()
		}
		s.failed.Store(&err)
	}
	return n, err
}

// limitError is a limit that the layer exceeds.
type limitError struct{ what string }

func (e limitError) Error() string { return e.what }

// meter counts uncompressed bytes and ends the stream when they pass a limit.
type meter struct {
	r          *readAhead
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

// Seek lets archive/tar pass over what nobody looks into; it goes forward from where the reader is, nowhere else.
func (m *meter) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errors.ErrUnsupported
	}
	for offset > 0 {
		n, err := m.skip(offset)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return m.n, err
		}
		offset -= n
	}
	return m.n, nil
}

// drain passes over all that is left.
func (m *meter) drain() error {
	for {
		if _, err := m.skip(math.MaxInt64); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func (m *meter) skip(most int64) (int64, error) {
	n, err := m.r.skip(most)
	return n, cmp.Or(err, m.count(n))
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
