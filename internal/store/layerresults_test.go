package store_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestLayerResults(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		t.Run("come_back_as_they_were", func(t *testing.T) {
			s := storetest.Open(t, storetest.Options(fresh(t)))
			for key, want := range map[string][]byte{"a": []byte("result"), "b": {}, "c": bytes.Repeat([]byte("x"), 1<<20)} {
				if err := s.PutLayerResult(t.Context(), key, want); err != nil {
					t.Fatal(err)
				}
				if got, ok, err := s.LayerResult(t.Context(), key); err != nil || !ok || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v, %v", key, len(got), ok, err)
				}
			}
			if err := s.PutLayerResult(t.Context(), "a", []byte("newer")); err != nil {
				t.Fatal(err)
			}
			if got, _, err := s.LayerResult(t.Context(), "a"); err != nil || string(got) != "newer" {
				t.Errorf("%s, %v", got, err)
			}
			if _, ok, err := s.LayerResult(t.Context(), "unknown"); ok || err != nil {
				t.Error(ok, err)
			}
		})

		t.Run("stay_within_their_room_and_the_least_recently_used_go", func(t *testing.T) {
			now := noon
			o := storetest.Options(fresh(t))
			o.Now, o.LayerResultBytes = func() time.Time { return now }, 100<<10
			s := storetest.Open(t, o)
			for i := range 40 {
				now = now.Add(2 * time.Hour)
				result := make([]byte, 5<<10)
				rand.Read(result)
				if err := s.PutLayerResult(t.Context(), fmt.Sprint(i), result); err != nil {
					t.Fatal(err)
				}
				// The first one stays in use.
				if _, ok, err := s.LayerResult(t.Context(), "0"); err != nil || !ok {
					t.Fatalf("after %d results the one in use is gone: %v", i, err)
				}
			}
			kept, size := 0, int64(0)
			if err := storetest.Raw(t, o.URL).QueryRow(`SELECT COUNT(*), CAST(SUM(size) AS BIGINT) FROM layer_results`).Scan(&kept, &size); err != nil {
				t.Fatal(err)
			}
			if size > o.LayerResultBytes || kept < 15 {
				t.Errorf("%d results of %d bytes are kept", kept, size)
			}
			for i, want := range map[int]bool{1: false, 10: false, 39: true, 38: true} {
				if _, ok, err := s.LayerResult(t.Context(), fmt.Sprint(i)); err != nil || ok != want {
					t.Errorf("result %d: %v, %v", i, ok, err)
				}
			}
		})

		t.Run("too_large_for_their_room_are_not_kept", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			o.LayerResultBytes = 64 << 10
			s := storetest.Open(t, o)
			large := make([]byte, 10<<10)
			rand.Read(large)
			if err := s.PutLayerResult(t.Context(), "large", large); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := s.LayerResult(t.Context(), "large"); ok || err != nil {
				t.Error(ok, err)
			}
		})

		t.Run("note_their_use_once_an_hour", func(t *testing.T) {
			now := noon
			o := storetest.Options(fresh(t))
			o.Now = func() time.Time { return now }
			s := storetest.Open(t, o)
			if err := s.PutLayerResult(t.Context(), "k", []byte("r")); err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ after, noted time.Duration }{{time.Minute, 0}, {time.Hour, 0}, {61 * time.Minute, 61 * time.Minute}, {90 * time.Minute, 61 * time.Minute}} {
				now = noon.Add(step.after)
				if _, ok, err := s.LayerResult(t.Context(), "k"); err != nil || !ok {
					t.Fatal(ok, err)
				}
				var used int64
				if err := storetest.Raw(t, o.URL).QueryRow(`SELECT used_at FROM layer_results`).Scan(&used); err != nil {
					t.Fatal(err)
				}
				if want := noon.Add(step.noted).UnixNano(); used != want {
					t.Errorf("after %v the use is noted %v after the start", step.after, time.Duration(used-noon.UnixNano()))
				}
			}
		})

		t.Run("damaged_in_the_database_are_an_error", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			s := storetest.Open(t, o)
			if err := s.PutLayerResult(t.Context(), "k", []byte("r")); err != nil {
				t.Fatal(err)
			}
			if _, err := storetest.Raw(t, o.URL).Exec(`UPDATE layer_results SET result = $1`, []byte("no zstd")); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := s.LayerResult(t.Context(), "k"); ok || err == nil {
				t.Error(ok, err)
			}
		})
	})
}
