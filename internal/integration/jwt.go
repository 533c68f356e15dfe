package integration

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// lastTime is the last second of the year 9999.
const lastTime = 253402300799

// ReadClaims reads what a JSON web token says about itself into doc, and reports whether it is one. It is not verified, and
// good for telling people only.
func ReadClaims(token secret.Text, doc any) bool {
	_, rest, _ := strings.Cut(token.Reveal(), ".")
	claims, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(claims)
	return err == nil && json.Unmarshal(raw, doc) == nil
}

// tokenTimes are when a JSON web token says that it was issued and that it ends; zero where it does not say, and for anything
// else.
func tokenTimes(token secret.Text) (issued, ends time.Time) {
	var doc struct {
		Issued float64 `json:"iat"`
		Ends   float64 `json:"exp"`
	}
	if !ReadClaims(token, &doc) {
		return time.Time{}, time.Time{}
	}
	return unix(doc.Issued), unix(doc.Ends)
}

func unix(seconds float64) time.Time {
	if seconds < 1 || seconds > lastTime {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// LentUntil is when a JSON web token that was lent at the time now ends by the same clock, which need not be that of the
// token's issuer; zero if the token does not say.
func LentUntil(token secret.Text, now time.Time) time.Time {
	issued, ends := tokenTimes(token)
	if !issued.IsZero() && issued.Before(ends) {
		return now.Add(ends.Sub(issued))
	}
	return ends
}
