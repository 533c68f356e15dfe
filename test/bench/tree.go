//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// enter mounts a layer over those below it and runs its script, in a mount namespace of its own, so that nothing stays
// mounted whatever happens.
const enter = `
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$UPPER,workdir=$UPPER.work,redirect_dir=off,metacopy=off,index=off" "$ROOT"
if [ -d "$ROOT/proc" ]; then
  mount -t proc proc "$ROOT/proc"
  mount --rbind /dev "$ROOT/dev"
fi
`

// buildTree runs a layer's script over the trees below it. What the script changes becomes the folder tree.
func buildTree(ctx context.Context, tree string, below []string, layer, cache string) error {
	if _, err := os.Stat(tree); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("building images needs root: run once with sudo, or as root in a container")
	}
	text, err := script(layer)
	if err != nil {
		return err
	}
	upper, root, work, none := tree+".new", tree+".root", filepath.Join(cache, "work"), filepath.Join(cache, "empty")
	defer func() { _ = errors.Join(os.RemoveAll(upper+".work"), os.Remove(root)) }()
	for _, dir := range []string{upper, upper + ".work"} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	for _, dir := range []string{upper, upper + ".work", root, work, none} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	prelude, err := scripts.ReadFile("layers/prelude.sh")
	if err != nil {
		return err
	}
	lower := append([]string{none}, below...)
	slices.Reverse(lower)
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "sh", "-euc", enter+string(prelude)+text)
	cmd.Env = append(os.Environ(), "ROOT="+root, "UPPER="+upper, "LOWER="+strings.Join(lower, ":"), "WORK="+work)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(string(out), 20))
	}
	return os.Rename(upper, tree)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func shortHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
