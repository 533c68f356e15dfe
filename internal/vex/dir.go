package vex

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Dir is a Store of one file for each document: a line that describes it, and the document.
type Dir string

const (
	suffix  = ".vex"
	maxInfo = 16 << 10
)

func (d Dir) PutVEX(_ context.Context, i Info, body []byte) error {
	return d.failed(i.Key, func() error {
		line, err := json.Marshal(i)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(string(d), 0o700); err != nil {
			return err
		}
		f, err := os.CreateTemp(string(d), "new-*")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		_, err = f.Write(slices.Concat(line, []byte{'\n'}, body))
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		return os.Rename(f.Name(), d.path(i.Key))
	}())
}

func (d Dir) ListVEX(context.Context) ([]Info, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return []Info{}, nil
	}
	list := []Info{}
	for _, e := range entries {
		key, ours := strings.CutSuffix(e.Name(), suffix)
		if !ours {
			continue
		}
		i, _, err := d.read(key, maxInfo)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted just now
		}
		if err != nil {
			return nil, d.failed(key, err)
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Info) int { return cmp.Compare(a.ID, b.ID) })
	return list, d.failed("", err)
}

func (d Dir) VEX(_ context.Context, key string) ([]byte, error) {
	_, body, err := d.read(key, maxInfo+MaxSize)
	return body, d.failed(key, err)
}

func (d Dir) DeleteVEX(_ context.Context, key string) error {
	if !isKey(key) {
		return d.failed(key, fs.ErrNotExist)
	}
	return d.failed(key, os.Remove(d.path(key)))
}

// read reads the beginning of a file.
func (d Dir) read(key string, bytesRead int64) (i Info, body []byte, err error) {
	if !isKey(key) {
		return i, nil, fs.ErrNotExist
	}
	f, err := os.Open(d.path(key))
	if err != nil {
		return i, nil, err
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, bytesRead))
	if err != nil {
		return i, nil, err
	}
	line, body, _ := bytes.Cut(all, []byte{'\n'})
	return i, body, json.Unmarshal(line, &i)
}

func (d Dir) path(key string) string { return filepath.Join(string(d), key+suffix) }

// isKey keeps what somebody typed from naming other files.
func isKey(key string) bool {
	return len(key) == 16 && strings.Trim(key, "0123456789abcdef") == ""
}

func (d Dir) failed(key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "find VEX document", "there is none called %q", key).WithFix("See which there are: landwaiter vex list")
	}
	return fault.Wrap(fault.Internal, "keep VEX documents", string(d), err)
}
