package api

import (
	"encoding/json"
	"errors"
	"fmt"
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
