package attestation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

var (
	now    = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	wanted = image.DigestOf([]byte("the platform's manifest"))
	index  = image.DigestOf([]byte("the index"))
)

const bill = `{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"timestamp":"2026-11-20T00:00:00Z"},"components":[{"type":"library","name":"left","version":"1","purl":"pkg:npm/left@1"}]}`

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func pemOf(key crypto.PublicKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key))}))
}

func ruleOf(t testing.TB, spec string, keys ...crypto.PublicKey) []Rule {
	t.Helper()
	var text strings.Builder
	text.WriteString("apiVersion: landwaiter.dev/v1\nkind: SignerRule\nmetadata: {name: team}\nspec:\n  images: [registry.example/team/*]\n  accept: [sbom]\n" + spec + "  keys:\n")
	for _, key := range keys {
		text.WriteString("  - |\n    " + strings.ReplaceAll(strings.TrimSpace(pemOf(key)), "\n", "\n    ") + "\n")
	}
	rules, err := ParseRules(nil, "rules.yaml", []byte(text.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	return rules
}

func statementOf(subject image.Digest, predicateType, predicate string) string {
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`,
		subject.Hex(), predicateType, predicate)
}

// sealed is a DSSE envelope around a statement, with a signature that sign makes over the pre-authentication encoding, which is
// written here as its specification says.
func sealed(statement string, sign func(message []byte) []byte) string {
	message := fmt.Sprintf("DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(statement), statement)
	return fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[{"keyid":"","sig":%q}]}`,
		payloadType, base64.StdEncoding.EncodeToString([]byte(statement)), base64.StdEncoding.EncodeToString(sign([]byte(message))))
}

func ecdsaSigner(key *ecdsa.PrivateKey) func([]byte) []byte {
	return func(message []byte) []byte {
		sum := sha256.Sum256(message)
		return must(ecdsa.SignASN1(rand.Reader, key, sum[:]))
	}
}

func TestAccept_knows_the_algorithms(t *testing.T) {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	statement := statementOf(wanted, "https://cyclonedx.org/bom", bill)
	for name, tt := range map[string]struct {
		key  crypto.PublicKey
		sign func([]byte) []byte
	}{
		"ECDSA P-256":         {p256.Public(), ecdsaSigner(p256)},
		"ECDSA P-384 SHA-256": {p384.Public(), ecdsaSigner(p384)},
		"ECDSA P-384 SHA-384": {p384.Public(), func(m []byte) []byte {
			sum := sha512.Sum384(m)
			return must(ecdsa.SignASN1(rand.Reader, p384, sum[:]))
		}},
		"Ed25519": {edPublic, func(m []byte) []byte { return ed25519.Sign(edPrivate, m) }},
		"RSA PKCS #1": {rsaKey.Public(), func(m []byte) []byte {
			sum := sha256.Sum256(m)
			return must(rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:]))
		}},
		"RSA PSS": {rsaKey.Public(), func(m []byte) []byte {
			sum := sha256.Sum256(m)
			return must(rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, sum[:], nil))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rules := ruleOf(t, "", tt.key)
			for _, raw := range []string{
				sealed(statement, tt.sign),
				`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":` + sealed(statement, tt.sign) + `}`,
			} {
				got, err := Accept([]byte(raw), rules, []image.Digest{wanted}, now)
				if err != nil {
					t.Fatal(err)
				}
				if got.Rule != "team" || got.Subject != wanted || !strings.HasPrefix(got.Key, "sha256:") || len(got.Document.Components) != 1 {
					t.Errorf("%+v", got)
				}
			}
			bad := sealed(statement, func(m []byte) []byte { return tt.sign(append(m, ' ')) })
			if _, err := Accept([]byte(bad), rules, []image.Digest{wanted}, now); fault.NameOf(err) != "other signer" {
				t.Errorf("a wrong signature: %v", err)
			}
		})
	}
}

