package image

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Digest is "algorithm:hex", with sha256 or sha512 and lower-case hexadecimal.
type Digest string

// ParseDigest accepts sha256 and sha512 digests. Errors are fault.Invalid.
func ParseDigest(s string) (Digest, error) {
	const op = "parse digest"
	algorithm, encoded, found := strings.Cut(s, ":")
	if !found {
		return "", fault.New(fault.Invalid, op, "%s has no algorithm", shown(s)).
			WithFix("Write the digest as sha256: followed by 64 hexadecimal characters.")
	}
	var want int
	switch algorithm {
	case "sha256":
		want = 2 * sha256.Size
	case "sha512":
		want = 2 * sha512.Size
	default:
		return "", fault.New(fault.Invalid, op, "%s has the algorithm %s; only sha256 and sha512 are supported", shown(s), shown(algorithm))
	}
	if len(encoded) != want {
		return "", fault.New(fault.Invalid, op, "%s has %d hexadecimal characters instead of %d", shown(s), len(encoded), want)
	}
	for _, c := range []byte(encoded) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			return "", fault.New(fault.Invalid, op, "%s has upper-case characters", shown(s)).WithFix("Write the digest in lower case.")
		default:
			return "", fault.New(fault.Invalid, op, "%s is not hexadecimal", shown(s))
		}
	}
	return Digest(s), nil
}

// DigestOf is the sha256 digest of b.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// NewHash returns a hash of the digest's algorithm, for content that is read as a stream.
func (d Digest) NewHash() (hash.Hash, error) {
	if _, err := ParseDigest(string(d)); err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(d), "sha512:") {
		return sha512.New(), nil
	}
	return sha256.New(), nil
}

// Matches says whether h, made by NewHash, has been fed the content of d.
func (d Digest) Matches(h hash.Hash) bool {
	return hex.EncodeToString(h.Sum(nil)) == d.Hex()
}

// Verify fails with fault.Invalid if content is not what d names.
func (d Digest) Verify(content []byte) error {
	h, err := d.NewHash()
	if err != nil {
		return err
	}
	h.Write(content)
	if !d.Matches(h) {
		return fault.New(fault.Invalid, "verify digest", "the content is not that of %s: its digest is %s:%x", d, d.algorithm(), h.Sum(nil)).
			WithFix("The content was damaged or replaced on its way or in the registry. Push the image again, and check what stands between here and the registry.")
	}
	return nil
}

func (d Digest) algorithm() string {
	algorithm, _, _ := strings.Cut(string(d), ":")
	return algorithm
}

// Hex is the part after the algorithm.
func (d Digest) Hex() string {
	_, encoded, _ := strings.Cut(string(d), ":")
	return encoded
}

// Short is the first 12 hexadecimal characters, for lists.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(12, len(h))]
}
