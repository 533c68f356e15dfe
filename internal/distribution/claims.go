package distribution

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// Claims are what a JSON web token says about its own end and rights. They are not verified.
type Claims struct {
	Issued, Expires time.Time // zero where it does not say
	Access          []Access
}

// An Access is what a token of a token service allows.
type Access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

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

// ClaimsOf are those of a token that every registry's may have, false if it is not a JSON web token.
func ClaimsOf(token secret.Text) (Claims, bool) {
	var doc struct {
		Issued  float64         `json:"iat"`
		Expires float64         `json:"exp"`
		Access  json.RawMessage `json:"access"`
	}
	if !ReadClaims(token, &doc) {
		return Claims{}, false
	}
	return Claims{unixTime(doc.Issued), unixTime(doc.Expires), readAccess(doc.Access)}, true
}

func unixTime(seconds float64) time.Time {
	if seconds < 1 || seconds > lastTime {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// readAccess reads the claim as the distribution project defines it; other shapes are other products' and say nothing.
func readAccess(raw json.RawMessage) []Access {
	const most = 32
	var list []Access
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	list = list[:min(len(list), most)]
	for i := range list {
		a := &list[i]
		a.Type, a.Name = clean(a.Type, 100), clean(a.Name, 300)
		a.Actions = slices.Clone(a.Actions[:min(len(a.Actions), most)])
		for j := range a.Actions {
			a.Actions[j] = clean(a.Actions[j], 60)
		}
	}
	return list
}
