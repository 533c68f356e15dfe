package image

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/internal/fault"
)

var (
	hexA    = strings.Repeat("a", 64)
	sha     = Digest("sha256:" + hexA)
	longSha = Digest("sha512:" + strings.Repeat("0b", 64))
)

func TestParseReference(t *testing.T) {
	for text, want := range map[string]Reference{
		"nginx":                                   {"docker.io", "library/nginx", "latest", ""},
		"nginx:1.25":                              {"docker.io", "library/nginx", "1.25", ""},
		"nginx@" + string(sha):                    {"docker.io", "library/nginx", "", sha},
		"nginx:1.25@" + string(sha):               {"docker.io", "library/nginx", "1.25", sha},
		"nginx@" + string(longSha):                {"docker.io", "library/nginx", "", longSha},
		"org/app":                                 {"docker.io", "org/app", "latest", ""},
		"docker.io/nginx":                         {"docker.io", "library/nginx", "latest", ""},
		"index.docker.io/nginx":                   {"docker.io", "library/nginx", "latest", ""},
		"registry-1.docker.io/nginx":              {"docker.io", "library/nginx", "latest", ""},
		"Registry-1.Docker.IO:443/org/app:2":      {"docker.io", "org/app", "2", ""},
		"docker.io/library/nginx":                 {"docker.io", "library/nginx", "latest", ""},
		"docker.io:5000/nginx":                    {"docker.io:5000", "nginx", "latest", ""},
		"notdocker.io/nginx":                      {"notdocker.io", "nginx", "latest", ""},
		"QUAY.io/org/app":                         {"quay.io", "org/app", "latest", ""},
		"registry.example.com:5000/a/b/c:v1":      {"registry.example.com:5000", "a/b/c", "v1", ""},
		"registry.example.com:05000/a":            {"registry.example.com:5000", "a", "latest", ""},
		"registry.example.com:443/a":              {"registry.example.com:443", "a", "latest", ""},
		"localhost/a":                             {"localhost", "a", "latest", ""},
		"LocalHost:5000/a":                        {"localhost:5000", "a", "latest", ""},
		"localhost":                               {"docker.io", "library/localhost", "latest", ""},
		"[::1]:5000/a/b":                          {"[::1]:5000", "a/b", "latest", ""},
		"[2001:DB8:0:0::1]/a@" + string(sha):      {"[2001:db8::1]", "a", "", sha},
		"127.0.0.1:5000/a":                        {"127.0.0.1:5000", "a", "latest", ""},
		"a.b/c__d/e-f.g:T_ag.1-x":                 {"a.b", "c__d/e-f.g", "T_ag.1-x", ""},
		"host:1/" + strings.Repeat("a", 255):      {"host:1", strings.Repeat("a", 255), "latest", ""},
		"example.com/a:" + strings.Repeat("t", 9): {"example.com", "a", strings.Repeat("t", 9), ""},
	} {
		t.Run(text[:min(40, len(text))], func(t *testing.T) {
			got, err := ParseReference(text)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Fatalf("got %#v, want %#v", got, want)
			}
			again, err := ParseReference(got.String())
			if err != nil || again != got {
				t.Fatalf("%q reads back as %#v, %v", got.String(), again, err)
			}
		})
	}
}

