package server

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// certFiles is a given certificate, read again when its files change.
type certFiles struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	seen    [2]stamp
	current *tls.Certificate
}

type stamp struct {
	modified time.Time
	size     int64
}

func openFiles(cert, key string, now func() time.Time, log *slog.Logger) (*certFiles, error) {
	if cert == "" || key == "" {
		return nil, fault.New(fault.Invalid, "read certificate", "a certificate and its key belong together, and only one was given").
			WithFix("give both files")
	}
	f := &certFiles{cert: cert, key: key, now: now, log: log}
	f.seen, f.looked = f.stamps(), now()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "read certificate", cert, err).WithFix("give PEM files: the certificate with its chain, and its key")
	}
	f.current = &pair
	return f, nil
}

func (f *certFiles) stamps() (s [2]stamp) {
	for i, name := range []string{f.cert, f.key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// certificate looks at the files at most once a second. Files that do not fit together, as while they are being
// replaced, leave the certificate as it was.
func (f *certFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.looked) < time.Second {
		return f.current, nil
	}
	f.looked = f.now()
	stamps := f.stamps()
	if stamps == f.seen {
		return f.current, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		f.log.Warn("the changed certificate cannot be used; the one before stays", "file", f.cert, "error", err)
		return f.current, nil
	}
	f.seen, f.current = stamps, &pair
	f.log.Info("certificate read again", "file", f.cert)
	return f.current, nil
}
