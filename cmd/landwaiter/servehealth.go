package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
)

// watchHealth looks at the integrations until stop is called, unless that is turned off.
func (p *program) watchHealth(ctx context.Context, f serveFlags, store health.Store, service *integration.Service, doctor *diagnosis.Doctor, log *slog.Logger) (watch *health.Service, stop func(), err error) {
	if every := *f.healthInterval; every < 0 || every > 0 && every < time.Second {
		return nil, nil, fault.New(fault.Invalid, "read flags", "--%s cannot be %s", settingHealthInterval.Name, every).
			WithFix("Give a second or more, or 0 to turn it off.")
	}
	watch = health.New(health.Options{
		Store: store, Integrations: service, Check: doctor.Glance, Now: time.Now, Jitter: rand.Float64,
		Pace: health.Pace{Interval: *f.healthInterval, Retry: min(*f.healthInterval, time.Minute)}, Log: log,
	})
	if *f.healthInterval == 0 {
		return watch, func() {}, nil
	}
	return watch, inBackground(ctx, watch.Run), nil
}

// inBackground runs work until ctx ends or stop is called, which waits for it: it uses the database.
func inBackground(ctx context.Context, work func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	working.Go(func() { work(ctx) })
	return func() {
		cancel()
		working.Wait()
	}
}
