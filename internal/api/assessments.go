package api

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
)

type assessInput struct {
	Body struct {
		Image      string   `json:"image" minLength:"1" maxLength:"1000" example:"quay.io/org/app:1.2" doc:"an image reference, as Docker writes it"`
		Platform   string   `json:"platform,omitempty" maxLength:"100" example:"linux/arm64" doc:"the server's default when empty"`
		Depth      string   `json:"depth,omitempty" enum:"inspect,scan,check" default:"check" doc:"inspect: facts only; scan: components and vulnerabilities too; check: policies too, and the answer is kept"`
		Categories []string `json:"categories,omitempty" maxItems:"100" doc:"answer for the policies of these categories only; what is kept is about all policies"`
	}
}

type platformsInput struct {
	Body struct {
		Image      string   `json:"image" minLength:"1" maxLength:"1000" example:"quay.io/org/app:1.2"`
		Platforms  string   `json:"platforms" minLength:"1" maxLength:"1000" example:"linux/amd64,linux/arm64" doc:"platforms with commas between them; all for every one of the image; nodes for those that nodes run"`
		Depth      string   `json:"depth,omitempty" enum:"inspect,scan,check" default:"check"`
		Categories []string `json:"categories,omitempty" maxItems:"100"`
	}
}

type platformsOutput struct {
	Body assess.Platforms
}

type assessmentOutput struct {
	Body assess.Assessment
}

type assessmentPage struct {
	Body struct {
		Assessments []assess.Summary `json:"assessments" nullable:"false"`
		Next        string           `json:"next" doc:"what to send as after for the next page; empty on the last one"`
	}
}

type historyOutput struct {
	Body struct {
		Images []assess.History `json:"images" nullable:"false" doc:"one for each platform"`
	}
}

type rematchingOutput struct {
	Body assess.Rematching
}

func (a *API) registerAssessments() {
	register(a, "assess", a.assess)
	register(a, "assessPlatforms", a.assessPlatforms)
	register(a, "listAssessments", a.listAssessments)
	register(a, "getAssessment", func(ctx context.Context, in *byID) (*assessmentOutput, error) {
		found, err := a.Assess.Stored(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &assessmentOutput{*found}, nil
	})
	register(a, "imageHistory", func(ctx context.Context, in *imageQuery) (*historyOutput, error) {
		ref, err := image.ParseReference(in.Image)
		if err != nil {
			return nil, err
		}
		var out historyOutput
		out.Body.Images, err = a.Assess.History(ctx, ref)
		return &out, err
	})
	register(a, "rematching", func(ctx context.Context, _ *struct{}) (*rematchingOutput, error) {
		r, err := a.Assess.Rematching(ctx)
		return &rematchingOutput{r}, err
	})
	register(a, "deleteAssessment", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Assessments.DeleteAssessment(ctx, in.ID)
	})
}

func (a *API) assess(ctx context.Context, in *assessInput) (*assessmentOutput, error) {
	ref, err := image.ParseReference(in.Body.Image)
	if err != nil {
		return nil, err
	}
	platform, err := image.ParsePlatform(in.Body.Platform)
	if err != nil {
		return nil, err
	}
	depth, err := assess.ParseDepth(in.Body.Depth)
	if err != nil {
		return nil, err
	}
	found, err := a.Assess.Assess(ctx, assess.Request{Reference: ref, Platform: platform, Depth: depth, Categories: in.Body.Categories}, assess.Progress{})
	if err != nil {
		return nil, err
	}
	return &assessmentOutput{*found}, nil
}

func (a *API) assessPlatforms(ctx context.Context, in *platformsInput) (*platformsOutput, error) {
	ref, err := image.ParseReference(in.Body.Image)
	if err != nil {
		return nil, err
	}
	want, err := assess.ParseSelection(in.Body.Platforms)
	if err != nil {
		return nil, err
	}
	depth, err := assess.ParseDepth(in.Body.Depth)
	if err != nil {
		return nil, err
	}
	found, err := a.Assess.AssessPlatforms(ctx, assess.Request{Reference: ref, Depth: depth, Categories: in.Body.Categories}, want, assess.Progress{})
	if err != nil {
		return nil, err
	}
	return &platformsOutput{*found}, nil
}

func (a *API) listAssessments(ctx context.Context, in *struct {
	Query string `query:"query" maxLength:"500" doc:"part of the reference, in any case"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	After string `query:"after" maxLength:"500" doc:"next of the page before"`
}) (*assessmentPage, error) {
	list, next, err := a.Assess.Summaries(ctx, in.Query, in.Limit, in.After)
	if err != nil {
		return nil, err
	}
	var out assessmentPage
	out.Body.Assessments, out.Body.Next = list, next
	if list == nil {
		out.Body.Assessments = []assess.Summary{}
	}
	return &out, nil
}
