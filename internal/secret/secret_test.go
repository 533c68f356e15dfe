package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/secret"
)

const value = "hunter2-correct-horse"

type holder struct {
	Shown   secret.Text
	Pointer *secret.Text
	hidden  secret.Text
	deep    struct{ list []secret.Text }
	any     any
	table   map[string]secret.Text
	pointer *secret.Text
}

func newHolder() holder {
	t := secret.New(value)
	h := holder{Shown: t, Pointer: &t, hidden: t, any: t, table: map[string]secret.Text{"k": t}, pointer: &t}
	h.deep.list = []secret.Text{t}
	return h
}

// failure is an error that holds a secret and formats itself as careless ones do.
type failure struct {
	holder
	Password secret.Text
}

func (f *failure) Error() string {
	return fmt.Sprintf("sign in with %v: refused: %+v", f.Password, f.holder)
}

// safe fails if the value, or bytes of it in a form that can be read back, stands in what was printed.
func safe(t *testing.T, how, printed string) {
	t.Helper()
	for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("%v", []byte(value)), fmt.Sprintf("% x", value)} {
		if strings.Contains(printed, form) {
			t.Errorf("%s reveals the secret: %s", how, printed)
		}
	}
}

func TestText_is_never_shown(t *testing.T) {
	text, held := secret.New(value), newHolder()
	err := error(&failure{held, text})
	things := map[string]any{
		"text": text, "pointer": &text, "struct": held, "pointer to struct": &held, "slice": []secret.Text{text}, "map": map[string]any{"k": text},
		"array": [1]secret.Text{text}, "anonymous": struct{ t secret.Text }{text}, "error": err, "wrapped": fmt.Errorf("do: %w", err),
		"joined": errors.Join(err, fmt.Errorf("%v", text)),
	}

	t.Run("by_any_verb", func(t *testing.T) {
		for name, thing := range things {
			for verb := byte('!'); verb <= 'z'; verb++ {
				for _, flags := range []string{"", "+", "#", "-40", "040", ".80", " ", "+#"} {
					safe(t, fmt.Sprintf("%s by %%%s%c", name, flags, verb), fmt.Sprintf("%"+flags+string(verb), thing))
				}
			}
			safe(t, name+" by Sprint", fmt.Sprint(thing)+fmt.Sprintln(thing)+string(fmt.Append(nil, thing)))
		}
		if got := fmt.Sprintf("%v %s %q %x %d %#v %+v", text, text, text, text, text, text, text); got != strings.TrimSpace(strings.Repeat(secret.Mask+" ", 7)) {
			t.Error(got)
		}
	})

	t.Run("by_encoders", func(t *testing.T) {
		for name, thing := range things {
			for how, encode := range map[string]func(any) ([]byte, error){
				"JSON": json.Marshal,
				"XML":  xml.Marshal,
				"gob": func(v any) ([]byte, error) {
					var b bytes.Buffer
					err := gob.NewEncoder(&b).Encode(v)
					return b.Bytes(), err
				},
				"HTML": func(v any) ([]byte, error) {
					var b bytes.Buffer
					err := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p><script>x = {{.}}</script>`)).Execute(&b, v)
					return b.Bytes(), err
				},
			} {
				encoded, err := encode(thing)
				safe(t, name+" by "+how, string(encoded)+fmt.Sprint(err))
			}
		}
		if b, err := json.Marshal(map[string]any{"t": text, "p": &text, "none": secret.Text{}}); err != nil || string(b) != `{"none":"","p":"******","t":"******"}` {
			t.Errorf("%s, %v", b, err)
		}
		if b, err := text.MarshalText(); err != nil || string(b) != secret.Mask {
			t.Errorf("%s, %v", b, err)
		}
	})

	t.Run("by_loggers", func(t *testing.T) {
		for name, thing := range things {
			var b bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
				slog.New(h).With("with", thing).Info("message", "attr", thing, slog.Group("group", "in", thing), "any", slog.AnyValue(thing))
			}
			log.New(&b, "", 0).Print(thing)
			if b.Len() == 0 {
				t.Errorf("%s: nothing was logged", name)
			}
			safe(t, name+" by a logger", b.String())
		}
	})

	t.Run("by_its_own_methods", func(t *testing.T) {
		safe(t, "String", text.String())
		safe(t, "GoString", text.GoString())
		safe(t, "LogValue", text.LogValue().String())
	})
}

func TestText_value(t *testing.T) {
	text := secret.New(value)
	if text.Reveal() != value || !text.IsSet() || text.IsMask() || text.String() != secret.Mask {
		t.Errorf("%q, set %t, mask %t", text.Reveal(), text.IsSet(), text.IsMask())
	}
	for name, none := range map[string]secret.Text{"zero": {}, "empty": secret.New("")} {
		if none.Reveal() != "" || none.IsSet() || none.IsMask() || none.String() != "" || fmt.Sprint(none) != "" {
			t.Errorf("%s: %q, set %t, shown as %q", name, none.Reveal(), none.IsSet(), none)
		}
	}
	if !secret.New(secret.Mask).IsMask() {
		t.Error("the mask is not known as such")
	}
}

func TestText_Equal(t *testing.T) {
	for _, tt := range []struct {
		a, b secret.Text
		want bool
	}{
		{secret.New(value), secret.New(value), true}, {secret.New(value), secret.New(value + "x"), false},
		{secret.New(value), secret.New(strings.ToUpper(value)), false}, {secret.New(value), secret.Text{}, false},
		{secret.Text{}, secret.Text{}, true}, {secret.Text{}, secret.New(""), true},
	} {
		if tt.a.Equal(tt.b) != tt.want || tt.b.Equal(tt.a) != tt.want {
			t.Errorf("%q and %q: not %t", tt.a.Reveal(), tt.b.Reveal(), tt.want)
		}
	}
}

func TestText_UnmarshalJSON(t *testing.T) {
	for body, want := range map[string]string{`"` + value + `"`: value, `""`: "", `null`: "", `"\u0041\""`: `A"`} {
		text := secret.New("before")
		if err := json.Unmarshal([]byte(body), &text); err != nil || text.Reveal() != want {
			t.Errorf("%s: %q, %v", body, text.Reveal(), err)
		}
	}
	for _, body := range []string{`{"p":"` + value + `"}`, `["` + value + `"]`, `42`, `true`} {
		text := secret.New("before")
		err := json.Unmarshal([]byte(body), &text)
		if err == nil || text.Reveal() != "before" {
			t.Errorf("%s is read as %q", body, text.Reveal())
		}
		safe(t, "the error", fmt.Sprint(err))
	}
}
