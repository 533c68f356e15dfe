package distribution

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// An Error is what a registry or token service answered, or why there was no answer. It is wrapped in a fault.Error with
// the fitting code.
type Error struct {
	Method, URL string // redacted
	Status      int    // 0 when there was no HTTP answer
	Code        string // the registry's own, e.g. MANIFEST_UNKNOWN, DENIED, TOOMANYREQUESTS
	Message     string // the registry's own, bounded, control characters and our secrets removed
	Temporary   bool   // trying again may help
	RetryAfter  time.Duration
	Err         error

	kind     Kind
	until    time.Time // what RetryAfter means by our clock
	again    bool      // it is worth trying again by ourselves
	html     bool      // the answer is a page for people
	signedIn bool      // the request carried a credential or a token
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Method, e.URL)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Limits of what is taken over from error bodies.
const (
	maxErrorBody    = 64 << 10
	maxErrorMessage = 500
)

// readErrorBody fills in what an error body says, without the secrets that the server repeats in it.
func (e *Error) readErrorBody(header http.Header, body []byte, secrets []string) {
	e.parseErrorBody(header, body)
	e.Code = shorten(mask(printable(e.Code), secrets), 64)
	e.Message = shorten(mask(printable(e.Message), secrets), maxErrorMessage)
}

func (e *Error) parseErrorBody(header http.Header, body []byte) {
	text := strings.TrimSpace(string(body))
	if strings.Contains(strings.ToLower(header.Get("Content-Type")), "html") || strings.HasPrefix(text, "<") {
		e.html = true
		e.Message = "the answer is a web page"
		return
	}
	var doc struct {
		Errors           []errorEntry    `json:"errors"`
		Code             json.RawMessage `json:"code"`
		Error            json.RawMessage `json:"error"`
		ErrorDescription string          `json:"error_description"`
		Message          string          `json:"message"`
		Details          json.RawMessage `json:"details"`
		Detail           json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &doc) != nil {
		e.Message = text
		return
	}
	var messages []string
	for _, entry := range doc.Errors[:min(3, len(doc.Errors))] {
		if e.Code == "" {
			e.Code = entry.Code
		}
		messages = append(messages, entry.Message)
	}
	if len(doc.Errors) == 0 {
		e.Code = firstOf(scalar(doc.Code), scalar(doc.Error))
		messages = []string{firstOf(doc.Message, doc.ErrorDescription, scalar(doc.Details), scalar(doc.Detail))}
		if e.Code == "" && messages[0] == "" && text != "{}" {
			messages[0] = text
		}
	}
	e.Message = strings.Join(messages, "; ")
}

// errorEntry also reads the entries of servers that send a number or nothing for a code.
type errorEntry struct{ Code, Message string }

func (e *errorEntry) UnmarshalJSON(b []byte) error {
	var doc struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(b, &doc) == nil {
		e.Code, e.Message = scalar(doc.Code), scalar(doc.Message)
	}
	return nil
}

// scalar is a JSON string or number as text, "" for anything else.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// clean makes text from outside fit for one line of a terminal or a log. What is too long is left out whole, since a piece of
// a secret is not found by looking for the secret.
func clean(s string, limit int) string {
	if len(s) > limit {
		return "..."
	}
	return printable(s)
}

func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}

// mask hides secrets in text from outside: in any case, and in the spellings that servers and our own libraries give them.
func mask(text string, secrets []string) string {
	var forms []string
	for _, s := range secrets {
		quoted := strconv.Quote(s)
		for _, form := range []string{s, printable(s), quoted[1 : len(quoted)-1], url.QueryEscape(s), url.PathEscape(s), escapedPath(s)} {
			if len(form) >= 3 {
				forms = append(forms, lower(form))
			}
		}
	}
	// The longest first: what is left of one that holds another would not be found.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range forms {
		text = replaceFold(text, form)
	}
	return text
}

func replaceFold(text, form string) string {
	var b strings.Builder
	for rest := lower(text); ; {
		i := strings.Index(rest, form)
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i] + secret.Mask)
		text, rest = text[i+len(form):], rest[i+len(form):]
	}
}

// lower changes ASCII letters only, so that every byte stays where it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// escapedPath writes a path in one way, whatever was escaped in it needlessly.
func escapedPath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// harmless are the query parameters whose values may be shown.
var harmless = map[string]bool{"scope": true, "service": true, "n": true, "last": true, "artifactType": true}

// redact writes a URL without user info and without query values that could be secrets.
func redact(u *url.URL) string {
	host := url.URL{Scheme: u.Scheme, Host: u.Host}
	text := clean(host.String(), 300) + clean(escapedPath(u.Path), 400)
	var pairs []string
	for key, values := range u.Query() {
		for _, value := range values {
			if !harmless[key] {
				value = "***"
			}
			pairs = append(pairs, clean(key, 40)+"="+clean(value, 200))
		}
	}
	if len(pairs) > 0 {
		slices.Sort(pairs)
		text += "?" + strings.Join(pairs[:min(len(pairs), 16)], "&")
	}
	return text
}
