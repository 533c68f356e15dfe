//go:build unix

package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// supervise runs the server until its standard input ends, which it does when the test binary is gone, however that came
// about. Then it removes the server's directory.
const supervise = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c wal_level=minimal -c max_wal_senders=0 -c checkpoint_timeout=1h -c autovacuum=off \
	-c shared_buffers=32MB -c max_connections=200 >"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$2"
`

// lifeline keeps the supervisor's standard input open.
var lifeline *os.File

// start makes a cluster that only a Unix socket leads to, and returns the socket's directory.
func start(bin string) (socket string, err error) {
	dir, err := os.MkdirTemp("", "landwaiter-postgres-")
	if err != nil {
		return "", err
	}
	// A group of its own, so that an interrupt typed at the terminal does not end the supervisor before it has cleaned up.
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		if attributes.Credential, err = unprivileged(dir); err != nil {
			return "", err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attributes
	if out, err := initdb.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	supervisor := exec.Command("/bin/sh", "-c", supervise, "sh", bin, dir)
	supervisor.Dir, supervisor.SysProcAttr, supervisor.Stdin = dir, attributes, r
	if err := supervisor.Start(); err != nil {
		return "", err
	}
	lifeline = w
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := execute(databaseURL(dir, "postgres"), "SELECT 1")
		if err == nil {
			return dir, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // it may not exist
			return "", fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// unprivileged gives the directory to a user who may run PostgreSQL, which refuses to run as root.
func unprivileged(dir string) (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}
