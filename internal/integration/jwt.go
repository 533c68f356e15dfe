package integration

import (
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// LentUntil is when a JSON web token that was lent at the time now ends by the same clock, which need not be that of the
// token's issuer; zero if the token does not say.
func LentUntil(token secret.Text, now time.Time) time.Time {
	claims, _ := distribution.ClaimsOf(token)
	if !claims.Issued.IsZero() && claims.Issued.Before(claims.Expires) {
		return now.Add(claims.Expires.Sub(claims.Issued))
	}
	return claims.Expires
}
