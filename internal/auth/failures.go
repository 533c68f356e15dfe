package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

const (
	freeFailures = 5                // in a row, before waiting begins
	maxWait      = 30 * time.Second // the wait doubles from one second up to this
	forgetAfter  = 15 * time.Minute // without a failure
)

// failures counts failed attempts per user name in a fixed number of slots, so that made-up names take no memory. Two names
// may share a slot; which ones, nobody outside can tell. One hash at a time is too slow to fill all slots.
type failures struct {
	mu    sync.Mutex
	slots [4096]struct {
		count int
		last  time.Time
	}
}

func slotOf(key [32]byte, user string) int {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("slot"))
	mac.Write([]byte(user))
	return int(binary.BigEndian.Uint16(mac.Sum(nil))) % len(failures{}.slots)
}

// wait is how long the next attempt has to wait.
func (f *failures) wait(slot int, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.slots[slot]
	if s.count < freeFailures || now.Sub(s.last) >= forgetAfter {
		return 0
	}
	pause := maxWait
	if doublings := s.count - freeFailures; doublings < 5 {
		pause = time.Second << doublings
	}
	return s.last.Add(pause).Sub(now)
}

func (f *failures) add(slot int, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.slots[slot]
	if now.Sub(s.last) >= forgetAfter {
		s.count = 0
	}
	s.count++
	s.last = now
}

func (f *failures) reset(slot int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slots[slot].count = 0
}
