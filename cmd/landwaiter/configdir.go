package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
)

// followFiles stores what the directory of integrations says, and goes on doing so until stop is called. Without a directory
// status is nil.
func (p *program) followFiles(ctx context.Context, f serveFlags, service *integration.Service, log *slog.Logger) (status func() integrationfile.Status, stop func(), err error) {
	if *f.configDir == "" {
		return nil, func() {}, warnOfOwned(ctx, service, log)
	}
	if *f.configInterval <= 0 {
		return nil, nil, fault.New(fault.Invalid, "read flags", "--%s must be more than zero", settingConfigInterval.Name)
	}
	d, err := integrationfile.Open(integrationfile.Options{
		Path: *f.configDir, Every: *f.configInterval, Types: p.types, Integrations: service, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, nil, err
	}
	d.Sync(ctx)
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { d.Run(ctx) })
	return d.Status, func() {
		cancel()
		following.Wait() // it uses the database
	}, nil
}

// warnOfOwned tells of integrations that nobody can change, since the files that own them are not followed.
func warnOfOwned(ctx context.Context, service *integration.Service, log *slog.Logger) error {
	list, err := service.List(ctx, "", "")
	if err != nil {
		return err
	}
	var names []string
	for _, in := range list {
		if in.OwnerFile() != "" {
			names = append(names, in.Name)
		}
	}
	if len(names) > 0 {
		log.WarnContext(ctx, "there are integrations of files that are not followed: they stay as they are, and read-only", "integrations", strings.Join(names, ", "),
			"fix", "Start with --config-dir, or hand them over to people with `landwaiter integration release NAME`.")
	}
	return nil
}
