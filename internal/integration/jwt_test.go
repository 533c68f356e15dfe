package integration

import (
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestLentUntil(t *testing.T) {
	now := time.Unix(1e9, 0) // a clock that is years behind the issuer's
	for _, test := range []struct {
		name, token string
		want        time.Time
	}{
		{"the life counts, not the issuer's clock", webToken(`{"iat":1798859045,"exp":1798862645}`), now.Add(time.Hour)},
		{"an end alone", webToken(`{"exp":1798859045}`), time.Unix(1798859045, 0)},
		{"issued after its end", webToken(`{"iat":1798862645,"exp":1798859045}`), time.Unix(1798859045, 0)},
		{"a life beyond all time", webToken(`{"iat":1,"exp":253402300799}`), now.Add(time.Duration(1<<63 - 1))},
		{"an end beyond all time", webToken(`{"iat":1,"exp":1e300}`), time.Time{}},
		{"no end", webToken(`{"iat":1798859045}`), time.Time{}},
		{"no web token", "password", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := LentUntil(secret.New(test.token), now); !got.Equal(test.want) {
				t.Errorf("ends %s, want %s", got, test.want)
			}
		})
	}
}
