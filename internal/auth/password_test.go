package auth_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestPassword(t *testing.T) {
	t.Run("hashes_as_the_reference_implementation_does", func(t *testing.T) {
		const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		if ok, err := auth.Matches(secret.New("password"), reference); err != nil || !ok {
			t.Error(ok, err)
		}
		if ok, err := auth.Matches(secret.New("Password"), reference); err != nil || ok {
			t.Error(ok, err)
		}
	})
	t.Run("is_salted", func(t *testing.T) {
		a, errA := auth.Hash(secret.New("p"), rand.Reader)
		b, errB := auth.Hash(secret.New("p"), rand.Reader)
		if errors.Join(errA, errB) != nil || a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=7168,t=5,p=1$") {
			t.Error(a, b, errA, errB)
		}
	})
	for name, phc := range map[string]string{
		"text":            "hello",
		"of_another_kind": "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"of_an_old_form":  "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"without_salt":    "$argon2id$v=19$m=256,t=2,p=1$$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"without_hash":    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"of_huge_memory":  "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"of_endless_time": "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"without_threads": "$argon2id$v=19$m=256,t=2,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"with_rest":       "$argon2id$v=19$m=256,t=2,p=1x$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	} {
		t.Run("a_hash_"+name+"_is_refused", func(t *testing.T) {
			_, err := auth.Matches(secret.New("password"), phc)
			wantFault(t, err, fault.Internal)
		})
	}
	t.Run("generated_is_long_and_readable", func(t *testing.T) {
		seen := map[string]bool{}
		for range 200 {
			p, err := auth.Generate(rand.Reader)
			if err != nil || !regexp.MustCompile(`^([a-hjkmnp-z2-9]{5}-){4}[a-hjkmnp-z2-9]{5}$`).MatchString(p.Reveal()) {
				t.Fatal(p.Reveal(), err)
			}
			seen[p.Reveal()] = true
		}
		if len(seen) != 200 {
			t.Errorf("%d of 200 differ", len(seen))
		}
	})
	t.Run("generated_uses_every_character_alike", func(t *testing.T) {
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		counts := map[rune]int{}
		source := bytes.NewReader(bytes.Repeat(every, 31*25))
		for {
			p, err := auth.Generate(source)
			if err != nil {
				break
			}
			for _, c := range strings.ReplaceAll(p.Reveal(), "-", "") {
				counts[c]++
			}
		}
		for c, n := range counts {
			if len(counts) != 31 || n != counts['a'] {
				t.Fatalf("of %d characters %q comes %d times, a %d times", len(counts), c, n, counts['a'])
			}
		}
	})
}
