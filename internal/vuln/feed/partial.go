package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// A partial is a file whose transfer has begun, as it is noted beside it.
type partial struct {
	URL     string    `json:"url"`
	Version string    `json:"version"`
	Total   int64     `json:"total"` // -1 when the server does not say
	Sums    announced `json:"sums"`
	file    *os.File  // its bytes so far
	size    int64     // how many
	note    string    // path of the note
}

// download gets a file into path+".part", which it returns open, whole and verified. What came of an earlier attempt, of this process
// or another, is continued if the server still has the same file. It reports unchanged if known is still the server's version.
func (f *fetcher) download(ctx context.Context, address, path, known string, limit int64, progress func(done, total int64)) (file *os.File, now string, unchanged bool, err error) {
	p, err := openPartial(address, path)
	if err != nil {
		return nil, "", false, err
	}
	again := true // the bytes were damaged: once more from the beginning
	err = f.retry(ctx, func() (bool, error) {
		before := p.size
		var err error
		unchanged, err = f.proceed(ctx, p, known, limit, progress)
		if err == nil && !unchanged {
			err = p.verify()
		}
		if errors.Is(err, errBytes) || errors.Is(err, errChanged) {
			if dropped := p.restart(); dropped != nil {
				return false, dropped
			}
			if again {
				again = false
				return false, errors.New(err.Error())
			}
		}
		return p.size > before, err
	})
	if err != nil || unchanged {
		p.file.Close()
		if p.size == 0 {
			removePartial(path)
		}
		return nil, known, unchanged, explained(address, err)
	}
	return p.file, p.Version, false, nil
}

func openPartial(address, path string) (*partial, error) {
	p := &partial{note: path + ".part.json"}
	file, err := os.OpenFile(path+".part", os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	p.file = file
	if raw, err := os.ReadFile(p.note); err != nil || json.Unmarshal(raw, p) != nil || p.URL != address {
		p.URL = address
		return p, p.restart()
	}
	p.size, err = file.Seek(0, io.SeekEnd)
	return p, err
}

func (p *partial) restart() error {
	p.Version, p.Total, p.Sums, p.size = "", -1, announced{}, 0
	os.Remove(p.note)
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// begin notes which file the bytes to come are of, so that they can be continued.
func (p *partial) begin(resp *http.Response) error {
	if err := p.restart(); err != nil {
		return err
	}
	p.Version, p.Total, p.Sums = version(resp.Header), resp.ContentLength, checksums(resp).announced
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(p.note, raw, 0o640)
}

// resumable: a weak ETag names files that may differ in their bytes.
func (p *partial) resumable() bool {
	return p.size > 0 && p.Version != "" && !strings.HasPrefix(p.Version, "W/")
}

// proceed asks for what is missing and takes what comes.
func (f *fetcher) proceed(ctx context.Context, p *partial, known string, limit int64, progress func(done, total int64)) (unchanged bool, err error) {
	header, whole := unless(known), p.resumable() && p.size == p.Total
	switch {
	case whole: // an earlier process had it; it may have changed since
		header = unless(p.Version)
	case p.resumable():
		header = http.Header{"Range": {fmt.Sprintf("bytes=%d-", p.size)}, "If-Range": {p.Version}}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := f.request(ctx, p.URL, header)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotModified:
		if !whole && (known == "" || header.Get("Range") != "") {
			return false, refused(resp)
		}
		return !whole, nil
	case http.StatusOK:
		if err := p.begin(resp); err != nil {
			return false, err
		}
	case http.StatusPartialContent:
		var from, to, total int64
		n, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total)
		if err != nil || n != 3 || from != p.size || p.Total >= 0 && total != p.Total || version(resp.Header) != "" && version(resp.Header) != p.Version {
			return false, errChanged
		}
		p.Total = total
	case http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed:
		return false, errChanged
	default:
		return false, refused(resp)
	}
	if p.Total > limit {
		return false, errSize
	}
	return false, p.take(&watched{body: resp.Body, cancel: cancel, ctx: ctx}, limit, progress)
}

func (p *partial) take(body io.Reader, limit int64, progress func(done, total int64)) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := body.Read(buffer)
		if p.size+int64(n) > limit {
			return errSize
		}
		if _, failed := p.file.Write(buffer[:n]); failed != nil {
			return failed
		}
		p.size += int64(n)
		progress(p.size, p.Total)
		switch {
		case err == io.EOF && p.Total >= 0 && p.size != p.Total:
			return fmt.Errorf("the connection ended after %d of %d bytes: %w", p.size, p.Total, io.ErrUnexpectedEOF)
		case err == io.EOF:
			p.Total = p.size
			return nil
		case err != nil:
			return fmt.Errorf("the connection broke off after %d bytes: %w", p.size, err)
		}
	}
}

// verify reads the whole file, since an earlier process may have written its beginning.
func (p *partial) verify() error {
	sums := sums{announced: p.Sums}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	buffer := make([]byte, 256<<10)
	for {
		n, err := p.file.Read(buffer)
		sums.write(buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	_, err := p.file.Seek(0, io.SeekEnd)
	return errors.Join(err, sums.verify())
}

// removePartial removes what came of a file, which is not needed any more.
func removePartial(path string) {
	os.Remove(path + ".part")
	os.Remove(path + ".part.json")
}
