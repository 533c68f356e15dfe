package rhacs_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
	v1 "github.com/landwaiter/landwaiter/internal/rhacs/v1"
	"github.com/landwaiter/landwaiter/internal/server"
)

const (
	detectBuild  = "/v1.DetectionService/DetectBuildTime"
	detectDeploy = "/v1.DetectionService/DetectDeployTimeFromYAML"
	scanImage    = "/v1.ImageService/ScanImage"
	whoami       = "/v1.AuthService/GetAuthStatus"
	permissions  = "/v1.RoleService/GetMyPermissions"
)

// A central is the whole server, over TLS and plain HTTP, with a registry that holds one image.
type central struct {
	*apitest.Fixture
	secure, plain string // 127.0.0.1:port
	roots         *x509.CertPool
}

func startCentral(t *testing.T) *central {
	c := &central{Fixture: apitest.Start(t, nil), roots: x509.NewCertPool()}
	if w := c.Do("POST", "/v1/imageintegrations", c.Docker("registry", apitest.Marked), auth.Administrator); w.Code != 200 {
		t.Fatal(w.Body)
	}
	dir := t.TempDir()
	run := func(o server.Options) string {
		urls, ended := make(chan string, 1), make(chan error, 1)
		o.API, o.GRPC, o.Portal, o.Listening = c.API, c.API.GRPC(), http.NotFoundHandler(), func(u string) { urls <- u }
		ctx, cancel := context.WithCancel(context.Background())
		go func() { ended <- server.Run(ctx, o) }()
		t.Cleanup(func() { cancel(); <-ended })
		select {
		case raw := <-urls:
			u, _ := url.Parse(raw)
			return net.JoinHostPort("127.0.0.1", u.Port())
		case err := <-ended:
			t.Fatal(err)
			return ""
		}
	}
	c.plain = run(server.Options{Listen: "127.0.0.1:0", Stall: time.Second})
	c.secure = run(server.Options{Listen: "0.0.0.0:0", TLSDir: dir}) // TLS wherever others can reach it
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	c.roots.AppendCertsFromPEM(ca)
	return c
}

// withoutLayer is an image in the registry, one of whose layers is gone.
func (c *central) withoutLayer(t *testing.T) string {
	t.Helper()
	sign := &authn.Basic{Username: "robot", Password: apitest.Marked}
	ref, err := name.ParseReference(c.Image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := remote.Image(ref, remote.WithAuth(sign))
	if err != nil {
		t.Fatal(err)
	}
	m, err := whole.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m = m.DeepCopy()
	m.Layers = append(m.Layers, ggcr.Descriptor{MediaType: types.DockerLayer, Size: 10, Digest: ggcr.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}})
	body, _ := json.Marshal(m)
	req, _ := http.NewRequest("PUT", "http://"+c.Registry+"/v2/team/app/manifests/broken", bytes.NewReader(body))
	req.Header.Set("Content-Type", string(m.MediaType))
	req.SetBasicAuth(sign.Username, sign.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != 201 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	return c.Registry + "/team/app:broken"
}

// as is the Authorization header of a role's token.
func (c *central) as(role auth.Role) string { return "Bearer " + c.Token(role) }

// An exchange is what one call gave.
type exchange func(t *testing.T, path, authorization string, in, out proto.Message) (codes.Code, string)

// clients are the forms in which roxctl calls, by what chooses them.
func (c *central) clients(t *testing.T) map[string]exchange {
	native := func(address string, o ...grpc.DialOption) exchange {
		conn, err := grpc.NewClient(address, o...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return func(t *testing.T, path, authorization string, in, out proto.Message) (codes.Code, string) {
			ctx := t.Context()
			if authorization != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
			}
			err := conn.Invoke(ctx, path, in, out)
			return status.Code(err), status.Convert(err).Message()
		}
	}
	trusting := func(name string) grpc.DialOption {
		return grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: c.roots, ServerName: name}))
	}
	_, port, _ := net.SplitHostPort(c.secure)
	byHand := func(host string, header http.Header, secure, http2, web bool) exchange {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.roots, ServerName: "central.stackrox"}, ForceAttemptHTTP2: http2, DisableCompression: true}
		t.Cleanup(tr.CloseIdleConnections)
		u := "http://" + c.plain
		if secure {
			u = "https://" + c.secure
		}
		return func(t *testing.T, path, authorization string, in, out proto.Message) (codes.Code, string) {
			m, _ := proto.Marshal(in)
			req, _ := http.NewRequestWithContext(t.Context(), "POST", u+path, struct{ io.Reader }{strings.NewReader(frame(0, m))})
			req.Header, req.Host = header.Clone(), host
			req.Header.Set("Content-Type", "application/grpc")
			req.Header.Set("Accept-Encoding", "gzip")
			req.Header.Set("Grpc-Timeout", "59999m")
			if authorization != "" {
				req.Header.Set("Authorization", authorization)
			}
			res, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if (res.ProtoMajor == 2) != http2 {
				t.Errorf("answered over %s", res.Proto)
			}
			return readAnswer(t, res, web, out)
		}
	}
	both, webOnly := []string{"application/grpc", "application/grpc-web"}, []string{"application/grpc-web"}
	te := []string{"trailers"}
	return map[string]exchange{
		"TLS, by name":                          native("localhost:"+port, trusting("")),
		"TLS, by IP address":                    native(c.secure, trusting("central.stackrox"), grpc.WithAuthority("central.stackrox")),
		"plain text, --direct-grpc":             native(c.plain, grpc.WithTransportCredentials(insecure.NewCredentials())),
		"plain text, HTTP/1.1":                  byHand("pipe", http.Header{"Accept": both, "Te": te}, false, false, true),
		"plain text, --force-http1":             byHand("pipe", http.Header{"Accept": webOnly, "Te": te, "Grpc-Web-Only": {"true"}}, false, false, true),
		"plain text, HTTP/1.1 without gRPC-Web": byHand("pipe", http.Header{"Accept": both[:1], "Te": te}, false, false, false),
		"TLS, HTTP/1.1":                         byHand("", http.Header{"Accept": both, "Te": te}, true, false, true),
		"TLS, --force-http1 over HTTP/2":        byHand("", http.Header{"Accept": webOnly, "Grpc-Web-Only": {"true"}}, true, true, true),
	}
}

