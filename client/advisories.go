package client

import (
	"archive/zip"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

const advisoriesPath = "/v1/advisories"

// AdvisoryStatus is the zero Status when the server has no advisory data.
func (c *Client) AdvisoryStatus(ctx context.Context) (vuln.Status, error) {
	var out vuln.Status
	err := c.do(ctx, call{method: http.MethodGet, path: advisoriesPath, out: &out})
	return out, err
}

// UploadAdvisories sends a zip archive of OSV records; size is -1 when it is not known.
func (c *Client) UploadAdvisories(ctx context.Context, archive io.Reader, size int64) (vuln.ImportResult, error) {
	var out vuln.ImportResult
	err := c.do(ctx, call{
		method: http.MethodPost, path: advisoriesPath, body: archive, bodyType: "application/zip", bodySize: size, out: &out,
	})
	return out, err
}

// ImportAdvisories sends what vuln.Import reads: a zip archive, a JSON file, or a directory of them. progress is told the
// bytes read of all there are; it may be nil.
func (c *Client) ImportAdvisories(ctx context.Context, source string, progress func(done, total int64)) (vuln.ImportResult, error) {
	p := &packer{progress: progress}
	if err := p.find(source); err != nil {
		return vuln.ImportResult{}, err
	}
	if len(p.files) == 1 && isZip(p.files[0]) {
		file, err := os.Open(p.files[0])
		if err != nil {
			return vuln.ImportResult{}, unreadable(source, err)
		}
		defer file.Close()
		return c.UploadAdvisories(ctx, io.TeeReader(file, p), p.total)
	}
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		w.CloseWithError(p.pack(w))
	}()
	result, err := c.UploadAdvisories(ctx, r, -1)
	r.Close()
	<-packed
	if p.failed != nil {
		err = p.failed
	}
	return result, err
}

func isZip(name string) bool { return strings.EqualFold(filepath.Ext(name), ".zip") }

func unreadable(source string, err error) error {
	return fault.Wrap(fault.Invalid, "send advisories", source, err)
}

// A packer puts files into one archive. It counts what is read of them, as a writer for io.TeeReader.
type packer struct {
	root        string
	files       []string
	done, total int64
	progress    func(done, total int64)
	failed      error
}

func (p *packer) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if p.progress != nil {
		p.progress(p.done, p.total)
	}
	return len(b), nil
}

func (p *packer) find(source string) error {
	p.root = source
	err := filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		if path == source || vuln.Importable(path) {
			p.files = append(p.files, path)
			p.total += info.Size()
		}
		return nil
	})
	if err != nil {
		return unreadable(source, err)
	}
	if len(p.files) == 0 {
		return fault.New(fault.Invalid, "send advisories", "%s holds no JSON files, no zip archives and no data about exploitation", source)
	}
	return nil
}

func (p *packer) pack(w io.Writer) error {
	archive := zip.NewWriter(w)
	for _, path := range p.files {
		name, err := filepath.Rel(p.root, path)
		if err != nil || name == "." {
			name = filepath.Base(path)
		}
		add := p.addFile
		if isZip(path) {
			add = p.addArchive
		}
		if err := add(archive, path, filepath.ToSlash(name)); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (p *packer) addFile(archive *zip.Writer, path, name string) error {
	file, err := os.Open(path)
	if err != nil {
		p.failed = unreadable(path, err)
		return p.failed
	}
	defer file.Close()
	entry, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, io.TeeReader(file, p))
	return err
}

// addArchive takes the entries over as they are compressed.
func (p *packer) addArchive(archive *zip.Writer, path, name string) error {
	in, err := zip.OpenReader(path)
	if err != nil {
		p.failed = unreadable(path, err)
		return p.failed
	}
	defer in.Close()
	for _, f := range in.File {
		header := f.FileHeader
		header.Name = name + "/" + f.Name
		raw, err := f.OpenRaw()
		if err != nil {
			p.failed = unreadable(path, err)
			return p.failed
		}
		entry, err := archive.CreateRaw(&header)
		if err != nil {
			return err
		}
		if _, err := io.Copy(entry, io.TeeReader(raw, p)); err != nil {
			return err
		}
	}
	return nil
}
