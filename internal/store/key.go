package store

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const loadKey = "load sealing key"

// LoadKey returns the sealing key: given as 32 bytes in base64 or hex (key), from a file that holds the same (file), or
// from DIR/secret.key, which it creates with mode 0600. It refuses a key file that others may read.
func LoadKey(key, file, dir string, rand io.Reader) ([32]byte, error) {
	switch {
	case key != "" && file != "":
		return [32]byte{}, fault.New(fault.Invalid, loadKey, "a key and a key file are given").WithFix("Give only one of them.")
	case key != "":
		return parseKey("the given key", key)
	case file != "":
		return readKey(file)
	case dir == "":
		return [32]byte{}, fault.New(fault.Invalid, loadKey, "there is neither a key nor a directory to keep one in").
			WithFix("Give a key, a key file or a data directory.")
	}
	file = filepath.Join(dir, "secret.key")
	k, err := readKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createKey(file, rand); err != nil {
		return [32]byte{}, fault.Wrap(fault.Unavailable, loadKey, "create "+file, err)
	}
	return readKey(file)
}

func parseKey(what, text string) (key [32]byte, err error) {
	text = strings.TrimSpace(text)
	var b []byte
	if len(text) == hex.EncodedLen(len(key)) {
		b, err = hex.DecodeString(text)
	} else {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		b, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || len(b) != len(key) {
		// The cause would quote a part of the key.
		return key, fault.New(fault.Invalid, loadKey, "%s is not 32 bytes in base64 or hex", what).
			WithFix("Make one with: openssl rand -base64 32. A database that was used before needs the key of that time.")
	}
	return [32]byte(b), nil
}

func readKey(file string) (key [32]byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return key, fault.Wrap(fault.Invalid, loadKey, "read key file", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key, fault.Wrap(fault.Unavailable, loadKey, file, err)
	}
	if !info.Mode().IsRegular() {
		return key, fault.New(fault.Invalid, loadKey, "%s is not a file", file).WithFix("Give the path of the file that holds the key.")
	}
	// Windows has no such permission bits; there the data directory's access list protects the file.
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return key, fault.New(fault.Invalid, loadKey, "others may read %s (mode %04o)", file, info.Mode().Perm()).
			WithFix("Run: chmod 600 %s. For a mounted Kubernetes Secret set defaultMode: 0400, or give the key itself instead of a file.", file)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return key, fault.Wrap(fault.Unavailable, loadKey, file, err)
	}
	return parseKey(file, string(text))
}

// createKey makes the file with its whole content or not at all, and leaves one alone that another process made meanwhile.
func createKey(file string, rand io.Reader) error {
	var key [32]byte
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return err
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".secret.key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), file)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return os.Rename(f.Name(), file) // a filesystem without hard links
	}
	return nil
}
