package distribution

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func read(c *Client, src Source, d image.Descriptor) ([]byte, error) {
	r, err := c.Blob(context.Background(), src, "team/app", d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestBlob(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)

	t.Run("of_a_real_registry", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true})
		d := r.PutBlob(t, "team/app", registrytest.MediaTypeLayer, content)
		b := newBench(t, Options{})
		got, err := read(b.Client, source(t, r.URL), d)
		ok(t, err)
		if !bytes.Equal(got, content) {
			t.Error("other bytes came")
		}
		wantDid(t, b, "GET challenge, GET token, GET blob")
		d.Digest = image.DigestOf([]byte("else"))
		_, err = read(b.Client, source(t, r.URL), d)
		wantFault(t, err, fault.NotFound, "BLOB_UNKNOWN")
	})

	start := func(t *testing.T, q registrytest.Quirks) (*registrytest.Fake, *bench, Source, image.Descriptor) {
		f := registrytest.NewFake(t, nil, q)
		return f, newBench(t, Options{IdleTimeout: 200 * time.Millisecond}), source(t, f.URL), f.PutBlob(t, "team/app", registrytest.MediaTypeLayer, content)
	}

	t.Run("continued_after_breaking_off", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{CutBlobAfter: 100_000})
		got, err := read(b.Client, src, d)
		ok(t, err)
		if !bytes.Equal(got, content) {
			t.Error("other bytes came")
		}
		var ranges []string
		for _, r := range f.Requests() {
			ranges = append(ranges, r.Range)
		}
		if len(ranges) != 4 || ranges[0] != "" || !strings.HasPrefix(ranges[3], "bytes=") {
			t.Errorf("ranges %q", ranges)
		}
	})

	t.Run("continued_without_ranges", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{CutBlobAfter: 100_000, NoRange: true})
		r, err := b.Blob(context.Background(), src, "team/app", d)
		ok(t, err)
		defer r.Close()
		_, err = io.ReadFull(r, make([]byte, 50_000))
		ok(t, err)
		f.Set(registrytest.Quirks{NoRange: true})
		rest, err := io.ReadAll(r)
		ok(t, err)
		if !bytes.Equal(rest, content[50_000:]) {
			t.Error("other bytes came")
		}
	})

	t.Run("continued_after_a_stall", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{StallBlobAfter: 200_000})
		got, err := read(b.Client, src, d)
		ok(t, err)
		if !bytes.Equal(got, content) {
			t.Error("other bytes came")
		}
	})

	t.Run("stalls_for_ever", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{StallBlobAfter: 1})
		started := time.Now()
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Unavailable, "stalled", "no byte for 200ms")
		if took := time.Since(started); took > 4*time.Second {
			t.Errorf("took %s", took)
		}
		if !answered(t, err).Temporary {
			t.Error("trying again may help")
		}
	})

	t.Run("breaks_off_for_ever", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{CutBlobAfter: 1})
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Unavailable, "broke off")
		if n := len(f.Requests()); n != maxResumes+1 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("slow_consumer_is_no_stall", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{})
		r, err := b.Blob(context.Background(), src, "team/app", d)
		ok(t, err)
		defer r.Close()
		_, err = io.ReadFull(r, make([]byte, 10))
		ok(t, err)
		time.Sleep(500 * time.Millisecond)
		_, err = io.Copy(io.Discard, r)
		ok(t, err)
	})

	t.Run("damaged", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{})
		f.Corrupt(d.Digest, append([]byte("X"), content[1:]...))
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Invalid, string(d.Digest), image.DigestOf(append([]byte("X"), content[1:]...)).Hex())
	})

	t.Run("longer_than_the_manifest_says", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{})
		f.Corrupt(d.Digest, append(content, 'X'))
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Invalid, "320001 bytes", "320000")
	})

	t.Run("shorter_than_the_manifest_says", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{})
		f.Corrupt(d.Digest, content[1:])
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Invalid, "319999 bytes", "320000")
	})

	t.Run("endless", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{EndlessBody: true})
		got, err := read(b.Client, src, d)
		wantFault(t, err, fault.Invalid, "more bytes come than the 320000")
		if len(got) > len(content) {
			t.Errorf("%d bytes handed on", len(got))
		}
	})

	t.Run("size_not_known", func(t *testing.T) {
		for _, size := range []int64{image.SizeUnknown, 0} {
			f, b, src, d := start(t, registrytest.Quirks{})
			d.Size = size
			got, err := read(b.Client, src, d)
			ok(t, err)
			if !bytes.Equal(got, content) {
				t.Error("other bytes came")
			}
			small := newBench(t, Options{MaxBlob: 1000})
			f.Set(registrytest.Quirks{EndlessBody: true})
			got, err = read(small.Client, src, d)
			wantFault(t, err, fault.Invalid, "more bytes come than the 1000")
			if len(got) > 1000 {
				t.Errorf("%d bytes handed on", len(got))
			}
		}
	})

	t.Run("empty", func(t *testing.T) {
		f, b, src, _ := start(t, registrytest.Quirks{})
		got, err := read(b.Client, src, f.PutBlob(t, "team/app", "", nil))
		ok(t, err)
		if len(got) != 0 {
			t.Error("bytes of an empty blob")
		}
	})

	t.Run("larger_than_allowed_is_not_asked_for", func(t *testing.T) {
		f, b, src, d := start(t, registrytest.Quirks{})
		d.Size = 1 << 40
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Invalid, "limit")
		if len(f.Requests()) != 0 {
			t.Error("it was asked for")
		}
	})

	t.Run("content_encoding_that_was_not_asked_for", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{Gzip: true})
		d.Size = 0
		_, err := read(b.Client, src, d)
		wantFault(t, err, fault.Invalid, "content encoding gzip")
	})

	t.Run("foreign_layer", func(t *testing.T) {
		elsewhere := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f, b, src, d := start(t, registrytest.Quirks{})
		d.URLs = []string{elsewhere.URL + "/layer"}
		_, err := read(b.Client, src, d)
		ok(t, err) // the registry has it all the same
		d.Digest = image.DigestOf([]byte("elsewhere"))
		_, err = read(b.Client, src, d)
		wantFault(t, err, fault.NotFound, "fetch it from elsewhere, which is not done", "nondistributable")
		if len(elsewhere.Requests())+len(f.Requests()) != 2 {
			t.Error("the address was followed")
		}
	})

	t.Run("cancelled", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{StallBlobAfter: 10})
		ctx, cancel := context.WithCancel(context.Background())
		r, err := b.Blob(ctx, src, "team/app", d)
		ok(t, err)
		defer r.Close()
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err = io.ReadAll(r)
		wantFault(t, err, fault.Unavailable, "context canceled")
	})

	t.Run("odd_arguments", func(t *testing.T) {
		_, b, src, d := start(t, registrytest.Quirks{})
		_, err := b.Blob(context.Background(), src, "../secrets", d)
		wantFault(t, err, fault.Invalid, "not a repository name")
		_, err = b.Blob(context.Background(), src, "team/app", image.Descriptor{Digest: "sha256:x"})
		wantFault(t, err, fault.Invalid)
	})
}
