package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat reads and writes JSON. Its errors name the place and never repeat what was sent.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		err := json.Unmarshal(data, v)
		var syntax *json.SyntaxError
		var mistyped *json.UnmarshalTypeError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &syntax):
			return fmt.Errorf("not valid JSON, at byte %d", syntax.Offset)
		case errors.As(err, &mistyped) && mistyped.Field != "":
			return fmt.Errorf("%q has the wrong type", mistyped.Field)
		}
		return errors.New("not the JSON that is expected here")
	},
}

// takeAnyContentType has every body read as JSON: clients send text/plain or a form's type.
func takeAnyContentType(ctx huma.Context, next func(huma.Context)) { next(jsonRequest{ctx}) }

type humaContext huma.Context

type jsonRequest struct{ humaContext }

func (r jsonRequest) Header(name string) string {
	if strings.EqualFold(name, "Content-Type") {
		return "application/json"
	}
	return r.humaContext.Header(name)
}

// Unwrap lets huma's adapter find its own context.
func (r jsonRequest) Unwrap() huma.Context { return r.humaContext }

// A camelCase is a body whose keys may be written in snake_case, too, as RHACS takes them. None of them can be required by the
// schema, which is held against what was sent.
type camelCase[T any] struct{ Value T }

// Schema is that of the body itself.
func (camelCase[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

func (c *camelCase[T]) UnmarshalJSON(body []byte) error {
	var sent any
	if err := json.Unmarshal(body, &sent); err != nil {
		return err
	}
	written, err := json.Marshal(inCamelCase(sent))
	if err != nil {
		return err
	}
	return json.Unmarshal(written, &c.Value)
}

func inCamelCase(sent any) any {
	switch v := sent.(type) {
	case []any:
		for i := range v {
			v[i] = inCamelCase(v[i])
		}
	case map[string]any:
		written := make(map[string]any, len(v))
		for key, inner := range v {
			words := strings.Split(key, "_")
			for i, w := range words[1:] {
				words[i+1] = strings.ToUpper(w[:min(1, len(w))]) + w[min(1, len(w)):]
			}
			written[strings.Join(words, "")] = inCamelCase(inner)
		}
		return written
	}
	return sent
}
