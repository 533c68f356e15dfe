// Package secret holds the type of every secret value in memory. Whatever prints, logs or encodes one shows a mask.
// Sealing secrets at rest is the store's work.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Mask stands for a secret wherever one would be shown. It is RHACS's mask, so clients written for RHACS recognise it.
const Mask = "******"

// Text is a secret string. Only Reveal gives the value away. It is held behind a pointer because fmt prints unexported
// fields without calling their methods. Compare with Equal.
type Text struct{ value *string }

// New wraps a value.
func New(value string) Text {
	if value == "" {
		return Text{}
	}
	return Text{&value}
}

// Reveal returns the value. Call it only where the value is used: sealing, signing in, comparing.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Equal compares values in constant time.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// IsSet reports whether there is a value.
func (t Text) IsSet() bool { return t.value != nil }

// IsMask reports whether the value is the mask itself, as sent back by a client that read it.
func (t Text) IsMask() bool { return t.Reveal() == Mask }

// String is the mask when a value is set, and empty when not, so that a reader can tell which.
func (t Text) String() string {
	if t.IsSet() {
		return Mask
	}
	return ""
}

func (t Text) GoString() string             { return fmt.Sprintf("secret.Text(%q)", t.String()) }
func (t Text) LogValue() slog.Value         { return slog.StringValue(t.String()) }
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Format masks under every verb, the ones that bypass String included.
func (t Text) Format(f fmt.State, _ rune) { fmt.Fprint(f, t.String()) }

// UnmarshalJSON takes a JSON string, or null for no value.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a secret must be a JSON string")
	}
	*t = Text{}
	if s != nil {
		*t = New(*s)
	}
	return nil
}
