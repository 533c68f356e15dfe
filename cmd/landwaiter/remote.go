package main

import (
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

func (p *program) remoteFlags(fs *pflag.FlagSet) *remoteFlags {
	return &remoteFlags{url: p.text(fs, settingServer), ca: p.text(fs, settingCA), insecure: p.toggle(fs, settingInsecure)}
}

func (f *remoteFlags) given() bool    { return *f.url != "" }
func (f *remoteFlags) server() string { return *f.url }

// client signs in with the token, else as admin with the administrator's password.
func (p *program) client(f *remoteFlags) (*client.Client, error) {
	if !f.given() {
		return nil, fault.New(fault.Invalid, "connect to a server", "no server was named").
			WithFix("give --server URL or set LANDWAITER_SERVER, e.g. http://127.0.0.1:8080 after `make run`")
	}
	o := client.Options{
		URL: *f.url, CAFile: *f.ca, Insecure: *f.insecure, Token: p.secret(secretToken),
		UserAgent: "landwaiter/" + versionString(),
	}
	if password := p.secret(secretAdminPassword); !o.Token.IsSet() && password.IsSet() {
		o.Username, o.Password = "admin", password
	}
	return client.New(o)
}
