package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/exception"
)

const exceptionsPath = "/v1/exceptions"

// Exceptions are those of the server.
type Exceptions struct{ c *Client }

// Exceptions asks nothing yet.
func (c *Client) Exceptions() Exceptions { return Exceptions{c} }

// List has those in force first.
func (x Exceptions) List(ctx context.Context) ([]exception.Listed, error) {
	var out struct{ Exceptions []exception.Listed }
	err := x.c.do(ctx, call{method: http.MethodGet, path: exceptionsPath, out: &out})
	return out.Exceptions, err
}

// Get fails with fault.NotFound.
func (x Exceptions) Get(ctx context.Context, id string) (out exception.Listed, err error) {
	return out, x.c.do(ctx, call{method: http.MethodGet, path: exceptionPath(id), out: &out})
}

// Create adds one. Its author is whoever the client signs in as.
func (x Exceptions) Create(ctx context.Context, e exception.Exception) (out exception.Listed, err error) {
	return out, x.c.do(ctx, call{method: http.MethodPost, path: exceptionsPath, in: e, out: &out})
}

// Put changes the one of its ID, or adds it.
func (x Exceptions) Put(ctx context.Context, e exception.Exception) (out exception.Listed, err error) {
	return out, x.c.do(ctx, call{method: http.MethodPut, path: exceptionPath(e.ID), in: e, out: &out})
}

// Revoke ends one now.
func (x Exceptions) Revoke(ctx context.Context, id string) (out exception.Listed, err error) {
	return out, x.c.do(ctx, call{method: http.MethodPost, path: exceptionPath(id) + "/revoke", out: &out})
}

// Delete forgets one that is not in force.
func (x Exceptions) Delete(ctx context.Context, id string) error {
	return x.c.do(ctx, call{method: http.MethodDelete, path: exceptionPath(id)})
}

// OpenVEX writes those in force as a document, and says which it leaves out.
func (x Exceptions) OpenVEX(ctx context.Context) (document []byte, left []exception.LeftOut, err error) {
	var out struct {
		Document json.RawMessage
		LeftOut  []exception.LeftOut
	}
	err = x.c.do(ctx, call{method: http.MethodGet, path: "/v1/openvex", out: &out})
	return out.Document, out.LeftOut, err
}

func exceptionPath(id string) string { return exceptionsPath + "/" + url.PathEscape(id) }
