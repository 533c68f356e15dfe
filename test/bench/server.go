//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A server is `landwaiter serve` with an integration for the bench's registry.
type server struct {
	cmd  *exec.Cmd
	api  *client.Client
	home string
}

const integrationFile = `apiVersion: landwaiter.dev/v1
kind: Integration
metadata: {name: bench}
spec: {type: docker, docker: {endpoint: "http://%s"}}
`

var servesAt = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`)

// startServer starts one that knows no layer.
func (b *bench) startServer(ctx context.Context) (s *server, err error) {
	home, err := os.MkdirTemp(b.cache, "home-")
	if err != nil {
		return nil, err
	}
	s = &server{home: home}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	config := filepath.Join(home, "config")
	if err := os.MkdirAll(config, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(config, "bench.yaml"), fmt.Appendf(nil, integrationFile, b.registry.host), 0o600); err != nil {
		return nil, err
	}
	const password = "bench-Password-1"
	cmd := exec.CommandContext(ctx, b.program, "serve", "--data", home, "--config-dir", config,
		"--listen", "127.0.0.1:0", "--allow-addresses", "loopback", "--health-interval", "0")
	cmd.Env = append(os.Environ(), "LANDWAITER_ADMIN_PASSWORD="+password, "TMPDIR="+home)
	said, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.cmd = cmd
	url := ""
	lines := bufio.NewReader(said)
	for url == "" {
		line, err := lines.ReadString('\n')
		if url = servesAt.FindString(line); err != nil && url == "" {
			return nil, errors.New("the server did not start")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // a pipe that is full would stop the server
	admin, err := client.New(client.Options{URL: url, Username: "admin", Password: secret.New(password)})
	if err != nil {
		return nil, err
	}
	_, token, err := admin.CreateToken(ctx, "bench", string(auth.Administrator), time.Time{})
	if err != nil {
		return nil, err
	}
	s.api, err = client.New(client.Options{URL: url, Token: token})
	return s, err
}

func (s *server) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(os.Interrupt)
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.home)
}

// scan fails unless the image is read completely.
func (s *server) scan(ctx context.Context, ref string) error {
	a, err := s.api.Assess(ctx, ref, "", assess.ScanIt)
	if err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	if a.Scan.Status != "complete" || len(a.Scan.Components) == 0 {
		return fmt.Errorf("%s: %s: %s", ref, a.Scan.Status, a.Scan.Reason)
	}
	return nil
}

// peakMemory is that of a process that runs.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); err == nil {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/status does not say the peak", pid)
}
