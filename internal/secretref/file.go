package secretref

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// readFile reads a file. Unless within is "", its directory must lie in within, and the file in its directory, whatever links
// say: Kubernetes mounts a Secret as links to a directory beside them, which is fine, while whoever can write there must not
// be able to point elsewhere.
func readFile(name, within string) (string, error) {
	f, err := open(name, within)
	if err != nil {
		return "", fileProblem(err, within)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fileProblem(err, within)
	}
	if !info.Mode().IsRegular() {
		return "", missing("it is not a file").WithFix("Refer to a file that holds the secret and nothing else.")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+3)) // room for a line end
	if err != nil {
		return "", fileProblem(err, within)
	}
	return string(b), nil
}

func open(name, within string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK // a pipe does not make it wait
	if within == "" {
		return os.OpenFile(name, flags, 0)
	}
	root, err := os.OpenRoot(within)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if below := strings.Trim(strings.TrimPrefix(path.Dir(name), within), "/"); below != "" {
		dir, err := root.OpenRoot(below)
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		root = dir
	}
	return root.OpenFile(path.Base(name), flags, 0)
}

func fileProblem(err error, within string) error {
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing("there is no such file").WithFix("Put it where the program can read it; it is read again every few seconds.")
	case errors.Is(err, fs.ErrPermission):
		return missing("the program may not read the file").WithFix("Let the user that the program runs as read it.")
	case errors.As(err, &at):
		err = at.Err
	}
	problem := missing("the file cannot be read: %v", err)
	if within != "" {
		problem = problem.WithFix("Links are followed within %s, which --allow-references names, not out of it.", within)
	}
	return problem
}
