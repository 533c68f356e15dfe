package diagnosis_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations"
)

// What most animals of the zoo let in.
const (
	zooUser  = "jane"
	zooImage = "team/app"
	zooRobot = "team+robot"
	zooRight = "MARKED-SECRET-right"
	zooWrong = "MARKED-SECRET-wrong"

	zooOctocat = "octocat"
	zooClassic = "ghp_MARKEDxSECRETx0123456789abcdefABCDEF0"
)

var types = func() *integration.Types {
	t, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		panic(err)
	}
	return t
}()

// A patient is an integration to be tested, and what is around it.
type patient struct {
	typ      string // docker if it is not said
	settings map[string]any
	image    string
	trust    *registrytest.Authority // of the integration
	shows    []string                // a client certificate and its key
	lends    error                   // why no credential is to be had
	client   distribution.Options
	deps     integration.Deps
	names    *registrytest.NameServer

	says []string // what cause and fix must name
	also []string // other findings that come with it
}

// A row is one thing that can be wrong. Without a finding, nothing is.
type row struct {
	name, finding, step string
	begin               func(t *testing.T, p *patient)
}

type oneHost interface {
	integration.Registry
	Host() string
	Anonymous() bool
}

// unlent has a credential that cannot be had.
type unlent struct {
	oneHost
	why error
}

func (r unlent) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return distribution.Credential{}, r.why
}

func (p *patient) open(t testing.TB) integration.Candidate {
	t.Helper()
	if p.typ == "" {
		p.typ = "docker"
	}
	typ, ok := types.Get(p.typ)
	if !ok {
		t.Fatalf("no type %s", p.typ)
	}
	if p.trust != nil {
		p.settings["connection.caBundle"] = p.trust.PEM()
	}
	if p.shows != nil {
		p.settings["connection.clientCertificate"], p.settings["connection.clientKey"] = p.shows[0], p.shows[1]
	}
	c := integrationtest.Open(t, typ, p.settings, p.deps)
	if p.lends != nil {
		c.Registry = unlent{c.Registry.(oneHost), p.lends}
	}
	return c
}

// at says where the registry is, and with which credential.
func (p *patient) at(endpoint, user, password string) {
	p.settings = map[string]any{"endpoint": endpoint}
	if user != "" {
		p.settings["username"], p.settings["password"] = user, password
	}
}

// real is a registry with one user and one image. It is signed in to as that user.
func (p *patient) real(t *testing.T, o registrytest.Options) *registrytest.Registry {
	t.Helper()
	o.Users = map[string]string{zooUser: zooRight}
	r := registrytest.Start(t, o)
	registrytest.Push(t, r, zooImage, "1", registrytest.Image{})
	p.at(r.URL, zooUser, zooRight)
	return r
}

// fake is one that lets in everybody.
func (p *patient) fake(t *testing.T, a *registrytest.Authority, q registrytest.Quirks) *registrytest.Fake {
	t.Helper()
	f := registrytest.NewFake(t, a, q)
	registrytest.Push(t, f, zooImage, "1", registrytest.Image{})
	p.at(f.URL, "", "")
	return f
}

// shop is a product with a user and an image, of which nothing is for everybody.
func (p *patient) shop(t *testing.T, product registrytest.Product, s registrytest.Site) *registrytest.Shop {
	t.Helper()
	s.Users = map[string]string{zooUser: zooRight, zooRobot: zooRight, zooOctocat: zooClassic}
	s.Guests = map[string]string{"guest": zooRight}
	shop := product.Open(t, s)
	registrytest.Push(t, shop, zooImage, "1", registrytest.Image{})
	p.at(shop.URL, zooUser, zooRight)
	return shop
}

func (p *patient) named(host string) { p.image = host + "/" + zooImage + ":1" }

// examine runs the test of a connection as it is run for people, and checks what holds of all.
func (p *patient) examine(t *testing.T) *diagnosis.Diagnosis {
	t.Helper()
	var told []diagnosis.Step
	d := p.diagnose(t, func(s diagnosis.Step) { told = append(told, s) })
	check(t, d, told)
	p.keepsSecrets(t, d)
	replays(t, d)
	return d
}

func (p *patient) diagnose(t testing.TB, emit func(diagnosis.Step)) *diagnosis.Diagnosis {
	t.Helper()
	doctor, c := p.doctor(), p.open(t)
	ref, err := diagnosis.ImageOf(c, p.image)
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Diagnose(t.Context(), c, ref, emit)
}

func (p *patient) doctor() *diagnosis.Doctor {
	if p.deps.Now == nil {
		p.deps.Now = time.Now
	}
	p.client.Now, p.client.Addresses.Loopback = p.deps.Now, true
	p.client.ConnectTimeout = cmp.Or(p.client.ConnectTimeout, 2*time.Second)
	p.client.HeaderTimeout = cmp.Or(p.client.HeaderTimeout, 2*time.Second)
	return diagnosis.New(diagnosis.Options{
		Client: distribution.New(p.client), Types: types, Now: p.deps.Now, NewID: uuid.NewString, Program: "landwaiter/test",
	})
}

