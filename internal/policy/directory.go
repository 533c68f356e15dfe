package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// Directory is a Store of one file for each document, NAME.yaml.
type Directory string

const documentSuffix = ".yaml"

// PutPolicies writes all documents before any takes its place.
func (d Directory) PutPolicies(_ context.Context, documents []Stored) error {
	return d.failed("", func() error {
		if err := os.MkdirAll(string(d), 0o700); err != nil {
			return err
		}
		written := make([]string, len(documents))
		for i, p := range documents {
			if !slug.MatchString(p.ID) {
				return fmt.Errorf("%q cannot be a file's name", p.ID)
			}
			f, err := os.CreateTemp(string(d), "new-*")
			if err != nil {
				return err
			}
			defer os.Remove(f.Name())
			_, err = f.Write(p.Document)
			if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
				return err
			}
			written[i] = f.Name()
		}
		for i, p := range documents {
			if err := os.Rename(written[i], d.path(p.ID)); err != nil {
				return err
			}
		}
		return nil
	}())
}

func (d Directory) ListPolicies(context.Context) ([]Stored, error) {
	var list []Stored
	err := d.each(func(id string, about fs.FileInfo) error {
		f, err := os.Open(d.path(id))
		if err != nil {
			return err
		}
		defer f.Close()
		document, err := io.ReadAll(io.LimitReader(f, yamldoc.MaxBytes+1)) // one more than may be, so that it is refused
		list = append(list, Stored{ID: id, Document: document, Changed: about.ModTime().UTC()})
		return err
	})
	return list, d.failed("", err)
}

func (d Directory) DeletePolicy(_ context.Context, id string) error {
	if !slug.MatchString(id) {
		return d.failed(id, fs.ErrNotExist)
	}
	return d.failed(id, os.Remove(d.path(id)))
}

// PoliciesRevision tells files apart by their names, sizes and times.
func (d Directory) PoliciesRevision(context.Context) (string, error) {
	sum := sha256.New()
	err := d.each(func(id string, about fs.FileInfo) error {
		fmt.Fprintln(sum, id, about.Size(), about.ModTime().UnixNano())
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), d.failed("", err)
}

func (d Directory) path(id string) string { return filepath.Join(string(d), id+documentSuffix) }

func (d Directory) each(do func(id string, about fs.FileInfo) error) error {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		id, ours := strings.CutSuffix(e.Name(), documentSuffix)
		if !ours || !slug.MatchString(id) {
			continue
		}
		about, err := e.Info()
		if err == nil {
			err = do(id, about)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // deleted just now
			return err
		}
	}
	return err
}

func (d Directory) failed(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "find policy", "none is stored that is called %q", id).WithFix("See which there are: landwaiter policy list")
	}
	return fault.Wrap(fault.Internal, "keep policies", string(d), err)
}
