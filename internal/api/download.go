package api

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Downloads are the command lines that the server hands out, as RHACS's does with roxctl.
type Downloads struct {
	Executable string // of this program, for its own platform; "" for none
	Dir        string // with files of the names that are asked for; "" for none
}

// downloadName is program-os[-architecture][.exe].
var downloadName = regexp.MustCompile(`^(landwaiter|roxctl)-(linux|darwin|windows)(-amd64|-arm64|-ppc64le|-s390x)?(\.exe)?$`)

func (a *API) download(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if _, err := a.signIn(r.Context(), r.Header.Get("Authorization")); err != nil {
		w.Header().Set("WWW-Authenticate", bearerChallenge)
		a.failInText(w, r, err)
		return
	}
	file, err := a.Downloads.open(name)
	if err != nil {
		a.failInText(w, r, err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		a.failInText(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// failInText is for scripts, which show an answer as it is.
func (a *API) failInText(w http.ResponseWriter, r *http.Request, err error) {
	e := a.fail(r.Context(), err)
	text := []string{e.Message}
	if e.status == http.StatusUnauthorized {
		text = []string{"credentials not found", e.Message} // RHACS's words first
	}
	for _, d := range e.Details {
		text = append(text, d.Fix)
	}
	http.Error(w, strings.Join(text, "\n"), e.status)
}

// open takes what the operator placed before what is running. A name without an architecture means amd64, as RHACS's does.
func (d Downloads) open(name string) (*os.File, error) {
	const op = "download"
	parts := downloadName.FindStringSubmatch(name)
	if parts == nil {
		return nil, fault.New(fault.NotFound, op, "%q is not the name of a command line", name).WithFix("Ask for landwaiter-%s-%s.", runtime.GOOS, runtime.GOARCH)
	}
	names := []string{name}
	if parts[3] == "" {
		names = append(names, parts[1]+"-"+parts[2]+"-amd64"+parts[4])
	}
	for _, n := range names {
		file, err := d.placed(n)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fault.Wrap(fault.Internal, op, n, err)
		}
		if strings.TrimSuffix(n, ".exe") == "landwaiter-"+runtime.GOOS+"-"+runtime.GOARCH && d.Executable != "" {
			file, err := os.Open(d.Executable)
			if err != nil {
				return nil, fault.Wrap(fault.Internal, op, n, err)
			}
			return file, nil
		}
	}
	return nil, fault.New(fault.NotFound, op, "%s is not here", name).
		WithFix("The operator can place it, under this name, in the directory that the server is given with --cli-dir. Without that there is landwaiter-%s-%s.",
			runtime.GOOS, runtime.GOARCH)
}

func (d Downloads) placed(name string) (*os.File, error) {
	if d.Dir == "" {
		return nil, fs.ErrNotExist
	}
	root, err := os.OpenRoot(d.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, fs.ErrNotExist)
	}
	return root.Open(name)
}
