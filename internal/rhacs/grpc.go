package rhacs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	v1 "github.com/landwaiter/landwaiter/internal/rhacs/v1"
	"github.com/landwaiter/landwaiter/internal/workload"
)

const (
	maxRequest = workload.MaxBytes
	maxAnswer  = 24 << 20 // what roxctl takes; it tries larger ones again and again
)

// A Caller is a signed-in caller in RHACS's words.
type Caller struct {
	auth.Identity
	UserID string
	Access map[string]string // by resource
}

// ServerOptions are all needed.
type ServerOptions struct {
	Service *Service
	SignIn  func(ctx context.Context, authorization string) (Caller, error)
	// RequestID is the header of answers that names the request in the log.
	RequestID string
	Log       *slog.Logger
}

// Server answers gRPC and gRPC-Web, over HTTP/2 and HTTP/1.1. Every failure is an answer of status 200 with a gRPC status: roxctl
// takes anything else for a server that is down, and tries again for a minute.
type Server struct {
	o          ServerOptions
	procedures map[string]procedure
	errors     *connect.ErrorWriter
}

type procedure struct {
	needs  auth.Permission
	handle http.Handler
}

// signedIn stands for any caller, whatever the role.
const signedIn auth.Permission = ""

// A call is what handlers know of a request beside its message.
type call struct {
	caller    Caller
	requestID string
}

type callKey struct{}

// NewServer makes a Server.
func NewServer(o ServerOptions) *Server {
	s := &Server{o: o, procedures: map[string]procedure{}, errors: connect.NewErrorWriter()}
	serve(s, "/v1.DetectionService/DetectBuildTime", auth.ScanImages, o.Service.DetectBuildTime)
	serve(s, "/v1.DetectionService/DetectDeployTimeFromYAML", auth.ScanImages, o.Service.DetectDeployTimeFromYAML)
	serve(s, "/v1.ImageService/ScanImage", auth.ScanImages, o.Service.ScanImage)
	serve(s, "/v1.AuthService/GetAuthStatus", signedIn, func(ctx context.Context, _ *v1.Empty) (*v1.AuthStatus, error) {
		return authStatus(callOf(ctx).caller), nil
	})
	serve(s, "/v1.RoleService/GetMyPermissions", signedIn, func(ctx context.Context, _ *v1.Empty) (*v1.GetPermissionsResponse, error) {
		return &v1.GetPermissionsResponse{ResourceToAccess: accessOf(callOf(ctx).caller)}, nil
	})
	return s
}

// Procedures are the paths that are served, with the permissions they need; "" stands for any caller that is signed in.
func (s *Server) Procedures() map[string]auth.Permission {
	out := map[string]auth.Permission{}
	for path, p := range s.procedures {
		out[path] = p.needs
	}
	return out
}

