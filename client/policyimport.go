package client

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/landwaiter/landwaiter/internal/rhacspolicy"
)

// Import creates policies from those of RHACS, or says what would become of them.
func (p Policies) Import(ctx context.Context, document []byte, o rhacspolicy.Options, try bool) (*rhacspolicy.Imported, error) {
	query := url.Values{"partial": {strconv.FormatBool(o.Partial)}, "dryRun": {strconv.FormatBool(try)}}
	for id, name := range o.Clusters {
		query.Add("cluster", id+"="+name)
	}
	var out rhacspolicy.Imported
	if err := p.c.do(ctx, call{
		method: http.MethodPost, path: policiesPath + "/import", query: query, body: bytes.NewReader(document),
		bodyType: "application/octet-stream", bodySize: int64(len(document)), out: &out,
	}); err != nil {
		return nil, err
	}
	return &out, nil
}
