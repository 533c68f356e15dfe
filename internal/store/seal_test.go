package store

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestSeal(t *testing.T) {
	sealerOf := func(key byte) *sealer {
		s, err := newSealer([32]byte{key}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := sealerOf(1)
	sealed, err := s.seal("integrations/1", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}

	t.Run("opens_with_the_key_at_the_place", func(t *testing.T) {
		if plain, err := s.open("integrations/1", sealed); err != nil || string(plain) != "plain" {
			t.Errorf("%q, %v", plain, err)
		}
	})
	t.Run("differs_each_time", func(t *testing.T) {
		again, err := s.seal("integrations/1", []byte("plain"))
		if err != nil || bytes.Equal(again, sealed) {
			t.Error("two sealings are equal", err)
		}
	})
	t.Run("stays_shut_at_another_place", func(t *testing.T) {
		if plain, err := s.open("integrations/2", sealed); err == nil {
			t.Errorf("%q", plain)
		}
	})
	t.Run("stays_shut_with_another_key", func(t *testing.T) {
		if plain, err := sealerOf(2).open("integrations/1", sealed); err == nil || err.Error() != wrongKey().Error() {
			t.Errorf("%q, %v", plain, err)
		}
	})
	t.Run("stays_shut_when_any_byte_differs_or_is_missing", func(t *testing.T) {
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if plain, err := s.open("integrations/1", changed); err == nil || fault.CodeOf(err) != fault.Internal {
				t.Errorf("with byte %d changed: %q, %v", i, plain, err)
			}
			if plain, err := s.open("integrations/1", sealed[:i]); err == nil {
				t.Errorf("with %d bytes: %q", i, plain)
			}
		}
	})
	t.Run("fails_without_randomness", func(t *testing.T) {
		s.rand = bytes.NewReader(nil)
		if _, err := s.seal("integrations/1", nil); err == nil {
			t.Error("sealed with a nonce that is not random")
		}
	})
}