func serve[I, O any, Out interface {
	*O
	proto.Message
}](s *Server, path string, needs auth.Permission, handle func(context.Context, *I) (Out, error)) {
	h := connect.NewUnaryHandler(path, func(ctx context.Context, req *connect.Request[I]) (*connect.Response[O], error) {
		out, err := handle(ctx, req.Msg)
		if err == nil && proto.Size(out) > maxAnswer {
			err = fault.New(fault.Invalid, "answer", "the answer has %d MiB, and roxctl takes %d at most", proto.Size(out)>>20, maxAnswer>>20).
				WithFix("Use landwaiter, or the REST call of the same message, which have no such limit.")
		}
		if err != nil {
			return nil, s.status(ctx, err)
		}
		return connect.NewResponse((*O)(out)), nil
	},
		connect.WithCompression("gzip", nil, nil), // clients take none
		connect.WithRecover(func(ctx context.Context, _ connect.Spec, _ http.Header, p any) error {
			return s.status(ctx, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}))
	s.procedures[path] = procedure{needs, h}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, form := r.Header.Get("Content-Type"), "application/grpc"
	suffix := strings.TrimPrefix(kind, form)
	// Whoever sends gRPC may take gRPC-Web, which survives proxies that lose trailers.
	if web, ok := strings.CutPrefix(suffix, "-web"); ok || wantsWeb(r) {
		form, suffix = form+"-web", web
	} else if r.ProtoMajor == 1 {
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message") // without it a short answer has none
	}
	r.Header.Set("Content-Type", form+suffix)
	ctx := context.WithValue(r.Context(), callKey{}, call{requestID: w.Header().Get(s.o.RequestID)})
	p, caller, err := s.admit(r)
	if err == nil {
		ctx = context.WithValue(ctx, callKey{}, call{caller, callOf(ctx).requestID})
		err = takeOneMessage(r)
	}
	if err != nil {
		r.Method = http.MethodPost // what the answer to a failure looks like depends on these
		r.Header.Set("Content-Type", form)
		s.errors.Write(w, r, s.status(ctx, err))
		return
	}
	p.handle.ServeHTTP(w, r.WithContext(ctx))
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

func wantsWeb(r *http.Request) bool {
	return r.Header.Get("Grpc-Web-Only") == "true" || strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "application/grpc-web")
}

var errUnknownProcedure = errors.New("there is no such procedure here")

// admit finds the procedure and signs the caller in.
func (s *Server) admit(r *http.Request) (procedure, Caller, error) {
	const op = "read request"
	p, ok := s.procedures[r.URL.Path]
	switch kind := r.Header.Get("Content-Type"); {
	case !ok:
		return p, Caller{}, errUnknownProcedure
	case r.Method != http.MethodPost:
		return p, Caller{}, fault.New(fault.Invalid, op, "procedures are called with POST")
	case !slices.Contains([]string{"application/grpc", "application/grpc+proto", "application/grpc-web", "application/grpc-web+proto"}, kind):
		return p, Caller{}, fault.New(fault.Invalid, op, "messages are taken as protocol buffers only").WithFix("Send them as application/grpc or application/grpc-web.")
	}
	caller, err := s.o.SignIn(r.Context(), r.Header.Get("Authorization"))
	switch {
	case fault.CodeOf(err) == fault.Limited: // trying again at once would make it worse
		err = fault.Wrap(fault.Unauthenticated, "", "", err)
	case err == nil && p.needs != signedIn && !caller.May(p.needs):
		err = fault.New(fault.Forbidden, "", "the role %q lacks the permission %q", caller.Role, p.needs).WithFix("Use a token whose role has it.")
	}
	return p, caller, err
}

// takeOneMessage replaces a request's body by the one message in it, still framed.
func takeOneMessage(r *http.Request) error {
	const op, prefix = "read request", 5
	body, err := io.ReadAll(io.LimitReader(r.Body, prefix+maxRequest+1))
	if err != nil {
		return fault.New(fault.Invalid, op, "its body could not be read to the end")
	}
	if len(body) < prefix {
		return fault.New(fault.Invalid, op, "it has no message")
	}
	size := int64(binary.BigEndian.Uint32(body[1:prefix]))
	switch got := int64(len(body) - prefix); {
	case body[0] != 0:
		return fault.New(fault.Invalid, op, "its message is compressed or no message at all").WithFix("Send it uncompressed.")
	case size > maxRequest || got > maxRequest:
		return fault.New(fault.Invalid, op, "its message is larger than %d MiB", maxRequest>>20).WithFix("Send less at once.")
	case got < size:
		return fault.New(fault.Invalid, op, "its message has %d of the %d bytes that it says", got, size)
	case got > size:
		return fault.New(fault.Invalid, op, "it holds more than one message")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// status is an error in gRPC's words. What lasts is InvalidArgument, unless it is about the caller's rights: after that roxctl
// stops at once, while it would try four times after NotFound, and forty times after Unavailable.
func (s *Server) status(ctx context.Context, err error) error {
	code, message := connect.CodeInternal, err.Error()
	var unserved *assess.Unserved
	switch known := fault.CodeOf(err); {
	case errors.Is(err, errUnknownProcedure):
		code = connect.CodeUnimplemented
	case errors.As(err, &unserved) && (known == fault.Unauthenticated || known == fault.Forbidden):
		code = connect.CodeInvalidArgument // a registry refuses this server, not this server its caller
	case known == fault.Unauthenticated:
		code = connect.CodeUnauthenticated
	case known == fault.Forbidden:
		code = connect.CodePermissionDenied
	case known == fault.Internal:
		id := callOf(ctx).requestID
		s.o.Log.ErrorContext(ctx, "request failed", "request", id, "error", err)
		return connect.NewError(code, fmt.Errorf("internal error. Look for the request ID %s in the server's log", id))
	case known != fault.Limited && known != fault.Unavailable:
		code = connect.CodeInvalidArgument
	}
	if fix := fault.FixOf(err); fix != "" {
		message += ". " + strings.TrimSuffix(fix, ".") // roxctl goes on with a full stop
	}
	return connect.NewError(code, errors.New(message))
}

func authStatus(c Caller) *v1.AuthStatus {
	access := accessOf(c)
	return &v1.AuthStatus{
		Id: &v1.AuthStatus_UserId{UserId: c.UserID}, Expires: timestamp(&c.Expires),
		UserInfo: &v1.UserInfo{
			Username: c.UserID, FriendlyName: c.Name, Permissions: &v1.ResourceAccess{ResourceToAccess: access},
			Roles: []*v1.Role{{Name: string(c.Role), ResourceToAccess: access}},
		},
	}
}

func accessOf(c Caller) map[string]v1.Access {
	out := map[string]v1.Access{}
	for resource, access := range c.Access {
		out[resource] = v1.Access(v1.Access_value[access])
	}
	return out
}
