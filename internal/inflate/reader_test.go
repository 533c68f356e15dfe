package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	kgzip "github.com/klauspost/compress/gzip"
)

// samples are texts of different kinds: how they are packed depends on that.
func samples() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var text, far bytes.Buffer
	for text.Len() < 400_000 {
		fmt.Fprintf(&text, "%x,%d\n", random.Uint64()>>random.IntN(60), random.IntN(50))
	}
	for range 20 {
		far.Write(noise[:window-100+random.IntN(200)])
	}
	skewed := make([]byte, 200_000)
	for i := range skewed {
		skewed[i] = byte(int(random.ExpFloat64() * 9)) // rare bytes get long codes
	}
	return map[string][]byte{
		"nothing": nil, "one_byte": {7}, "noise": noise, "text": text.Bytes(), "zeros": make([]byte, 1<<20), "skewed": skewed,
		"far_matches": far.Bytes(), "pairs": bytes.Repeat([]byte("ab"), 1000), "sevens": bytes.Repeat([]byte("abcdefg"), 50_000),
		"run_of_a_length": append(append(bytes.Clone(noise[:50]), make([]byte, 258)...), noise[:50]...),
	}
}

func packed(t testing.TB, level int, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// next reads all with buffers of a size.
func next(src io.Reader, size int) (all []byte, err error) {
	d, buf := NewReader(src), make([]byte, size)
	for {
		b, err := d.Next(buf)
		all = append(all, b...)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
		if len(b) == 0 {
			return all, errors.New("neither bytes nor an error")
		}
	}
}

func TestUnpacks(t *testing.T) {
	for name, plain := range samples() {
		t.Run(name, func(t *testing.T) {
			for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression} {
				z := packed(t, level, plain)
				for how, src := range map[string]func(io.Reader) io.Reader{
					"byte_by_byte": iotest.OneByteReader, "halves": iotest.HalfReader, "error_with_the_last_bytes": iotest.DataErrReader,
				} {
					if got, err := next(src(bytes.NewReader(z)), MinBuffer+1000); err != nil || !bytes.Equal(got, plain) {
						t.Fatalf("level %d, %s: %d of %d bytes, %v", level, how, len(got), len(plain), err)
					}
				}
				for _, size := range []int{MinBuffer, 300_000} {
					if got, err := next(bytes.NewReader(z), size); err != nil || !bytes.Equal(got, plain) {
						t.Fatalf("level %d, buffers of %d: %d of %d bytes, %v", level, size, len(got), len(plain), err)
					}
				}
				if got, err := io.ReadAll(NewReader(bytes.NewReader(z))); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("level %d, Read: %d of %d bytes, %v", level, len(got), len(plain), err)
				}
			}
		})
	}
}

func TestMembers(t *testing.T) {
	text := samples()["text"]
	z := append(packed(t, 6, text[:100_000]), packed(t, 1, nil)...)
	z = append(z, packed(t, 9, text[100_000:])...)
	got, err := next(bytes.NewReader(z), MinBuffer)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	t.Run("do_not_see_each_other", func(t *testing.T) {
		// A match in the second member that reaches back into the first.
		var b bytes.Buffer
		w, _ := flate.NewWriterDict(&b, 9, text[:1000])
		_, _ = w.Write(text[:1000])
		_ = w.Close()
		second := append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), b.Bytes()...)
		sum := crc32.ChecksumIEEE(text[:1000])
		second = append(second, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24), 1000&255, 1000>>8, 0, 0)
		_, err := next(bytes.NewReader(append(packed(t, 6, text[:1000]), second...)), MinBuffer)
		if c := CorruptError(0); !errors.As(err, &c) {
			t.Error(err)
		}
	})
	t.Run("headers", func(t *testing.T) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Header = gzip.Header{Name: "name", Comment: "comment", Extra: []byte("extra")}
		_, _ = w.Write(text)
		_ = w.Close()
		got, err := next(&b, MinBuffer)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestErrorsOfTheSource(t *testing.T) {
	broken := errors.New("broken")
	z := packed(t, 6, samples()["text"])
	for _, at := range []int{0, 3, 10, 11, 5000, len(z) - 9, len(z) - 1} {
		src := io.MultiReader(bytes.NewReader(z[:at]), iotest.ErrReader(broken))
		if _, err := next(src, MinBuffer); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", at, err)
		}
	}
	if _, err := next(iotest.ErrReader(nil), MinBuffer); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a source without progress: %v", err)
	}
}

// TestAsTheStandardLibrary damages streams in every byte of their beginning and at random.
func TestAsTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for name, plain := range samples() {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			z := packed(t, level, plain[:min(len(plain), 50_000)])
			for i := range min(len(z), 120) {
				b := bytes.Clone(z)
				b[i] ^= 1 << random.IntN(8)
				agree(t, b)
			}
			for range 15 {
				b := bytes.Clone(z)
				for range 1 + random.IntN(3) {
					b[random.IntN(len(b))] = byte(random.Uint32())
				}
				agree(t, b)
				agree(t, b[:random.IntN(len(b))])
			}
			if t.Failed() {
				t.Fatal(name, level)
			}
		}
	}
}

func FuzzAsTheStandardLibrary(f *testing.F) {
	for name, plain := range samples() {
		if len(plain) > 3000 {
			plain = plain[:3000]
		}
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			f.Add(packed(f, level, plain))
		}
		if name == "text" {
			f.Add(append(packed(f, 6, plain), packed(f, 6, plain)...))
		}
	}
	f.Fuzz(func(t *testing.T, z []byte) { agree(t, z) })
}

// agree compares what comes out of a stream, good or bad, with what compress/gzip makes of it.
func agree(t *testing.T, z []byte) {
	t.Helper()
	const most = 16 << 20
	var want []byte
	r, wantErr := gzip.NewReader(bytes.NewReader(z))
	if wantErr == nil {
		want, wantErr = io.ReadAll(io.LimitReader(r, most))
	} else if errors.Is(wantErr, io.EOF) && len(z) == 0 {
		wantErr = nil // nothing at all is no error here
	}
	got, err := io.ReadAll(io.LimitReader(NewReader(bytes.NewReader(z)), most))
	if len(want) == most || len(got) == most {
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%v, but the standard library says %v", err, wantErr)
	}
	if err == nil && !bytes.Equal(got, want) {
		t.Errorf("%d bytes instead of %d", len(got), len(want))
	}
	// Where both stop at damage, they need not have handed out equally much.
	if n := min(len(got), len(want)); !bytes.Equal(got[:n], want[:n]) {
		t.Errorf("other bytes before the damage")
	}
}

func BenchmarkGunzip(b *testing.B) {
	plain := bytes.Repeat(samples()["text"], 40)
	z := packed(b, 6, plain)
	buf := make([]byte, MinBuffer+256<<10)
	for _, of := range []struct {
		name string
		open func(io.Reader) (io.Reader, error)
	}{
		{"own", nil},
		{"klauspost", func(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) }},
		{"standard_library", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	} {
		b.Run(of.name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				n, src := int64(0), bytes.NewReader(z)
				if of.open == nil {
					d := NewReader(src)
					for p, err := d.Next(buf); err == nil; p, err = d.Next(buf) {
						n += int64(len(p))
					}
				} else {
					r, err := of.open(src)
					if err != nil {
						b.Fatal(err)
					}
					n, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf)
				}
				if n != int64(len(plain)) {
					b.Fatal(n)
				}
			}
		})
	}
}
