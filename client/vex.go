package client

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/vex"
)

const vexPath = "/v1/vex"

// VEX are the VEX documents of the server.
type VEX struct{ c *Client }

// VEX asks nothing yet.
func (c *Client) VEX() VEX { return VEX{c} }

// List is by ID.
func (v VEX) List(ctx context.Context) ([]vex.Info, error) {
	var out struct{ Documents []vex.Info }
	err := v.c.do(ctx, call{method: http.MethodGet, path: vexPath, out: &out})
	return out.Documents, err
}

// Import sends an OpenVEX, CycloneDX or CSAF VEX document.
func (v VEX) Import(ctx context.Context, document []byte) (vex.Info, error) {
	var out vex.Info
	err := v.c.do(ctx, call{
		method: http.MethodPost, path: vexPath, body: bytes.NewReader(document), bodyType: "application/octet-stream", bodySize: int64(len(document)), out: &out,
	})
	return out, err
}

// Delete removes the document of a key or an ID. It fails with fault.NotFound.
func (v VEX) Delete(ctx context.Context, name string) error {
	return v.c.do(ctx, call{method: http.MethodDelete, path: vexPath + "/" + url.PathEscape(name)})
}