func TestAccept_refuses(t *testing.T) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	sign := ecdsaSigner(key)
	of := func(predicateType, predicate string) string {
		return sealed(statementOf(wanted, predicateType, predicate), sign)
	}
	good := of("https://cyclonedx.org/bom", bill)
	rules := ruleOf(t, "  maxAge: 30d\n", key.Public(), other.Public())
	accepts := func(raw string) error {
		_, err := Accept([]byte(raw), rules, []image.Digest{wanted, index}, now)
		return err
	}

	for name, raw := range map[string]string{
		"as it is":             good,
		"about the index":      sealed(statementOf(index, "https://cyclonedx.org/bom/v1.6", bill), sign),
		"SPDX":                 of("https://spdx.dev/Document", `{"spdxVersion":"SPDX-2.3","creationInfo":{"created":"2026-11-20T00:00:00Z"},"packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1"}]}`),
		"one level deeper":     of("https://cyclonedx.org/bom", `{"Data":`+bill+`,"Timestamp":""}`),
		"signed by the second": sealed(statementOf(wanted, "https://cyclonedx.org/bom", bill), ecdsaSigner(other)),
	} {
		if err := accepts(raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tt := range map[string]struct{ raw, want string }{
		"no JSON":              {"x", "no envelope"},
		"no envelope":          {"{}", "its payload is of the type"},
		"another payload type": {strings.Replace(good, payloadType, "text/plain", 1), "text/plain"},
		"no signature":         {good[:strings.Index(good, `"signatures"`)] + `"signatures":[]}`, "not signed"},
		"a changed payload":    {strings.Replace(good, `"payload":"`, `"payload":"IA==`, 1), ""},
		"another subject":      {sealed(statementOf(image.DigestOf(nil), "https://cyclonedx.org/bom", bill), sign), "another image"},
		"no statement":         {sealed(`{"_type":"x"}`, sign), "not in-toto's"},
		"provenance":           {of("https://slsa.dev/provenance/v1", `{}`), "slsa.dev/provenance"},
		"a lookalike type":     {of("https://cyclonedx.org/bomb", bill), "bomb"},
		"too old":              {of("https://cyclonedx.org/bom", strings.Replace(bill, "2026-11-20", "2026-09-20", 1)), "2026-09-20"},
		"no date":              {of("https://cyclonedx.org/bom", strings.Replace(bill, "timestamp", "other", 1)), "does not say when"},
		"no components":        {of("https://cyclonedx.org/bom", `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}`), "lists no component"},
		"an unreadable bill":   {of("https://cyclonedx.org/bom", `{"bomFormat":"CycloneDX","specVersion":"1.6","components":7}`), "components"},
		"too many signatures":  {strings.Replace(good, `"signatures":[`, `"signatures":[`+strings.Repeat(`{"sig":""},`, 20), 1), "more than 16"},
	} {
		if err := accepts(tt.raw); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Accept([]byte(good), ruleOf(t, "", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).Public()), []image.Digest{wanted}, now); fault.NameOf(err) != "other signer" {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestParseRules(t *testing.T) {
	key := strings.ReplaceAll(strings.TrimSpace(pemOf(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).Public())), "\n", "\n    ")
	good := "apiVersion: landwaiter.dev/v1\nkind: SignerRule\nmetadata:\n  name: a\nspec:\n  images: [registry.example/team/*]\n  accept: [sbom]\n  maxAge: 12h\n  predicateTypes: [https://spdx.dev/Document]\n  keys:\n  - |\n    " + key + "\n"
	rules, err := ParseRules(nil, "r.yaml", []byte(good))
	if err != nil || len(rules) != 1 || rules[0].MaxAge != 12*time.Hour || len(rules[0].Keys) != 1 {
		t.Fatalf("%+v %v", rules, err)
	}
	if _, err := ParseRules(rules, "other.yaml", []byte(good)); err == nil || !strings.Contains(err.Error(), `other.yaml:1:1: metadata.name: another rule has the name "a"`) {
		t.Errorf("%v", err)
	}
	if !Wants(rules, "https://spdx.dev/Document/v2.3") || Wants(rules, "https://cyclonedx.org/bom") {
		t.Error("the rule takes the wrong predicates")
	}
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	weak := strings.ReplaceAll(strings.TrimSpace(pemOf(small.Public())), "\n", "\n    ")
	for name, tt := range map[string]struct{ text, want string }{
		"empty":            {"", "r.yaml:1:1: there is no rule in it"},
		"not YAML":         {"a: [", "r.yaml:1"},
		"unknown key":      {strings.Replace(good, "maxAge", "maxage", 1), "r.yaml:8:3: spec: unknown key \"maxage\"; did you mean maxAge?"},
		"another kind":     {strings.Replace(good, "SignerRule", "Policy", 1), "kind: SignerRule"},
		"nothing accepted": {strings.Replace(good, "[sbom]", "[everything]", 1), "must be sbom"},
		"a bad age":        {strings.Replace(good, "12h", "soon", 1), "such as 30d"},
		"a negative age":   {strings.Replace(good, "12h", "-1h", 1), "such as 30d"},
		"an address":       {strings.Replace(good, "registry.example/team/*", "https://registry.example/x", 1), "must be a pattern"},
		"no keys":          {good[:strings.Index(good, "  keys")], "spec.keys: is missing"},
		"no PEM":           {strings.Replace(good, "BEGIN PUBLIC KEY", "BEGIN KEY", 1), "spec.keys[0]: must be one public key in PEM"},
		"a damaged key":    {strings.Replace(good, "MF", "AA", 1), "spec.keys[0]: is no public key"},
		"a weak key":       {strings.Replace(good, key, weak, 1), "fewer than 2048 bits"},
		"the same name":    {good + "---\n" + good, "another rule has the name \"a\""},
		"no images":        {strings.Replace(good, "[registry.example/team/*]", "[]", 1), "from 1 to"},
		"no name":          {strings.Replace(good, "  name: a", "  {}", 1), "metadata.name: is missing"},
	} {
		if _, err := ParseRules(nil, "r.yaml", []byte(tt.text)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestFor(t *testing.T) {
	for pattern, names := range map[string]string{
		"registry.example/team/*":  "registry.example/team/app",
		"registry.example/team/**": "registry.example/team/app registry.example/team/a/b",
		"registry.example/**":      "registry.example/team/app registry.example/team/a/b registry.example/app",
		"registry.example/app":     "registry.example/app",
	} {
		var got []string
		for _, name := range strings.Fields("registry.example/team/app registry.example/team/a/b registry.example/app other.example/team/app registry.example.evil/team/app") {
			ref := must(image.ParseReference(name + ":1"))
			if len(For([]Rule{{Images: []string{pattern}}}, ref)) > 0 {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != names {
			t.Errorf("%s covers %v", pattern, got)
		}
	}
}

func FuzzAccept(f *testing.F) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rules := ruleOf(f, "", key.Public())
	f.Add(statementOf(wanted, "https://cyclonedx.org/bom", bill), true)
	f.Add(sealed("{}", ecdsaSigner(key)), false)
	f.Fuzz(func(t *testing.T, text string, seal bool) {
		if seal {
			text = sealed(text, ecdsaSigner(key))
		}
		got, err := Accept([]byte(text), rules, []image.Digest{wanted}, now)
		switch {
		case err != nil && fault.CodeOf(err) != fault.Invalid:
			t.Fatal(err)
		case err == nil && !seal:
			t.Fatalf("accepted without a signature: %q", text)
		case err == nil && !json.Valid([]byte(text)):
			t.Fatalf("accepted %q as %+v", text, got)
		}
	})
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte("apiVersion: landwaiter.dev/v1\nkind: SignerRule\nmetadata: {name: a}\nspec:\n  images: [a/b]\n  accept: [sbom]\n  keys: [x]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := ParseRules(nil, "f", data)
		if err != nil && fault.CodeOf(err) != fault.Invalid {
			t.Fatal(err)
		}
		for _, r := range rules {
			if r.Name == "" || len(r.Keys) == 0 || len(r.Images) == 0 {
				t.Fatalf("%+v", r)
			}
		}
	})
}
