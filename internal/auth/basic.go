package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// Basic checks a user's password. Failures are slow, the same for a wrong name and a wrong password, limited per user name,
// and fault.Unauthenticated or fault.Limited. A password that was right is remembered for a few minutes, so that sending it
// with each request is cheap.
func (s *Service) Basic(ctx context.Context, user string, password secret.Text) (Identity, error) {
	key, err := s.key()
	if err != nil {
		return Identity{}, err
	}
	u, err := s.store.User(ctx, user)
	// Invalid: the database cannot hold such a name.
	if code := fault.CodeOf(err); err != nil && code != fault.NotFound && code != fault.Invalid {
		return Identity{}, err
	}
	a := attempt{service: s, user: u, password: password, code: verificationCode(key, u, password), slot: slotOf(key, user)}
	if known, err := a.decided(); known || err != nil {
		return identityOf(u, err)
	}
	done, err := s.hashing.wait(ctx)
	if err != nil {
		return Identity{}, err
	}
	defer done()
	// Whoever had the turn before may have tried the same password.
	if known, err := a.decided(); known || err != nil {
		return identityOf(u, err)
	}
	return identityOf(u, a.hash())
}

// An attempt is one password for one user name. Without such a user, user is zero.
type attempt struct {
	service  *Service
	user     User
	password secret.Text
	code     []byte
	slot     int
}

// decided spares the hashing: the password was right a moment ago, or must not be tried.
func (a *attempt) decided() (known bool, err error) {
	now := a.service.now()
	if a.service.verified.knows(a.user.Name, a.code, now) {
		return true, nil
	}
	if len(a.password.Reveal()) > maxPassword {
		return false, wrongPassword()
	}
	if wait := a.service.failures.wait(a.slot, now); wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		return false, fault.New(fault.Limited, "sign in", "too many failed attempts for this user").
			WithFix("Wait %d seconds, then try again with the right password.", seconds)
	}
	return false, nil
}

func (a *attempt) hash() error {
	ok, err := matches(a.password, a.user.PasswordHash)
	if err != nil {
		return err
	}
	if !ok {
		a.service.failures.add(a.slot, a.service.now())
		return wrongPassword()
	}
	a.service.failures.reset(a.slot)
	a.service.verified.remember(a.user.Name, a.code, a.service.now())
	return nil
}

func identityOf(u User, err error) (Identity, error) {
	if err != nil {
		return Identity{}, err
	}
	return Identity{Subject: u.Name, Name: u.Name, Role: u.Role}, nil
}

func wrongPassword() error {
	return fault.New(fault.Unauthenticated, "sign in", "the user name or the password is wrong").
		WithFix("Check both. The administrator is called %s; a generated password was shown when the server first started.", adminName)
}

// verified remembers right passwords, one per user, without keeping them.
type verified struct {
	mu    sync.Mutex
	users map[string]verifiedUser
}

type verifiedUser struct {
	code  []byte
	until time.Time
}

const rememberFor = 5 * time.Minute

// verificationCode stands for a password of a user. It covers the stored hash, so that changing the password ends it.
func verificationCode(key [32]byte, u User, password secret.Text) []byte {
	mac := hmac.New(sha256.New, key[:])
	for _, part := range []string{"password", u.Name, u.PasswordHash, password.Reveal()} {
		// Hashing each part keeps their borders.
		h := sha256.Sum256([]byte(part))
		mac.Write(h[:])
	}
	return mac.Sum(nil)
}

func (v *verified) knows(user string, code []byte, now time.Time) bool {
	v.mu.Lock()
	known, ok := v.users[user]
	v.mu.Unlock()
	return ok && now.Before(known.until) && hmac.Equal(known.code, code)
}

func (v *verified) remember(user string, code []byte, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.users == nil {
		v.users = map[string]verifiedUser{}
	}
	v.users[user] = verifiedUser{code: code, until: now.Add(rememberFor)}
}
