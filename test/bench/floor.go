//go:build linux

package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/landwaiter/landwaiter/internal/inflate"
)

// floor does what a scanner that trusts nothing cannot leave out: it downloads an image's layers, two at a time as landwaiter
// does, decompresses them with the decoders that landwaiter uses, steps through the archives, and computes digests and diff
// IDs. Layers before first are left out.
func floor(ctx context.Context, ref string, args []string) error {
	first := 0
	if len(args) > 0 {
		var err error
		if first, err = strconv.Atoi(args[0]); err != nil {
			return err
		}
	}
	host, rest, _ := strings.Cut(ref, "/")
	repository, tag, _ := strings.Cut(rest, ":")
	from := "http://" + host + "/v2/" + repository
	body, err := get(ctx, from+"/manifests/"+tag)
	if err != nil {
		return err
	}
	defer body.Close()
	var manifest v1.Manifest
	if err := json.NewDecoder(body).Decode(&manifest); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, l := range manifest.Layers[first:] {
		group.Go(func() error { return floorLayer(ctx, from+"/blobs/"+l.Digest.String(), l.Digest.Hex) })
	}
	return group.Wait()
}

func floorLayer(ctx context.Context, url, digest string) error {
	body, err := get(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	reader, writer := io.Pipe()
	sum := sha256.New()
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(sum, writer)}, struct{ io.Reader }{body}, make([]byte, 256<<10))
		writer.CloseWithError(err)
	}()
	in := bufio.NewReaderSize(reader, 256<<10)
	plain, err := decoder(in)
	if err != nil {
		return err
	}
	plain = io.TeeReader(plain, sha256.New())
	for t := tar.NewReader(plain); ; {
		if _, err := t.Next(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	for _, rest := range []io.Reader{plain, in} {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != digest {
		return fmt.Errorf("%s has digest %s", url, got)
	}
	return nil
}

func decoder(r *bufio.Reader) (io.Reader, error) {
	magic, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return inflate.NewReader(r), nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	}
	return r, nil
}

func get(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return resp.Body, nil
}

// pullArchive saves an image as `docker save` does, for scanners that read nothing else.
func pullArchive(from, to string) error {
	ref, err := name.ParseReference(from)
	if err != nil {
		return err
	}
	img, err := remote.Image(ref)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(to, ref, img)
}