func TestParseReference_refuses(t *testing.T) {
	for name, test := range map[string]struct{ text, says, fix string }{
		"empty":                     {"", "empty", "NAME"},
		"white_space":               {"nginx ", "white space", ""},
		"line_break":                {"nginx\n", "white space", ""},
		"control_character":         {"ng\x00inx", "control character", ""},
		"other_alphabets":           {"nginх", "not ASCII", ""},
		"too_long":                  {strings.Repeat("a", 5000), "5000 bytes", ""},
		"repository_too_long":       {"host:1/" + strings.Repeat("a", 256), "longer than 255", ""},
		"tag_too_long":              {"a:" + strings.Repeat("t", 129), "not a valid tag", ""},
		"upper_case_repository":     {"quay.io/Org/App:V1", "must be lower case", `"quay.io/org/app:V1"`},
		"upper_case_name":           {"Nginx", "must be lower case", `"nginx"`},
		"upper_case_organisation":   {"MyOrg/app", "must be lower case", `"myorg/app"`},
		"https_scheme":              {"https://quay.io/org/app", "scheme", `Leave https:// out and write "quay.io/org/app"`},
		"docker_scheme":             {"docker://nginx", "scheme", "Leave docker://"},
		"a_digest_alone":            {string(sha), "digest without a repository", "REGISTRY/NAME@"},
		"an_image_id":               {hexA, "image ID", "@sha256:"},
		"short_digest":              {"a@sha256:abc", "3 hexadecimal characters instead of 64", ""},
		"upper_case_digest":         {"a@sha256:" + strings.ToUpper(hexA), "upper-case", "lower case"},
		"unsupported_digest":        {"a@md5:abc", "only sha256 and sha512", ""},
		"two_digests":               {"a@" + string(sha) + "@" + string(sha), "", ""},
		"empty_digest":              {"a@", "no algorithm", ""},
		"empty_tag":                 {"a:", "not a valid tag", ""},
		"tag_with_a_dot_first":      {"a:.x", "not a valid tag", "does not begin"},
		"no_repository":             {"quay.io/", "no repository", ""},
		"no_host":                   {"/a", "not an image reference", ""},
		"double_slash":              {"quay.io//a", "not an image reference", ""},
		"port_zero":                 {"h.io:0/a", "no valid port", ""},
		"port_too_high":             {"h.io:65536/a", "no valid port", ""},
		"port_missing":              {"h.io:/a", "no valid port", ""},
		"port_in_words":             {"h.io:http/a", "no valid port", ""},
		"ipv6_without_brackets":     {"::1/a", "not a host and port", "brackets"},
		"ipv6_unclosed":             {"[::1/a", "not an IPv6 address", ""},
		"ipv6_with_zone":            {"[fe80::1%eth0]/a", "not an IPv6 address", ""},
		"ipv6_port_missing":         {"[::1]:/a", "no valid port", ""},
		"text_after_ipv6":           {"[::1]x/a", "between the address and the port", ""},
		"host_too_long":             {strings.Repeat("a.", 200) + "io/a", "too long", ""},
		"underscore_in_host":        {"my_registry.local/a", "not a host name", "host names have"},
		"path_traversal":            {"quay.io/../a", "not an image reference", ""},
		"query":                     {"quay.io/a?b=c", "not an image reference", ""},
		"user_information":          {"user:hunter2@quay.io/a", "user name before the registry", "integration"},
		"user_information_in_a_url": {"https://user:hunter2@quay.io", "user name before the registry", "integration"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseReference(test.text)
			if err == nil {
				t.Fatalf("accepted as %#v", got)
			}
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("code %q", fault.CodeOf(err))
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
			if !strings.Contains(fault.FixOf(err), test.fix) {
				t.Errorf("fix %q does not say %q", fault.FixOf(err), test.fix)
			}
			if strings.Contains(err.Error()+fault.FixOf(err), "hunter2") {
				t.Errorf("error %q repeats the password", err)
			}
			if len(err.Error()) > 600 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestReference_parts(t *testing.T) {
	ref, err := ParseReference("quay.io/org/app:1@" + string(sha))
	if err != nil {
		t.Fatal(err)
	}
	if ref.Name() != "quay.io/org/app" || ref.Identifier() != string(sha) {
		t.Errorf("name %q, identifier %q", ref.Name(), ref.Identifier())
	}
	text, err := json.Marshal(map[string]Reference{"ref": ref})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]Reference
	if err := json.Unmarshal(text, &back); err != nil || back["ref"] != ref {
		t.Errorf("%s reads back as %v, %v", text, back, err)
	}
}

func TestReference_reads_back(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}`)
		host := rapid.OneOf(
			rapid.Just(""), rapid.StringMatching(`[a-z0-9]{1,8}/`),
			rapid.SampledFrom([]string{"docker.io/", "index.docker.io/", "REGISTRY-1.docker.io/", "localhost/", "localhost:5000/", "[::1]/", "[2001:DB8::10]:8443/"}),
			rapid.StringMatching(`[a-zA-Z0-9]{1,6}(-[a-z0-9]{1,3})?\.[a-zA-Z]{2,5}(:[1-9][0-9]{0,3})?/`),
		)
		s := host.Draw(t, "host") + strings.Join(rapid.SliceOfN(part, 1, 4).Filter(func(p []string) bool { return len(p) == 1 || !strings.Contains(p[0], ".") }).Draw(t, "repository"), "/")
		tagged := rapid.Bool().Draw(t, "tagged")
		if tagged {
			s += ":" + rapid.StringMatching(`[\w][\w.-]{0,20}`).Draw(t, "tag")
		}
		digested := rapid.Bool().Draw(t, "digested")
		if digested {
			s += "@" + rapid.OneOf(rapid.StringMatching(`sha256:[0-9a-f]{64}`), rapid.StringMatching(`sha512:[0-9a-f]{128}`)).Draw(t, "digest")
		}
		ref, err := ParseReference(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if (ref.Digest != "") != digested || (ref.Tag == "") != (digested && !tagged) {
			t.Fatalf("%q became %#v", s, ref)
		}
		again, err := ParseReference(ref.String())
		if err != nil || again != ref {
			t.Fatalf("%q became %#v, and its String %#v, %v", s, ref, again, err)
		}
	})
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"nginx", "a:b@" + string(sha), "[::1]:5000/a/b", "registry-1.docker.io/x", "https://a", "MyOrg/app", "[::ffff:102:304]/a",
		"h.io:065535/a", "a@" + string(longSha), "sha256:" + hexA, "localhost/localhost:localhost", "a//b", "A.b:1/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseReference(s)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || len(err.Error()) > 2000 {
				t.Fatalf("%v", err)
			}
			return
		}
		if ref.Registry == "" || ref.Repository == "" || ref.Tag == "" && ref.Digest == "" {
			t.Fatalf("%q became %#v", s, ref)
		}
		if strings.ToLower(ref.Registry) != ref.Registry || strings.ToLower(ref.Repository) != ref.Repository {
			t.Fatalf("%q became %#v", s, ref)
		}
		again, err := ParseReference(ref.String())
		if err != nil || again != ref {
			t.Fatalf("%q became %#v, and its String %#v, %v", s, ref, again, err)
		}
	})
}

func TestDigest(t *testing.T) {
	content := []byte("cargo")
	d := DigestOf(content)
	if err := d.Verify(content); err != nil {
		t.Error(err)
	}
	if err := d.Verify([]byte("contraband")); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), string(d)) {
		t.Errorf("%v", err)
	}
	long, err := ParseDigest("sha512:861844d6704e8573fec34d967e20bcfef3d424cf48be04e6dc08f2bd58c729743371015ead891cc3cf1c9d34b49264b510751b1ff9e537937bc46b5d6ff4ecc8")
	if err != nil {
		t.Fatal(err)
	}
	if err := long.Verify([]byte("Hello, World!\n")); err == nil {
		t.Error("a sha512 digest accepts other content")
	}
	h, err := long.NewHash()
	if err != nil {
		t.Fatal(err)
	}
	h.Write([]byte("hello"))
	if long.Matches(h) || h.Size() != 64 {
		t.Error("wrong hash")
	}
	if got := d.Short(); len(got) != 12 || !strings.HasPrefix(d.Hex(), got) {
		t.Errorf("short %q", got)
	}
	if Digest("").Short() != "" {
		t.Error("short of nothing")
	}
	if _, err := Digest("crc32:00").NewHash(); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
	if err := Digest("").Verify(nil); err == nil {
		t.Error("an empty digest verifies")
	}
}

func TestOnLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "a.localhost": true, "127.0.0.1": true, "127.8.8.8:5000": true, "[::1]:5000": true, "::1": true, "[::1]": true,
		"localhost.example": false, "127.0.0.1.example:80": false, "notlocalhost:5000": false, "0.0.0.0:5000": false, ":8080": false, "10.0.0.1": false, "": false,
	} {
		if got := OnLoopback(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}
