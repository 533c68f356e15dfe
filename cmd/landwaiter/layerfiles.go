package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// layerFilesLimit bounds the layer results that the command line keeps on disk.
const layerFilesLimit = 256 << 20

// layerFiles keeps layer results as files, for the command line working alone. The files used longest ago go first.
type layerFiles struct{ dir string }

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
	if err := os.Rename(tmp.Name(), l.path(key)); err != nil {
		return err
	}
	return l.prune()
}

func (l layerFiles) prune() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	var infos []fs.FileInfo
	var total int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			infos = append(infos, info)
			total += info.Size()
		}
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].ModTime().Before(infos[j].ModTime()) })
	for _, info := range infos {
		if total <= layerFilesLimit {
			break
		}
		if err := os.Remove(filepath.Join(l.dir, info.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= info.Size()
	}
	return nil
}
