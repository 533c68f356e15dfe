package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/landwaiter/landwaiter/internal/assess"
)

const assessmentsPath = "/v1/assessments"

// Assess has the server assess an image and waits for the answer. An empty platform means the server's default. It fails
// with an *assess.Unserved when no integration of the server could serve the image. The answer is for policies of the categories,
// or for all if none are named.
func (c *Client) Assess(ctx context.Context, image, platform string, depth assess.Depth, categories ...string) (*assess.Assessment, error) {
	in := struct {
		Image      string   `json:"image"`
		Platform   string   `json:"platform,omitempty"`
		Depth      string   `json:"depth"`
		Categories []string `json:"categories,omitempty"`
	}{image, platform, depth.String(), categories}
	var out assess.Assessment
	if err := c.do(ctx, call{method: http.MethodPost, path: assessmentsPath, in: in, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// AssessPlatforms has the server assess several platforms of an image: "all", "nodes", or a list with commas.
func (c *Client) AssessPlatforms(ctx context.Context, image, platforms string, depth assess.Depth, categories ...string) (*assess.Platforms, error) {
	in := struct {
		Image      string   `json:"image"`
		Platforms  string   `json:"platforms"`
		Depth      string   `json:"depth"`
		Categories []string `json:"categories,omitempty"`
	}{image, platforms, depth.String(), categories}
	var out assess.Platforms
	if err := c.do(ctx, call{method: http.MethodPost, path: assessmentsPath + "/platforms", in: in, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// Assessments lists the latest assessments, newest first. query is part of the reference; limit 0 means the server's; next
// is what to give as after for the next page, "" on the last one.
func (c *Client) Assessments(ctx context.Context, query string, limit int, after string) (list []assess.Summary, next string, err error) {
	values := url.Values{}
	for name, value := range map[string]string{"query": query, "after": after} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if limit > 0 {
		values.Set("limit", strconv.Itoa(limit))
	}
	var out struct {
		Assessments []assess.Summary
		Next        string
	}
	err = c.do(ctx, call{method: http.MethodGet, path: assessmentsPath, query: values, out: &out})
	return out.Assessments, out.Next, err
}

// Assessment fails with fault.NotFound.
func (c *Client) Assessment(ctx context.Context, id string) (*assess.Assessment, error) {
	var out assess.Assessment
	if err := c.do(ctx, call{method: http.MethodGet, path: assessmentsPath + "/" + url.PathEscape(id), out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// DeleteAssessment has the server forget an assessment.
func (c *Client) DeleteAssessment(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: assessmentsPath + "/" + url.PathEscape(id)})
}

// AssessSBOM has the server assess a CycloneDX or SPDX document (JSON). The answer is not kept.
func (c *Client) AssessSBOM(ctx context.Context, document io.Reader, depth assess.Depth) (*assess.Assessment, error) {
	var out assess.Assessment
	err := c.do(ctx, call{
		method: http.MethodPost, path: assessmentsPath + "/sbom", query: url.Values{"depth": {depth.String()}},
		body: document, bodyType: "application/json", bodySize: -1, out: &out,
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}