func frame(flag byte, message []byte) string {
	return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message)))) + string(message)
}

// readAnswer reads an answer frame by frame, and holds it to what roxctl accepts.
func readAnswer(t *testing.T, res *http.Response, web bool, out proto.Message) (codes.Code, string) {
	t.Helper()
	wantType := "application/grpc"
	if web {
		wantType = "application/grpc-web"
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != wantType || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	said := textproto.MIMEHeader(res.Header)
	for len(body) >= 5 {
		n := int(binary.BigEndian.Uint32(body[1:]))
		message := body[5 : 5+n]
		switch body[0] {
		case 0:
			if err := proto.Unmarshal(message, out); err != nil {
				t.Error(err)
			}
		case 0x80:
			if said, err = textproto.NewReader(bufio.NewReader(strings.NewReader(string(message) + "\r\n"))).ReadMIMEHeader(); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("a frame with the flag %x", body[0])
		}
		body = body[5+n:]
	}
	if !web && len(res.Trailer) > 0 {
		said = textproto.MIMEHeader(res.Trailer)
	}
	if len(body) > 0 || said.Get("Grpc-Status") == "" {
		t.Errorf("%d bytes are left, %v", len(body), said)
	}
	var code codes.Code
	fmt.Sscan(said.Get("Grpc-Status"), &code)
	message, err := url.PathUnescape(said.Get("Grpc-Message"))
	if err != nil {
		t.Error(err)
	}
	return code, message
}

func TestProcedures(t *testing.T) {
	c := startCentral(t)
	c.EnsureAdmin(t)
	manifest := fmt.Sprintf("kind: Pod\napiVersion: v1\nmetadata: {name: web}\nspec: {containers: [{name: web, image: %q}]}\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n", c.Image)
	for name, call := range c.clients(t) {
		t.Run(name, func(t *testing.T) {
			ok := func(path string, in, out proto.Message) {
				t.Helper()
				if code, message := call(t, path, c.as(auth.ContinuousIntegration), in, out); code != codes.OK || message != "" {
					t.Errorf("%s: %s: %s", path, code, message)
				}
			}
			var built v1.BuildDetectionResponse
			ok(detectBuild, &v1.BuildDetectionRequest{Resource: &v1.BuildDetectionRequest_Image{Image: &storage.ContainerImage{Name: &storage.ImageName{FullName: c.Image}}}}, &built)
			if len(built.Alerts) == 0 || built.Alerts[0].GetImage().GetName().GetFullName() != c.Image {
				t.Errorf("%v", &built)
			}
			ids := map[string]bool{}
			for _, a := range built.Alerts {
				if ids[a.Policy.Id] || a.Policy.Id == "" || len(a.Violations) == 0 || a.LifecycleStage != storage.LifecycleStage_BUILD {
					t.Errorf("%v", a)
				}
				ids[a.Policy.Id] = true
			}

			var deployed v1.DeployDetectionResponse
			ok(detectDeploy, &v1.DeployYAMLDetectionRequest{Yaml: manifest, Namespace: "shop", Cluster: "prod"}, &deployed)
			if len(deployed.Runs) != 1 || len(deployed.Runs[0].Alerts) == 0 || !slices.Equal(deployed.IgnoredObjectRefs, []string{"c[/v1, Kind=ConfigMap]"}) {
				t.Fatalf("%v", &deployed)
			}
			if d := deployed.Runs[0].Alerts[0].GetDeployment(); d.GetId() == "" || d.GetName() != "web" || d.GetType() != "Pod" || d.GetNamespace() != "shop" || d.GetClusterName() != "prod" {
				t.Errorf("%v", d)
			}

			var img storage.Image
			ok(scanImage, &v1.ScanImageRequest{ImageName: c.Image}, &img)
			if img.Name.GetFullName() != c.Image || !strings.HasPrefix(img.Id, "sha256:") || img.Scan == nil {
				t.Errorf("%v", &img)
			}
			if w := c.Do("GET", "/v1/assessments?query="+c.Image, "", auth.Viewer); !strings.Contains(w.Body.String(), c.Image) {
				t.Error("the assessment was not kept")
			}

			var me v1.AuthStatus
			ok(whoami, &v1.Empty{}, &me)
			if !strings.HasPrefix(me.GetUserId(), "auth-token:") || me.UserInfo.Roles[0].Name != "Continuous Integration" {
				t.Errorf("%v", &me)
			}
			var mine v1.GetPermissionsResponse
			ok(permissions, &v1.Empty{}, &mine)
			if mine.ResourceToAccess["Image"] != v1.Access_READ_WRITE_ACCESS || mine.ResourceToAccess["Detection"] != v1.Access_READ_ACCESS {
				t.Errorf("%v", &mine)
			}
			basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+apitest.Password))
			if code, message := call(t, whoami, basic, &v1.Empty{}, &me); code != codes.OK || me.GetUserId() != "admin" {
				t.Errorf("%s: %s: %v", code, message, &me)
			}
		})
	}
}

