package integration

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// maxSaid bounds, in bytes, what is repeated of another program's words.
const maxSaid = 400

// Said is what another program said, fit for an error: printable, one line, bounded, and without the secrets that the program
// was given and may repeat.
func Said(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) >= 3 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxSaid {
		text = strings.ToValidUTF8(text[:maxSaid], "") + "..."
	}
	return text
}

const maxTokenFile = 64 << 10

// ReadToken reads the file of a token that the platform mounts for this machine's identity. The platform renews it, so it is to
// be read each time.
func ReadToken(path string) (secret.Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return secret.Text{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxTokenFile+1))
	if err != nil {
		return secret.Text{}, err
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || len(raw) > maxTokenFile || strings.ContainsFunc(token, unicode.IsControl) {
		return secret.Text{}, errors.New(path + " does not hold a token")
	}
	return secret.New(token), nil
}
