package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// view is what the layout needs around a page's own data.
type view struct {
	Title   string
	Path    string
	Visitor visitor
	Version string
	Data    any
	now     time.Time
}

// Ago says how long ago a time was.
func (v view) Ago(t time.Time) string { return ago(v.now.Sub(t)) }

// Left says when something ends.
func (v view) Left(e health.Expiry) string { return e.Left(v.now) }

// Current is the aria-current of a link in the navigation.
func (v view) Current(link string) string {
	switch {
	case v.Path == link:
		return "page"
	case strings.HasPrefix(v.Path, link+"/"):
		return "true"
	}
	return "false"
}

func parsePages() (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"size":      image.SizeText,
		"utc":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
		"iso":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"join":      strings.Join,
		"asset":     asset,
		"breakable": breakable,
		"initial":   initial,
		"doubts":    doubts,
		"percent":   func(part float64) string { return fmt.Sprintf("%.0f %%", 100*part) },
		"words":     words,
	}
	names, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, n := range names {
		if n.Name() == "layout.html" {
			continue
		}
		t, err := template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/"+n.Name())
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(path.Base(n.Name()), ".html")] = t
	}
	return pages, nil
}

// render writes a whole page or, if its template fails, an error: never half a page.
func (p *portal) render(w http.ResponseWriter, r *http.Request, v visitor, status int, name, title string, data any) {
	var b bytes.Buffer
	if err := p.execute(&b, r, v, name, title, data); err != nil {
		p.Log.ErrorContext(r.Context(), "template failed", "page", name, "error", err)
		http.Error(w, "This page could not be made. The server's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

func (p *portal) execute(w io.Writer, r *http.Request, v visitor, name, title string, data any) error {
	return p.pages[name].Execute(w, view{Title: title, Path: r.URL.Path, Visitor: v, Version: p.Version, Data: data, now: p.Now()})
}

// asset is the address of a static file. It changes with the file, so that no cache shows an old one.
func asset(name string) (string, error) {
	b, err := files.ReadFile("static/" + name)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/static/%s?v=%s", name, image.DigestOf(b).Short()), nil
}

// breakable lets a reference wrap after its slashes and before its tag or digest.
func breakable(ref string) template.HTML {
	return template.HTML(strings.NewReplacer("/", "/<wbr>", ":", "<wbr>:", "@", "<wbr>@").Replace(template.HTMLEscapeString(ref)))
}

// initial is the first letter of a severity, so that counts are not told apart by colour alone.
func initial(s vuln.Severity) string { return strings.ToUpper(string(s[:1])) }

// words writes the API's name of a category as one would say it.
func words(c integration.Category) string {
	return strings.ToLower(strings.ReplaceAll(string(c), "_", " "))
}

// doubts are the reasons why finding no vulnerability does not mean that none is known.
func doubts(s assess.Summary) []string {
	if s.ScanStatus == assess.NotScanned {
		return []string{s.ScanStatus}
	}
	var list []string
	if s.CheckStatus != assess.Checked {
		list = append(list, s.CheckStatus)
	}
	if s.ScanStatus != "complete" {
		list = append(list, s.ScanStatus)
	}
	return list
}

func ago(d time.Duration) string {
	if d < 0 {
		return "in the future"
	}
	for _, s := range []struct {
		unit time.Duration
		name string
	}{{365 * 24 * time.Hour, "year"}, {30 * 24 * time.Hour, "month"}, {24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / s.unit); n == 1 {
			return "1 " + s.name + " ago"
		} else if n > 1 {
			return fmt.Sprintf("%d %ss ago", n, s.name)
		}
	}
	return "just now"
}
