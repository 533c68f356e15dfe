package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// remoteFlags say which server to ask.
type remoteFlags struct {
	url      *string
	ca       *string
	insecure *bool
}

func newRemoteFlags(fs *pflag.FlagSet) *remoteFlags {
	return &remoteFlags{url: text(fs, settingServer), ca: text(fs, settingCA), insecure: toggle(fs, settingInsecure)}
}

func (f *remoteFlags) given() bool    { return *f.url != "" }
func (f *remoteFlags) server() string { return *f.url }

// client signs in with the token, else as admin with the administrator's password.
func (p *program) client(f *remoteFlags) (*client.Client, error) {
	o, err := p.clientOptions(f)
	if err != nil {
		return nil, err
	}
	if o.Token = p.secret(secretToken); !o.Token.IsSet() {
		o.Username, o.Password = "admin", p.secret(secretAdminPassword)
	}
	if !o.Token.IsSet() && !o.Password.IsSet() {
		return nil, fault.New(fault.Unauthenticated, "connect to a server", "there are no credentials for %s", *f.url).
			WithFix("Set LANDWAITER_TOKEN to an API token of the server, or LANDWAITER_ADMIN_PASSWORD to its administrator's password.")
	}
	return client.New(o)
}

// askServer makes a command ask a server.
func (p *program) askServer(cmd *cobra.Command, ask func(ctx context.Context, c *client.Client, args []string) error) *cobra.Command {
	remote := newRemoteFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		return ask(cmd.Context(), c, args)
	}
	return cmd
}

// clientOptions are without credentials.
func (p *program) clientOptions(f *remoteFlags) (client.Options, error) {
	if !f.given() {
		return client.Options{}, fault.New(fault.Invalid, "connect to a server", "no server was named").
			WithFix("Give --server URL or set LANDWAITER_SERVER, e.g. http://127.0.0.1:8080 after `make run`.")
	}
	return client.Options{URL: *f.url, CAFile: *f.ca, Insecure: *f.insecure, UserAgent: userAgent(), Proxy: http.ProxyFromEnvironment}, nil
}
