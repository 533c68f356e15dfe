//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // registers the storage
	"github.com/sirupsen/logrus"
)

// A registry is a process of its own, so that what it costs is not counted.
type registry struct {
	host string
	cmd  *exec.Cmd
	end  io.Closer // the process ends when this is closed
}

func startRegistry(ctx context.Context, self, dir string) (*registry, error) {
	cmd := exec.CommandContext(ctx, self, roleRegistry, dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &registry{cmd: cmd, end: in}
	host, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("the registry did not start: %w", err)
	}
	r.host = strings.TrimSpace(host)
	return r, nil
}

func (r *registry) stop() {
	_ = r.end.Close()
	_ = r.cmd.Wait()
}

// serveRegistry serves until standard input ends.
func serveRegistry(dir string) error {
	logrus.SetOutput(io.Discard)
	config := &configuration.Configuration{Storage: configuration.Storage{
		"filesystem":  configuration.Parameters{"rootdirectory": dir},
		"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
	}}
	config.Log.Level, config.Log.AccessLog.Disabled, config.HTTP.Secret = "panic", true, "bench"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = listener.Close()
	}()
	app := handlers.NewApp(context.Background(), config)
	if err := http.Serve(listener, app); err != nil && !strings.Contains(err.Error(), "closed") {
		return err
	}
	return nil
}
