package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// cost of a password hash: one of OWASP's equal choices for argon2id, whose memory lets a small server stay small.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

var standard = cost{memory: 7 << 10, passes: 5, threads: 1}

const (
	saltSize = 16
	hashSize = 32
	// maxQueue is how many sign-ins may wait for their turn. At some 50 ms each the last one waits about three seconds.
	maxQueue = 64
)

// hashing lets one password be hashed at a time, so that memory stays within one hash's.
type hashing struct{ queue, turn chan struct{} }

func newHashing() *hashing {
	return &hashing{queue: make(chan struct{}, maxQueue), turn: make(chan struct{}, 1)}
}

// wait returns when it is the caller's turn; done ends it.
func (h *hashing) wait(ctx context.Context) (done func(), err error) {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return nil, fault.New(fault.Limited, "sign in", "too many sign-ins at the same time").WithFix("Try again in a few seconds.")
	}
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, "sign in", "wait for a turn", ctx.Err())
	}
}

// hash is a PHC string: $argon2id$v=19$m=7168,t=5,p=1$SALT$HASH.
func hash(password secret.Text, rand io.Reader) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", fault.Wrap(fault.Internal, "hash password", "", err)
	}
	key := standard.derive(password, salt, hashSize)
	return fmt.Sprintf("$argon2id$v=%d$%s$%s$%s", argon2.Version, standard,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

func (c cost) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", c.memory, c.passes, c.threads) }

// derive gives the memory back at once: left to the collector, a few hashes in a row would triple a small server's size.
func (c cost) derive(password secret.Text, salt []byte, size uint32) []byte {
	defer debug.FreeOSMemory()
	return argon2.IDKey([]byte(password.Reveal()), salt, c.passes, c.memory, c.threads, size)
}

// matches compares a password with a PHC string. An empty one stands for a user that does not exist: it costs the same and
// matches nothing.
func matches(password secret.Text, phc string) (bool, error) {
	if phc == "" {
		standard.derive(password, make([]byte, saltSize), hashSize)
		return false, nil
	}
	c, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(c.derive(password, salt, uint32(len(want))), want) == 1, nil
}

func parsePHC(phc string) (c cost, salt, key []byte, err error) {
	broken := fault.New(fault.Internal, "read password hash", "it is not an argon2id hash that this program can check").
		WithFix("The user's row in the database is damaged: restore it from a backup.")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, broken
	}
	_, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads)
	if err != nil || c.String() != parts[3] {
		return c, nil, nil, broken
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	// The bounds keep a damaged or planted hash from taking the server's memory or time.
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 ||
		c.memory < 8 || c.memory > 128<<10 || c.passes < 1 || c.passes > 16 || c.threads < 1 || c.threads > 16 {
		return c, nil, nil, broken
	}
	return c, salt, key, nil
}

// readable are the characters of a generated password: none looks like another.
const readable = "abcdefghjkmnpqrstuvwxyz23456789"

// generate makes a password of five groups of five characters: 123 bits.
func generate(rand io.Reader) (secret.Text, error) {
	var text strings.Builder
	var b [1]byte
	for n := 0; n < 25; {
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return secret.Text{}, fault.Wrap(fault.Internal, "generate password", "", err)
		}
		// Bytes beyond the last whole multiple would make the first characters likelier.
		if int(b[0]) >= 256/len(readable)*len(readable) {
			continue
		}
		if n > 0 && n%5 == 0 {
			text.WriteByte('-')
		}
		text.WriteByte(readable[int(b[0])%len(readable)])
		n++
	}
	return secret.New(text.String()), nil
}

const (
	adminName = "admin"
	// maxPassword bounds what is hashed.
	maxPassword = 1024
)

// EnsureAdmin creates the user admin if there is none, with the given password, or with one it generates and returns so
// that it can be shown once. It returns "" when it generated none, and leaves a user that exists as it is. When several
// servers start on one database, one of them creates the user.
func (s *Service) EnsureAdmin(ctx context.Context, password secret.Text) (generated secret.Text, err error) {
	const op = "create administrator"
	_, err = s.store.User(ctx, adminName)
	if fault.CodeOf(err) != fault.NotFound {
		return secret.Text{}, err
	}
	if len(password.Reveal()) > maxPassword {
		return secret.Text{}, fault.New(fault.Invalid, op, "the given password is longer than %d bytes", maxPassword)
	}
	if !password.IsSet() {
		if generated, err = generate(s.rand); err != nil {
			return secret.Text{}, err
		}
		password = generated
	}
	phc, err := hash(password, s.rand)
	if err != nil {
		return secret.Text{}, err
	}
	err = s.store.CreateUser(ctx, User{Name: adminName, PasswordHash: phc, Role: Administrator, Created: s.now().UTC()})
	if fault.CodeOf(err) == fault.Conflict {
		return secret.Text{}, nil
	}
	if err != nil {
		return secret.Text{}, err
	}
	return generated, nil
}
