package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/watch"
)

const watchPath = "/v1/watchedimages"

// Watched lists the images that are watched, by name.
func (c *Client) Watched(ctx context.Context) ([]watch.Image, error) {
	var out struct{ WatchedImages []watch.Image }
	err := c.do(ctx, call{method: http.MethodGet, path: watchPath, out: &out})
	return out.WatchedImages, err
}

// Watch has the server watch an image, and assess it at once in the background. It returns the canonical name.
func (c *Client) Watch(ctx context.Context, image string) (string, error) {
	var out struct{ NormalizedName, ErrorType, ErrorMessage string }
	err := c.do(ctx, call{method: http.MethodPost, path: watchPath, in: map[string]string{"name": image}, out: &out})
	if err == nil && out.ErrorMessage != "" {
		err = fault.New(fault.Invalid, "", "%s", out.ErrorMessage).WithFix("Name a tag, such as quay.io/org/app:1.2, without a digest.")
	}
	return out.NormalizedName, err
}

// Unwatch is no error for an image that is not watched.
func (c *Client) Unwatch(ctx context.Context, image string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: watchPath, query: url.Values{"name": {image}}})
}
