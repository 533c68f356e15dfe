package portal_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A document is a page that has been found valid.
type document struct{ *html.Node }

// page reads a page and checks what holds for every page.
func (b *browser) page(t *testing.T, path string, status int) document {
	t.Helper()
	return b.read(t, b.get(path), status)
}

func (b *browser) read(t *testing.T, w *httptest.ResponseRecorder, status int) document {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Cache-Control":           "no-store",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
		"Referrer-Policy":         "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	source := w.Body.String()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	d := document{root}
	// A browser that has to mend the markup makes other elements of it than were written.
	written := tags(source)
	var made []string
	for _, n := range d.all("") {
		made = append(made, n.Data)
	}
	if !slices.Equal(written, made) {
		t.Errorf("written %v\nread    %v", written, made)
	}
	checkStructure(t, d)
	b.checkLinks(t, d)
	return d
}

// tags are the start tags of a source. Those that are left open are marked.
func tags(source string) []string {
	var started, open []string
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		kind := z.Next()
		name, _ := z.TagName()
		tag := string(name)
		switch kind {
		case html.ErrorToken:
			for _, tag := range open {
				started = append(started, "not closed: "+tag)
			}
			return started
		case html.StartTagToken:
			started = append(started, tag)
			if !slices.Contains([]string{"meta", "link", "img", "input", "br", "wbr"}, tag) {
				open = append(open, tag)
			}
		case html.SelfClosingTagToken:
			started = append(started, tag)
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tag {
				return append(started, "closed out of order: "+tag)
			}
			open = open[:len(open)-1]
		}
	}
}

func checkStructure(t *testing.T, d document) {
	t.Helper()
	for _, once := range []string{"h1", "main", "header", "footer", "title"} {
		if n := len(d.all(once)); n != 1 {
			t.Errorf("%d %s", n, once)
		}
	}
	if attr(d.all("html")[0], "lang") != "en" {
		t.Error("no language")
	}
	ids := map[string]bool{}
	for _, n := range d.all("") {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
			if a.Key == "id" {
				if ids[a.Val] || a.Val == "" {
					t.Errorf("id %q is not unique", a.Val)
				}
				ids[a.Val] = true
			}
		}
		switch n.Data {
		case "script", "style", "iframe", "object", "base":
			t.Errorf("there is a %s: %s", n.Data, text(n))
		case "img":
			if !has(n, "alt") || !strings.HasPrefix(attr(n, "src"), "/static/") {
				t.Errorf("img %v", n.Attr)
			}
		case "input":
			if attr(n, "type") != "hidden" && !slices.ContainsFunc(ancestors(n), func(p *html.Node) bool { return p.Data == "label" && text(p) != "" }) {
				t.Errorf("input %s has no label", attr(n, "name"))
			}
		case "button", "h1", "h2", "summary", "a":
			if text(n) == "" {
				t.Errorf("%s without words", n.Data)
			}
		case "th":
			if attr(n, "scope") == "" || text(n) == "" {
				t.Errorf("th %q with scope %q", text(n), attr(n, "scope"))
			}
		case "nav", "section", "table":
			if n.Data == "table" {
				n = n.Parent // the region that scrolls
			}
			if attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" {
				t.Errorf("%s has no name", n.Data)
			}
		}
	}
	for _, n := range d.all("") {
		if by := attr(n, "aria-labelledby"); by != "" && !ids[by] {
			t.Errorf("nothing has the id %q that names a %s", by, n.Data)
		}
	}
	rows := 0
	for _, n := range d.all("tr") {
		cells := 0
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.ElementNode {
				cells++
			}
		}
		if n.Parent.Data == "thead" {
			rows = cells
		} else if cells != rows {
			t.Errorf("%d cells under %d headings: %s", cells, rows, text(n))
		}
	}
}

// forms are the actions there are.
var forms = regexp.MustCompile(`^(get /images|post /(images|images/[0-9a-z-]+/platforms|signin|signout|integrations/[0-9a-f-]+/test))$`)

func (b *browser) checkLinks(t *testing.T, d document) {
	t.Helper()
	seen := map[string]bool{}
	for _, n := range d.all("") {
		for _, key := range []string{"href", "src", "action"} {
			to := attr(n, key)
			switch {
			case !has(n, key) || seen[to], to == "/openapi.json", to == "#ZgotmplZ": // of the API; what html/template makes of javascript:
			case key == "action":
				if !forms.MatchString(attr(n, "method") + " " + to) {
					t.Errorf("a form does %s %s", attr(n, "method"), to)
				}
			case strings.HasPrefix(to, "#"):
				if !slices.ContainsFunc(d.all(""), func(n *html.Node) bool { return attr(n, "id") == to[1:] }) {
					t.Errorf("%s leads nowhere", to)
				}
			case strings.HasPrefix(to, "https://"):
				if attr(n, "rel") != "noreferrer" {
					t.Errorf("%s learns where its visitors come from", to)
				}
			case !strings.HasPrefix(to, "/"):
				t.Errorf("a %s leads to %q", n.Data, to)
			default:
				if w := b.get(to); w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
					t.Errorf("%s answers %d", to, w.Code)
				}
			}
			seen[to] = true
		}
	}
}

// all lists elements of a name, or all, in their order.
func (d document) all(name string) []*html.Node {
	var list []*html.Node
	for n := range d.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			list = append(list, n)
		}
	}
	return list
}

// text is what can be read in an element, its space made single.
func (d document) text() string { return text(d.all("body")[0]) }

// section is the text of the part with a heading, "" when there is none.
func (d document) section(id string) string {
	for _, n := range d.all("section") {
		if attr(n, "aria-labelledby") == id || strings.EqualFold(attr(n, "aria-label"), id) {
			return text(n)
		}
	}
	return ""
}

// row is the text of the table row that contains some text.
func (d document) row(t *testing.T, containing string) string {
	t.Helper()
	for _, n := range d.all("tr") {
		if strings.Contains(text(n), containing) {
			return text(n)
		}
	}
	t.Errorf("no row with %q", containing)
	return ""
}

// fact is what the page says beside a term.
func (d document) fact(term string) string {
	for _, n := range d.all("dt") {
		if text(n) == term {
			for s := n.NextSibling; s != nil; s = s.NextSibling {
				if s.Data == "dd" {
					return text(s)
				}
			}
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		switch {
		case c.Type == html.TextNode && attr(c.Parent, "aria-hidden") == "":
			b.WriteString(c.Data)
		case slices.Contains([]string{"td", "li", "dt", "dd", "p", "br"}, c.Data):
			b.WriteString(" ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func ancestors(n *html.Node) []*html.Node { return slices.Collect(n.Ancestors()) }

func contains(t *testing.T, in string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(in, w) {
			t.Errorf("%q is not in: %s", w, in)
		}
	}
}

func lacks(t *testing.T, in string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(in, w) {
			t.Errorf("%q is in: %s", w, in)
		}
	}
}