// check writes a diagnosis down for who looks at the test, and checks what holds of every one.
func check(t *testing.T, d *diagnosis.Diagnosis, told []diagnosis.Step) {
	t.Helper()
	if len(told) != len(d.Steps) || len(d.Steps) != len(d.Observations) {
		t.Errorf("%d steps were told, %d are in the diagnosis, of %d observations", len(told), len(d.Steps), len(d.Observations))
	}
	t.Logf("%s, proven %t: %s", d.Verdict, d.Proven, d.Summary)
	for _, s := range d.Steps {
		t.Logf("%-16s %-8s %s", s.ID, s.Verdict, s.Summary)
		for _, f := range s.Seen {
			t.Logf("    %s: %s", f.Name, f.Value)
		}
		for _, f := range s.Findings {
			t.Logf("  * %s (%s)\n    %s\n    %s", f.Name, f.Verdict, f.Cause, f.Fix)
			if f.Cause == "" || f.Fix == "" || unfilled.MatchString(f.Cause+f.Fix) {
				t.Errorf("%s: a sentence is missing, or a placeholder is left", f.Name)
			}
		}
	}
}

// unfilled matches placeholders, and not the JSON documents of policies.
var unfilled = regexp.MustCompile(`\{[A-Za-z0-9]+\}`)

func (p *patient) keepsSecrets(t *testing.T, d *diagnosis.Diagnosis) {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	user, _ := p.settings["username"].(string)
	secrets := []string{"MARKED", "eyJ", "ZXlK"} // and tokens, in base64 too
	for _, password := range []string{zooRight, zooWrong} {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	for _, secret := range secrets {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the diagnosis shows %s: %s", secret, raw)
		}
	}
}

// diagnosed checks one row against what was found.
func (r row) diagnosed(t *testing.T, p *patient, d *diagnosis.Diagnosis) {
	t.Helper()
	var found []string
	for i, s := range d.Steps {
		for _, f := range s.Findings {
			found = append(found, f.Name)
			if f.Name == r.finding && s.ID == r.step {
				r.explained(t, p, s, f)
			}
		}
		if s.Verdict != diagnosis.Failed {
			continue
		}
		first := !slices.ContainsFunc(d.Steps[:i], func(s diagnosis.Step) bool { return s.Verdict == diagnosis.Failed })
		if first != (s.ID == r.step) && (first || len(p.also) == 0) {
			t.Errorf("%s fails, want %s alone", s.ID, r.step)
		}
	}
	var want []string
	if r.finding != "" {
		want = []string{r.finding}
	}
	want = append(want, p.also...)
	slices.Sort(want)
	slices.Sort(found)
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if r.finding == "" && (d.Verdict != diagnosis.Passed || d.Proven == d.Subject.Anonymous) {
		t.Errorf("%s, proven %t: %s", d.Verdict, d.Proven, d.Summary)
	}
}

func (r row) explained(t *testing.T, p *patient, s diagnosis.Step, f diagnosis.Finding) {
	t.Helper()
	if s.Verdict != f.Verdict {
		t.Errorf("%s is %s, and its step %s", f.Name, f.Verdict, s.Verdict)
	}
	for _, word := range p.says {
		if !strings.Contains(f.Cause+" "+f.Fix, word) {
			t.Errorf("neither cause nor fix says %q: %s / %s", word, f.Cause, f.Fix)
		}
	}
}

// anyHost matches what differs from one run to another.
var anyHost = regexp.MustCompile(`127\.0\.0\.1:\d+|[a-z]+\.test(:\d+)?`)

func zoo() []row {
	return slices.Concat(wayRows, tlsRows, apiRows, signInRows, imageRows, cloudRows, healthyRows)
}

func TestZoo(t *testing.T) {
	names := registrytest.NewNameServer(t)
	before := net.DefaultResolver
	net.DefaultResolver = names.Resolver()
	t.Cleanup(func() { net.DefaultResolver = before })

	causes, fixes, seen := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, r := range zoo() {
		t.Run(r.name, func(t *testing.T) {
			p := &patient{names: names}
			r.begin(t, p)
			d := p.examine(t)
			r.diagnosed(t, p, d)
			for _, s := range d.Steps {
				for _, f := range s.Findings {
					seen[f.Name] = true
					distinct(t, causes, f.Name, f.Cause)
					distinct(t, fixes, f.Name, f.Fix)
				}
			}
		})
	}
	if t.Failed() {
		return
	}
	for _, name := range diagnosis.FindingNames() {
		if !seen[name] && unseen[name].why == "" {
			t.Errorf("no animal of the zoo has %s", name)
		}
	}
	t.Logf("%d findings are recognised", len(seen))
}

// unseen are the findings that no row has.
var unseen = map[string]struct{ step, why string }{
	"settings-unusable": {diagnosis.StepSettings, "settings are checked before an integration is opened; this is for types that check too little"},
}

// distinct checks that no two findings are explained in the same words.
func distinct(t *testing.T, said map[string]string, name, text string) {
	t.Helper()
	text = anyHost.ReplaceAllString(text, "HOST")
	if other, ok := said[text]; ok && other != name {
		t.Errorf("%s is explained as %s is: %s", name, other, text)
	}
	said[text] = name
}
