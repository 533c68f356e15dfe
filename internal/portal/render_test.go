package portal

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Second: "in the future", 0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 59 * time.Minute: "59 minutes ago",
		time.Hour: "1 hour ago", 47 * time.Hour: "1 day ago", 29 * day: "29 days ago", 30 * day: "1 month ago", 364 * day: "12 months ago", 800 * day: "2 years ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestBreakable(t *testing.T) {
	const want = "host<wbr>:5000/<wbr>team/<wbr>&lt;b&gt;&amp;&#34;<wbr>:1<wbr>@sha256<wbr>:0"
	if got := breakable(`host:5000/team/<b>&":1@sha256:0`); string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Browsers leave tabs and line ends out of an address, trim it, and read backslashes as slashes.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/images?a=b#c", "//x", "/\t/x", "\\/x", "/\\x", "https://x", "/./x", "/%2f/x", "/..//x", " //x", "javascript:x"} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://landwaiter.example/signin")
	f.Fuzz(func(t *testing.T, to string) {
		got := localPath(to)
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimFunc(got, func(r rune) bool { return r <= ' ' }))
		u, err := base.Parse(seen)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || strings.HasPrefix(seen, "//") {
			t.Errorf("%q becomes %q, which leads to %v, %v", to, got, u, err)
		}
		if got != to && got != "/images" {
			t.Errorf("%q becomes %q", to, got)
		}
	})
}
