package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"io"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A sealed value is: format (1 byte), key ID (8), nonce (12), AES-256-GCM ciphertext. The format, the key ID and the place
// the value is stored at are authenticated, so a sealed value moved to another row does not open.
const (
	sealFormat = 1
	keyIDSize  = 8
	sealHeader = 1 + keyIDSize
)

type sealer struct {
	aead  cipher.AEAD
	keyID []byte
	rand  io.Reader
}

func newSealer(key [32]byte, rand io.Reader) (*sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "prepare sealing key", "", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "prepare sealing key", "", err)
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("landwaiter key ID"))
	return &sealer{aead: aead, keyID: mac.Sum(nil)[:keyIDSize], rand: rand}, nil
}

func (s *sealer) seal(place string, plain []byte) ([]byte, error) {
	sealed := make([]byte, 0, sealHeader+s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	sealed = append(append(sealed, sealFormat), s.keyID...)
	nonce := sealed[sealHeader : sealHeader+s.aead.NonceSize()]
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return nil, fault.Wrap(fault.Internal, "seal", place, err)
	}
	return s.aead.Seal(sealed[:sealHeader+len(nonce)], nonce, plain, s.authenticated(sealed, place)), nil
}

func (s *sealer) open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHeader+s.aead.NonceSize() || sealed[0] != sealFormat {
		return nil, fault.New(fault.Internal, "unseal", "%s is not in a format that this program knows", place).
			WithFix("The database was used by a newer Landwaiter, or is damaged: run that version, or restore a backup.")
	}
	if subtle.ConstantTimeCompare(sealed[1:sealHeader], s.keyID) != 1 {
		return nil, wrongKey()
	}
	nonce, ciphertext := sealed[sealHeader:sealHeader+s.aead.NonceSize()], sealed[sealHeader+s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, ciphertext, s.authenticated(sealed, place))
	if err != nil {
		return nil, fault.New(fault.Internal, "unseal", "%s was changed outside Landwaiter", place).
			WithFix("Restore the database from a backup, or enter the secrets again.")
	}
	return plain, nil
}

func (s *sealer) authenticated(sealed []byte, place string) []byte {
	return append(append([]byte(nil), sealed[:sealHeader]...), place...)
}

func wrongKey() error {
	return fault.New(fault.Internal, "open database", "the sealing key does not fit this database").
		WithFix("Start with the key this database was first used with: the file secret.key of the data directory of that time, or " +
			"the key file or value given then. Without it the stored secrets are lost: start with an empty database and enter them again.")
}

// keyCheck is a setting sealed at the first use of a database, so that another key is noticed before it seals anything.
const keyCheck = "key check"

func (s *Store) checkKey(ctx context.Context) error {
	sealed, ok, err := s.setting(ctx, keyCheck)
	if err != nil {
		return err
	}
	if !ok {
		fresh, err := s.seal.seal(keyCheck, []byte("landwaiter"))
		if err != nil {
			return err
		}
		if _, err := addSetting(ctx, s.writer, keyCheck, fresh); err != nil {
			return err
		}
		// Another process may have been first.
		if sealed, _, err = s.setting(ctx, keyCheck); err != nil {
			return err
		}
	}
	_, err = s.seal.open(keyCheck, sealed)
	return err
}
