package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"google.golang.org/protobuf/proto"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/rhacs"
	"github.com/landwaiter/landwaiter/internal/workload"
)

// A rhacsInput is a message of RHACS's as JSON.
type rhacsInput struct {
	RawBody []byte
}

type rhacsOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) registerRHACS() {
	s := &rhacs.Service{Assess: a.Assess, Policies: a.Policies, Now: time.Now, Tool: "landwaiter " + a.Version}
	registerRHACS(a, "rhacsScanImage", s.ScanImage)
	registerRHACS(a, "rhacsCheckImage", s.DetectBuildTime)
	registerRHACS(a, "rhacsCheckWorkloads", s.DetectDeployTimeFromYAML, func(op *huma.Operation) { op.MaxBodyBytes = workload.MaxBytes })
	register(a, "rhacsSBOM", func(ctx context.Context, in *rhacsInput) (*sbomOutput, error) {
		document, name, err := s.SBOM(ctx, in.RawBody)
		return &sbomOutput{"application/json", fmt.Sprintf("attachment; filename=%q", name), document}, err
	})
	a.grpc = rhacs.NewServer(rhacs.ServerOptions{
		Service: s, RequestID: RequestIDHeader, Log: a.Log,
		SignIn: func(ctx context.Context, header string) (rhacs.Caller, error) {
			id, err := a.signIn(ctx, header)
			return rhacs.Caller{Identity: id, UserID: userIDOf(id), Access: accessOf(id).ResourceToAccess}, err
		},
	})
}

// registerRHACS adds an operation whose messages are RHACS's.
func registerRHACS[I any, In interface {
	*I
	proto.Message
}, Out proto.Message](a *API, id string, handle func(context.Context, In) (Out, error), change ...func(*huma.Operation)) {
	register(a, id, func(ctx context.Context, in *rhacsInput) (*rhacsOutput, error) {
		req := In(new(I))
		if err := rhacs.Decode(in.RawBody, req); err != nil {
			return nil, err
		}
		out, err := handle(ctx, req)
		if err != nil {
			return nil, err
		}
		return rhacsAnswer(out)
	}, change...)
}

func rhacsAnswer(m proto.Message) (*rhacsOutput, error) {
	body, err := rhacs.Encode(m)
	return &rhacsOutput{"application/json", body}, err
}

// GRPC answers RHACS's clients that speak gRPC.
func (a *API) GRPC() http.Handler { return a.grpc }

// Procedures are the paths that GRPC serves, with the permissions they need; "" stands for any caller that is signed in.
func (a *API) Procedures() map[string]auth.Permission { return a.grpc.Procedures() }
