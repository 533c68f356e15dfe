package vuln

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestPickTMP(t *testing.T) {
	src := os.Getenv("OSV")
	if src == "" {
		t.Skip()
	}
	dir := t.TempDir()
	if _, err := Import(context.Background(), dir, src, ImportOptions{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	x, _ := Open(dir)
	for _, p := range []Package{
		{"Debian:11", "openssl", "1.1.1k-1"}, {"Debian:11", "curl", "7.74.0-1.3"}, {"Debian:11", "zlib", "1:1.2.11.dfsg-2"}, {"Debian:11", "expat", "2.2.10-2"}, {"Debian:11", "libxml2", "2.9.10+dfsg-6.7"}, {"Debian:11", "sudo", "1.9.5p2-3"}, {"Debian:11", "gnutls28", "3.7.1-5"}, {"Debian:11", "xz-utils", "5.2.5-2"}, {"Debian:11", "gzip", "1.10-4"}, {"Debian:11", "krb5", "1.18.3-6"}, {"Debian:11", "git", "1:2.30.2-1"}, {"Debian:11", "dpkg", "1.20.9"}, {"Debian:11", "util-linux", "2.36.1-8"},
		{"Debian:11", "bash", "5.1-2"}, {"Debian:11", "glibc", "2.31-13"}, {"Debian:11", "tzdata", "2021a-1"},
		{"Alpine:v3.9", "openssl", "1.1.1a-r1"}, {"Alpine:v3.9", "musl", "1.1.20-r3"}, {"Alpine:v3.9", "curl", "7.63.0-r0"}, {"Alpine:v3.9", "expat", "2.2.6-r0"}, {"Alpine:v3.9", "sqlite", "3.26.0-r3"}, {"Alpine:v3.9", "bzip2", "1.0.6-r6"}, {"Alpine:v3.9", "nghttp2", "1.35.1-r0"}, {"Alpine:v3.9", "busybox", "1.29.3-r10"}, {"Alpine:v3.9", "apk-tools", "2.10.3-r1"},
		{"PyPI", "urllib3", "1.26.16"}, {"PyPI", "werkzeug", "2.3.7"}, {"PyPI", "idna", "3.6"}, {"PyPI", "pip", "23.2.1"}, {"PyPI", "gitpython", "3.1.32"}, {"PyPI", "aiohttp", "3.9.1"}, {"PyPI", "cryptography", "41.0.5"}, {"PyPI", "requests", "2.31.0"}, {"PyPI", "jinja2", "3.1.2"}, {"PyPI", "flask", "2.3.3"}, {"PyPI", "fastapi", "0.109.0"},
		{"npm", "lodash", "4.17.4"}, {"npm", "handlebars", "4.5.3"}, {"npm", "morgan", "1.9.0"}, {"npm", "hoek", "4.2.0"}, {"npm", "https-proxy-agent", "2.2.1"}, {"npm", "express", "4.16.2"}, {"npm", "deep-extend", "0.5.0"}, {"npm", "sshpk", "1.13.1"}, {"npm", "jsonwebtoken", "8.5.1"}, {"npm", "moment", "2.19.2"}, {"npm", "ws", "3.3.0"}, {"npm", "stringstream", "0.0.5"}, {"npm", "cryptiles", "3.1.2"}, {"npm", "flatmap-stream", "0.1.1"}, {"npm", "mixin-deep", "1.3.0"}, {"npm", "url-parse", "1.4.0"}, {"npm", "tough-cookie", "2.3.2"},
		{"Go", "stdlib", "1.22.5"}, {"Go", "stdlib", "1.24.4"}, {"Go", "stdlib", "1.25.5"}, {"Go", "stdlib", "1.26.0"}, {"Go", "stdlib", "1.26.3"}, {"Go", "stdlib", "1.27.0"}, {"Go", "golang.org/x/net", "0.33.0"}, {"Go", "golang.org/x/net", "0.53.0"}, {"Go", "golang.org/x/text", "0.3.5"}, {"Go", "golang.org/x/crypto", "0.51.0"}, {"Go", "gopkg.in/yaml.v3", "v3.0.0-20200313102051-9f266ea9e77c"}, {"Go", "google.golang.org/protobuf", "1.32.0"}, {"Go", "google.golang.org/grpc", "1.58.2"}, {"Go", "github.com/gin-gonic/gin", "1.8.1"},
	} {
		v, err := x.Match(context.Background(), p)
		fmt.Print(p, " ", len(v), " ", err)
		for i := range v {
			if i < 14 {
				fmt.Print(" ", v[i].ID, "/", v[i].Severity, "/", v[i].FixedVersion)
			}
		}
		fmt.Println()
	}
}
