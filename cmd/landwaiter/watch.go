package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/watch"
)

// watchImages assesses the watched images until stop is called, unless that is turned off.
func watchImages(ctx context.Context, f serveFlags, store watch.Store, assessments *assess.Service, log *slog.Logger) (service *watch.Service, stop func(), err error) {
	every := *f.watchInterval
	if every < 0 || every > 0 && every < time.Second {
		return nil, nil, fault.New(fault.Invalid, "read flags", "--%s cannot be %s", settingWatchInterval.Name, every).
			WithFix("Give a second or more, or 0 to turn it off.")
	}
	service = watch.New(watch.Options{Store: store, Assess: assessments.Assess, Now: time.Now, Jitter: rand.Float64, Interval: every, Log: log})
	if every == 0 {
		return service, func() {}, nil
	}
	return service, inBackground(ctx, service.Run), nil
}

func (p *program) watchCommand() *cobra.Command {
	return group("watch", "Have a server assess images again and again",
		`An image that is watched is assessed by the server at once and then about every four hours (serve --watch-interval), whoever asks for
it. Each time it is looked up what the tag stands for. What fails is tried again soon, and is shown with what to do.`,
		p.watchListCommand(), p.watchAddCommand(), p.watchRemoveCommand())
}

func (p *program) watchListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the images that are watched, and how that goes", Example: "  landwaiter watch list", Args: noArgs}
	output := outputFlag(cmd.Flags())
	return p.askServer(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Watched(ctx)
		if err != nil {
			return err
		}
		return p.print(*output, list, func() error { return renderWatched(p.out, list) })
	})
}

func (p *program) watchAddCommand() *cobra.Command {
	return p.askServer(&cobra.Command{
		Use: "add IMAGE", Short: "Watch an image", Example: "  landwaiter watch add quay.io/org/app:1.2",
		Long: "Add has the server assess an image in the background, now and from now on. One that is watched already is assessed at once.",
		Args: exactArgs(1, "an image with a tag"),
	}, func(ctx context.Context, c *client.Client, args []string) error {
		name, err := c.Watch(ctx, args[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%s is watched. See how that goes: landwaiter watch list\n", printable(name))
		return err
	})
}

func (p *program) watchRemoveCommand() *cobra.Command {
	return p.askServer(&cobra.Command{
		Use: "remove IMAGE", Short: "Watch an image no longer; what is stored about it stays", Example: "  landwaiter watch remove quay.io/org/app:1.2",
		Args: exactArgs(1, "an image, as `landwaiter watch list` shows it"),
	}, func(ctx context.Context, c *client.Client, args []string) error {
		if err := c.Unwatch(ctx, args[0]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "%s is not watched.\n", printable(args[0]))
		return err
	})
}

func renderWatched(w io.Writer, list []watch.Image) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "No image is watched.")
		return err
	}
	rows := [][]string{{"IMAGE", "VERDICT", "LAST ASSESSED", "NEXT", "FAILURES SINCE"}}
	for _, i := range list {
		rows = append(rows, []string{i.Name, cmp.Or(string(i.Verdict), "-"), moment(i.LastSuccess, "never"), moment(i.NextAttempt, "now"), fmt.Sprint(i.Failures)})
	}
	r := &renderer{w: w}
	r.table(rows)
	for _, i := range list {
		if i.Error != "" {
			r.printf("\n%s could not be assessed at %s\n  %s\n", printable(i.Name), when(i.LastAttempt), printable(i.Error))
			r.field("what to do", i.Fix)
		}
	}
	return r.err
}

func moment(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return when(t)
}