// What lasts ends roxctl at once: 3, 7 and 16. What may pass is tried again a few times: 13. Nothing is 8 or 14, after which it
// tries forty times.
func TestFailures(t *testing.T) {
	c := startCentral(t)
	c.EnsureAdmin(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	ci, scan := c.as(auth.ContinuousIntegration), func(name string) proto.Message { return &v1.ScanImageRequest{ImageName: name} }
	repository, _, _ := strings.Cut(c.Image, ":1.0")
	broken := c.withoutLayer(t)
	for name, f := range map[string]struct {
		path, authorization string
		in                  proto.Message
		code                codes.Code
		message             string // in part
	}{
		"no credentials":       {scanImage, "", scan(c.Image), codes.Unauthenticated, "no credentials were sent. Send the header Authorization"},
		"wrong token":          {scanImage, "Bearer lw_wrong", scan(c.Image), codes.Unauthenticated, "not a token of this server"},
		"wrong password":       {whoami, "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:wrong")), &v1.Empty{}, codes.Unauthenticated, "sign in: "},
		"unreadable header":    {whoami, "Digest x", &v1.Empty{}, codes.Unauthenticated, "cannot be read"},
		"lacking permission":   {detectBuild, c.as(auth.Viewer), &v1.BuildDetectionRequest{}, codes.PermissionDenied, `the role "Viewer" lacks the permission "images:scan"`},
		"no image":             {scanImage, ci, scan(""), codes.InvalidArgument, "names no image"},
		"bad reference":        {scanImage, ci, scan("Not A Reference"), codes.InvalidArgument, "parse image reference"},
		"image not found":      {scanImage, ci, scan(repository + ":none"), codes.InvalidArgument, "get image: " + repository + ":none"},
		"layer not found":      {scanImage, ci, scan(broken), codes.InvalidArgument, "scan image: " + broken},
		"registry unreachable": {scanImage, ci, scan(l.Addr().String() + "/a:1"), codes.Internal, "connection refused"},
		"unknown category":     {detectBuild, ci, &v1.BuildDetectionRequest{Resource: &v1.BuildDetectionRequest_ImageName{ImageName: c.Image}, PolicyCategories: []string{"nonsense"}}, codes.InvalidArgument, "nonsense"},
		"bad manifest":         {detectDeploy, ci, &v1.DeployYAMLDetectionRequest{Yaml: "a: ["}, codes.InvalidArgument, "read manifests"},
		"unknown procedure":    {"/v1.AlertService/CountAlerts", ci, &v1.Empty{}, codes.Unimplemented, "no such procedure"},
		"path of the REST API": {"/v1/ping", ci, &v1.Empty{}, codes.Unimplemented, "no such procedure"},
	} {
		for form, call := range c.clients(t) {
			code, message := call(t, f.path, f.authorization, f.in, &v1.Empty{})
			if code != f.code || !strings.Contains(message, f.message) {
				t.Errorf("%s, %s: %s: %s", name, form, code, message)
			}
		}
	}
}

