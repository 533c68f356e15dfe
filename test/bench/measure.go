//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A usage is what one process, with those it waited for, cost.
type usage struct {
	wall, cpu time.Duration
	rss       int64 // peak resident bytes
	written   int64 // bytes that it caused to be written to disk, besides its answer
}

// underShell starts a command and leaves it to this process as its child. A child that this process started itself would begin
// with this process's peak memory as its own.
const underShell = `"$@" 3>&- & echo $! >&3`

// measure runs a command in a home of its own, with its standard output in a file.
func measure(ctx context.Context, home, stdout string, command []string) (usage, error) {
	temporary := filepath.Join(home, "tmp")
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		return usage{}, err
	}
	out, err := os.Create(stdout)
	if err != nil {
		return usage{}, err
	}
	defer out.Close()
	complaints, err := os.Create(filepath.Join(home, "stderr"))
	if err != nil {
		return usage{}, err
	}
	defer complaints.Close()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return usage{}, err
	}
	told, tell, err := os.Pipe()
	if err != nil {
		return usage{}, err
	}
	defer told.Close()
	shell := exec.Command("sh", append([]string{"-c", underShell, "sh"}, command...)...)
	shell.Stdout, shell.Stderr, shell.ExtraFiles = out, complaints, []*os.File{tell}
	shell.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+temporary, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home,
		"SYFT_CHECK_FOR_APP_UPDATE=false", "SYFT_REGISTRY_INSECURE_USE_HTTP=true")
	start := time.Now()
	err = shell.Run()
	tell.Close()
	if err != nil {
		return usage{}, err
	}
	var pid int
	if _, err := fmt.Fscan(told, &pid); err != nil {
		return usage{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = unix.Kill(pid, unix.SIGKILL) })()
	// Its accounts can be read until somebody waits for it in earnest.
	if err := ended(pid); err != nil {
		return usage{}, err
	}
	u := usage{wall: time.Since(start)}
	if u.written, err = writtenBy(pid); err != nil {
		return usage{}, err
	}
	answer, err := out.Stat()
	if err != nil {
		return usage{}, err
	}
	const page = 4096
	u.written = max(0, u.written-(answer.Size()+page-1)/page*page)
	var status unix.WaitStatus
	var used unix.Rusage
	if _, err := unix.Wait4(pid, &status, 0, &used); err != nil {
		return usage{}, err
	}
	u.cpu, u.rss = time.Duration(used.Utime.Nano()+used.Stime.Nano()), used.Maxrss<<10
	if status.ExitStatus() != 0 {
		text, _ := os.ReadFile(complaints.Name())
		return u, fmt.Errorf("%s: exit status %d: %s", command[0], status.ExitStatus(), lastLines(string(text), 5))
	}
	return u, nil
}

func ended(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func writtenBy(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			return strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/%d/io does not say what was written", pid)
}
