package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// layerFilesLimit bounds the layer results that the command line keeps on disk.
const layerFilesLimit = 256 << 20

// layerFiles keeps layer results as files, for the command line working alone.
type layerFiles struct {
	dir   string
	limit int64 // of all files together, after prune
}

// userLayerFiles are in the user's cache directory, if there is one.
func userLayerFiles() (layerFiles, bool) {
	dir, err := os.UserCacheDir()
	return layerFiles{filepath.Join(dir, "landwaiter", "layers"), layerFilesLimit}, err == nil
}

func (l layerFiles) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(l.dir, hex.EncodeToString(sum[:]))
}

func (l layerFiles) LayerResult(_ context.Context, key string) ([]byte, bool, error) {
	path := l.path(key)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now)
	return b, true, nil
}

func (l layerFiles) PutLayerResult(_ context.Context, key string, result []byte) error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(l.dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(result); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), l.path(key))
}

// prune removes the files used longest ago until the rest keeps within the bound. Files of others that vanish meanwhile, or
// a directory that there is not, are no concern.
func (l layerFiles) prune() {
	entries, _ := os.ReadDir(l.dir)
	var infos []fs.FileInfo
	var total int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			infos = append(infos, info)
			total += info.Size()
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range infos {
		if total <= l.limit {
			return
		}
		_ = os.Remove(filepath.Join(l.dir, info.Name()))
		total -= info.Size()
	}
}