func TestPermissionsOfProcedures(t *testing.T) {
	c := startCentral(t)
	want := map[string]auth.Permission{detectBuild: auth.ScanImages, detectDeploy: auth.ScanImages, scanImage: auth.ScanImages, whoami: "", permissions: ""}
	if got := c.API.Procedures(); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	call := c.clients(t)["plain text, --direct-grpc"]
	for path, needs := range c.API.Procedures() {
		for _, role := range append(auth.Roles(), apitest.Nobody) {
			code, message := call(t, path, c.as(role), &v1.Empty{}, &v1.Empty{})
			if allowed := needs == "" || (auth.Identity{Role: role}).May(needs); allowed == (code == codes.PermissionDenied) {
				t.Errorf("%s as %s: %s: %s", path, role, code, message)
			}
		}
		if code, _ := call(t, path, "", &v1.Empty{}, &v1.Empty{}); code != codes.Unauthenticated {
			t.Errorf("%s without credentials: %s", path, code)
		}
	}
}

// The answer to a client that knows the wrong thing is about that, and never a page of the portal.
func TestRequestsThatAreNoCalls(t *testing.T) {
	c := startCentral(t)
	for name, r := range map[string]struct {
		method, kind, body string
		message            string
	}{
		"no message":     {"POST", "application/grpc", "", "it has no message"},
		"cut short":      {"POST", "application/grpc", frame(0, []byte("abc"))[:7], "its message has 2 of the 3 bytes"},
		"two messages":   {"POST", "application/grpc", frame(0, nil) + frame(0, nil), "more than one message"},
		"compressed":     {"POST", "application/grpc", frame(1, nil), "compressed"},
		"too large":      {"POST", "application/grpc", frame(0, make([]byte, 16<<20+1)), "larger than 16 MiB"},
		"too large, sly": {"POST", "application/grpc", frame(0, nil)[:1] + "\xff\xff\xff\xff", "larger than 16 MiB"},
		"not protobuf":   {"POST", "application/grpc", frame(0, []byte("\xff\xff")), "unmarshal"},
		"JSON":           {"POST", "application/grpc+json", frame(0, []byte("{}")), "protocol buffers only"},
		"text":           {"POST", "application/grpc-web-text", "AAAAAAA=", "protocol buffers only"},
		"GET":            {"GET", "application/grpc", "", "called with POST"},
	} {
		req, _ := http.NewRequest(r.method, "http://"+c.plain+scanImage, strings.NewReader(r.body))
		req.Header.Set("Content-Type", r.kind)
		req.Header.Set("Authorization", c.as(auth.ContinuousIntegration))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(name, err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		said := textproto.MIMEHeader(res.Header)
		if said.Get("Grpc-Status") == "" {
			said = textproto.MIMEHeader(res.Trailer)
		}
		if message, _ := url.PathUnescape(said.Get("Grpc-Message")); res.StatusCode != 200 || said.Get("Grpc-Status") != "3" || !strings.Contains(message, r.message) {
			t.Errorf("%s: %d, %v", name, res.StatusCode, said)
		}
	}
}

// A body that stops before its end gets a status once the server has waited long enough.
func TestSlowBody(t *testing.T) {
	c := startCentral(t)
	conn, err := net.Dial("tcp", c.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: pipe\r\nContent-Type: application/grpc\r\nAccept: application/grpc-web\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\x00\x00\x00\r\n",
		whoami, c.as(auth.Viewer))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if code, message := readAnswer(t, res, true, &v1.Empty{}); code != codes.InvalidArgument || !strings.Contains(message, "could not be read to the end") {
		t.Errorf("%s: %s", code, message)
	}
}
