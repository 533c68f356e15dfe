package scan

import (
	"bytes"
	"context"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// A software is a program or library that tells its version in a text that nothing else has.
type software struct {
	name    string
	file    func() *regexp.Regexp // base name
	anchor  string                // part of the text that is quick to look for
	version func() *regexp.Regexp // the text around the anchor
}

var knownSoftware = []software{
	{"apache", expression(`^(httpd|apache2)$`), "Apache/", expression(`Apache/(\d+\.\d+\.\d+)`)},
	{"busybox", expression(`^busybox$`), "BusyBox v", expression(`BusyBox v(\d+\.\d+\.\d+)`)},
	{"mariadb", expression(`^(mariadbd|mysqld)$`), "-MariaDB", expression(`\x00(\d+\.\d+\.\d+)-MariaDB`)},
	{"memcached", expression(`^memcached$`), "memcached ", expression(`memcached (\d+\.\d+\.\d+)`)},
	{"nginx", expression(`^nginx(-debug)?$`), "nginx version: nginx/", expression(`nginx/(\d+\.\d+\.\d+)`)},
	{"node", expression(`^(node|libnode\.so\.\d+)$`), "node.js/v", expression(`node\.js/v(\d+\.\d+\.\d+)`)},
	{"openssl", expression(`^(openssl|libcrypto\.so(\.[\d.]+)?)$`), "OpenSSL ", expression(`OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d+ [A-Z][a-z]{2} \d{4}`)},
	{"perl", expression(`^(perl|libperl\.so(\.[\d.]+)?)$`), "\x00v5.", expression(`\x00v(5\.\d+\.\d+)\x00`)},
	{"php", expression(`^(php[\d.]*|php-fpm[\d.]*|php-cgi[\d.]*|libphp\d*\.so)$`), "X-Powered-By: PHP/", expression(`PHP/(\d+\.\d+\.\d+)`)},
	{"postgresql", expression(`^postgres$`), "postgres (PostgreSQL) ", expression(`\) (\d+(?:\.\d+)+)`)},
	{"python", expression(`^(python|libpython)[23]\.\d+m?(\.so\.1\.0)?$`), "\x003.", expression(`\x00(3\.\d+\.\d+)\+?\x00`)},
	{"redis", expression(`^redis-server$`), "000000000", redisVersion},
	{"ruby", expression(`^(ruby|libruby[\d.-]*\.so\.[\d.]+)$`), "ruby ", expression(`ruby (\d+\.\d+\.\d+)[ p]`)},
	{"valkey", expression(`^valkey-server$`), "000000000", redisVersion},
}

// redisVersion stands before the name of the machine that built it, a container, and the time.
var redisVersion = expression(`(\d+\.\d+\.\d+)(?:buildkitsandbox|[0-9a-f]{12})-\d{10}000000000`)

// maxAnchors bounds how often a text that begins like a version's is looked at.
const maxAnchors = 1000

// readSoftware finds well-known programs that were put into an image without a package manager. Bitnami's images say
// themselves what they hold.
func readSoftware(ctx context.Context, p string, r io.Reader, f *found) error {
	base := path.Base(p)
	for i := range knownSoftware {
		if s := &knownSoftware[i]; s.file().MatchString(base) && !strings.HasPrefix(p, "opt/bitnami/") {
			version, err := s.find(ctx, r)
			if version != "" {
				f.add(Component{Type: purl.TypeGeneric, Name: s.name, Version: version})
			}
			return err
		}
	}
	return nil
}

func (s *software) find(ctx context.Context, r io.Reader) (version string, err error) {
	const window, before, after = 1 << 20, 64, 128
	b := make([]byte, 0, window)
	anchors := 0
	for err == nil {
		if err = ctx.Err(); err != nil {
			return "", err
		}
		var n int
		n, err = io.ReadFull(r, b[len(b):cap(b)])
		b = b[:len(b)+n]
		end := len(b)
		if err == nil {
			end -= after // later anchors come again, with all that follows them
		}
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], []byte(s.anchor))
			if at += i; i < 0 || at >= end {
				break
			}
			if m := s.version().FindSubmatch(b[max(0, at-before):min(len(b), at+after)]); m != nil {
				return string(m[1]), nil
			}
			if anchors++; anchors > maxAnchors {
				return "", nil
			}
		}
		b = b[:copy(b, b[max(0, len(b)-before-after):])]
	}
	return "", ignoreEnd(err)
}

// readJavaRelease reads what a Java runtime says of itself: 17.0.8.1, or 1.8.0_392 for what is now called 8.0.392.
func readJavaRelease(_ context.Context, c *content, f *found) error {
	values, err := newLineReader(io.LimitReader(c.reader(), maxManifest)).assignments("=", "JAVA_VERSION")
	version := values["JAVA_VERSION"]
	if old, ok := strings.CutPrefix(version, "1."); ok {
		version = strings.ReplaceAll(old, "_", ".")
	}
	if err == nil && version != "" {
		f.add(Component{Type: purl.TypeGeneric, Name: "java", Version: version})
	}
	return err
}

// readOTPVersion reads the version of Erlang/OTP as a whole.
func readOTPVersion(_ context.Context, c *content, f *found) error {
	b, err := c.start(maxName)
	if err != nil {
		return err
	}
	if version := strings.TrimSpace(string(b)); version != "" {
		f.add(Component{Type: purl.TypeGeneric, Name: "erlang", Version: version})
	}
	return nil
}
