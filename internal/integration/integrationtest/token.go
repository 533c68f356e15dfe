package integrationtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Claims are those of the JSON web tokens that fakes issue.
type Claims struct {
	Issuer   string `json:"iss,omitempty"`
	Audience string `json:"aud,omitempty"`
	Subject  string `json:"sub,omitempty"`
	Tenant   string `json:"tid,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Applied  string `json:"scp,omitempty"` // the scope of an access token of Artifactory
	Issued   int64  `json:"iat,omitempty"`
	Expires  int64  `json:"exp,omitempty"`
}

// Sign makes a token that only the holder of a key can make. Real ones are signed by RSA; where nobody but fakes looks, this
// is enough.
func (c Claims) Sign(key string) string {
	payload, _ := json.Marshal(c)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Verify reads a token, and reports whether the key signed it.
func Verify(key, token string) (c Claims, signed bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}, false
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	json.Unmarshal(payload, &c)
	return c, c.Sign(key) == token
}
