package integration

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// CheckBasic is the Check of types whose fields username and password mean something only together.
func CheckBasic(c Config, _ []Category) []Problem {
	username, password := c.Text("username") != "", c.Secret("password").IsSet()
	switch {
	case password && !username:
		return []Problem{{Field: "username", Message: "A username is required if the integration has a password"}}
	case username && !password:
		return []Problem{{Field: "password", Message: "A password is required if the integration has a username"}}
	}
	return nil
}

// OpenSignedIn is OpenBasic for servers that may serve anybody and then never ask for a credential: they are sent it unasked,
// so that a wrong one is refused and what is not for anybody is found.
func OpenSignedIn(c Config, deps Deps) (Registry, error) {
	r, err := OpenBasic(c, deps)
	if err != nil {
		return nil, err
	}
	r.(*basic).endpoint.SignInFirst = true
	return r, nil
}

// lastExpiry is the last second of the year 9999.
const lastExpiry = 253402300799

// tokenExpiry is when a password that is a JSON web token says that it ends; zero for anything else. It is not verified,
// and good for telling people only.
func tokenExpiry(password string) time.Time {
	_, rest, _ := strings.Cut(password, ".")
	claims, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return time.Time{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		return time.Time{}
	}
	var doc struct {
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(raw, &doc) != nil || doc.Expires < 1 || doc.Expires > lastExpiry {
		return time.Time{}
	}
	return time.Unix(int64(doc.Expires), 0).UTC()
}
