package exception

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Dir is a Store of one document for each exception, NAME.yaml. People may put files of their own beside them.
type Dir string

func (d Dir) path(id string) string { return filepath.Join(string(d), id+".yaml") }

func (d Dir) Exceptions(context.Context) ([]Exception, error) {
	if _, err := os.Stat(string(d)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ReadPath(string(d))
}

func (d Dir) Exception(ctx context.Context, id string) (Exception, error) {
	list, err := d.Exceptions(ctx)
	if err != nil {
		return Exception{}, err
	}
	i := slices.IndexFunc(list, func(e Exception) bool { return e.ID == id })
	if i < 0 {
		return Exception{}, notFound(id)
	}
	return list[i], nil
}

func (d Dir) PutException(ctx context.Context, e Exception, was *Exception) error {
	there, err := d.Exception(ctx, e.ID)
	switch {
	case fault.CodeOf(err) == fault.NotFound && was == nil: // a new one
	case err != nil:
		return err
	case was == nil || string(Format(there)) != string(Format(*was)):
		return ErrChanged(e.ID)
	default:
		if err := d.owns(e.ID); err != nil {
			return err
		}
	}
	return failed("keep exception", d.write(d.path(e.ID), Format(e)))
}

func (d Dir) write(path string, data []byte) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(string(d), "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// owns reports whether the exception is the one document of its file.
func (d Dir) owns(id string) error {
	data, err := readFile(d.path(id))
	if list, parseErr := Parse(data); err != nil || parseErr != nil || len(list) != 1 || list[0].ID != id {
		return fault.New(fault.Conflict, "change exception", "%s is not in a file of its own, %s", id, d.path(id)).
			WithFix("Change the file in %s that holds it.", string(d))
	}
	return nil
}

func (d Dir) DeleteException(ctx context.Context, id string) error {
	if _, err := d.Exception(ctx, id); err != nil {
		return err
	}
	if err := d.owns(id); err != nil {
		return err
	}
	return failed("delete exception", os.Remove(d.path(id)))
}

func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Internal, op, "", err)
}

func (d Dir) CountExceptions(ctx context.Context) (int, error) {
	list, err := d.Exceptions(ctx)
	return len(list), err
}

// ExceptionsRevision reads all of them: commands that work alone ask once.
func (d Dir) ExceptionsRevision(ctx context.Context) (string, error) {
	list, err := d.Exceptions(ctx)
	h := sha256.New()
	for _, e := range list {
		h.Write(Format(e))
	}
	return hex.EncodeToString(h.Sum(nil)), err
}
