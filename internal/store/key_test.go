package store_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/store"
)

func TestLoadKey(t *testing.T) {
	var want [32]byte
	for i := range want {
		want[i] = byte(250 + i) // its base64 has the characters in which the alphabets differ
	}
	forms := map[string]string{
		"base64":          base64.StdEncoding.EncodeToString(want[:]),
		"unpadded_base64": base64.RawStdEncoding.EncodeToString(want[:]),
		"url_base64":      base64.URLEncoding.EncodeToString(want[:]),
		"hex":             hex.EncodeToString(want[:]),
		"upper_hex":       strings.ToUpper(hex.EncodeToString(want[:])),
		"with_a_newline":  base64.StdEncoding.EncodeToString(want[:]) + "\n",
	}
	write := func(t *testing.T, text string, mode os.FileMode) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, text := range forms {
		t.Run("reads_"+name, func(t *testing.T) {
			if got, err := store.LoadKey(text, "", t.TempDir(), rand.Reader); err != nil || got != want {
				t.Errorf("given: %x, %v", got, err)
			}
			if got, err := store.LoadKey("", write(t, text, 0o400), "", rand.Reader); err != nil || got != want {
				t.Errorf("from a file: %x, %v", got, err)
			}
		})
	}
	for name, text := range map[string]string{
		"short": "bWFya2Vk", "long": strings.Repeat("bWFya2Vk", 20), "no_base64": "mark'd" + strings.Repeat("!", 38), "63_hex": strings.Repeat("a", 63), "bad_hex": strings.Repeat("z", 64),
	} {
		t.Run("refuses_"+name+"_without_quoting_it", func(t *testing.T) {
			for _, from := range []func() ([32]byte, error){
				func() ([32]byte, error) { return store.LoadKey(text, "", "", rand.Reader) },
				func() ([32]byte, error) { return store.LoadKey("", write(t, text, 0o600), "", rand.Reader) },
			} {
				_, err := from()
				wantFault(t, err, fault.Invalid, "32 bytes in base64 or hex", "openssl rand")
				if strings.Contains(err.Error(), text[:6]) {
					t.Errorf("the error quotes the key: %v", err)
				}
			}
		})
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o660} {
		t.Run("refuses_a_file_with_mode_"+mode.String(), func(t *testing.T) {
			_, err := store.LoadKey("", write(t, forms["hex"], mode), "", rand.Reader)
			wantFault(t, err, fault.Invalid, "others may read", "chmod 600")
		})
	}
	t.Run("refuses_what_is_no_file", func(t *testing.T) {
		_, err := store.LoadKey("", t.TempDir(), "", rand.Reader)
		wantFault(t, err, fault.Invalid)
		_, err = store.LoadKey("", filepath.Join(t.TempDir(), "missing"), "", rand.Reader)
		wantFault(t, err, fault.Invalid, "missing")
	})
	t.Run("refuses_two_sources_and_none", func(t *testing.T) {
		_, err := store.LoadKey(forms["hex"], "file", "", rand.Reader)
		wantFault(t, err, fault.Invalid, "only one")
		_, err = store.LoadKey("", "", "", rand.Reader)
		wantFault(t, err, fault.Invalid)
	})
	t.Run("creates_one_in_the_data_directory_and_finds_it_again", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "data")
		first, err := store.LoadKey("", "", dir, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		second, err := store.LoadKey("", "", dir, bytes.NewReader(nil))
		if err != nil || first != second || first == [32]byte{} {
			t.Errorf("%x, %x, %v", first, second, err)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if info, err := files[0].Info(); err != nil || info.Name() != "secret.key" || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Error(info, err)
		}
	})
	t.Run("created_at_the_same_time_is_one", func(t *testing.T) {
		dir := t.TempDir()
		keys, errs := make([][32]byte, 8), make([]error, 8)
		var group sync.WaitGroup
		for i := range keys {
			group.Go(func() { keys[i], errs[i] = store.LoadKey("", "", dir, rand.Reader) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if k != keys[0] {
				t.Fatal("two servers have different keys")
			}
		}
	})
	t.Run("a_failing_source_of_randomness_leaves_no_file", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := store.LoadKey("", "", dir, bytes.NewReader([]byte("short"))); err == nil {
			t.Error("a short key was made")
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
			t.Error(files, err)
		}
	})
}
