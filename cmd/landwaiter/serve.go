package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/demo"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/portal"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/server"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// serveFlags are the settings of the server.
type serveFlags struct {
	data, listen, databaseURL *string
	tlsCert, tlsKey           *string
	allowPlaintext, demo      *bool
	secretKeyFile, platform   *string
}

func (p *program) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: portal, REST API, integrations",
		Long: `Serve runs the server until it is interrupted. Without a database URL everything is kept in the data directory.

Plain HTTP is served on loopback addresses only. Elsewhere TLS is used: with the certificate given, else with one that is
generated and signed by a CA of the server's own (ca.crt in the data directory), which is meant for trying out.`,
		Example: "  landwaiter serve --demo\n  landwaiter serve --data /var/lib/landwaiter --listen :8443 --tls-cert tls.crt --tls-key tls.key",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), f) },
	}
	fs := cmd.Flags()
	f.data, f.listen, f.databaseURL = text(fs, settingData), text(fs, settingListen), text(fs, settingDatabaseURL)
	f.tlsCert, f.tlsKey = text(fs, settingTLSCert), text(fs, settingTLSKey)
	f.allowPlaintext, f.demo = toggle(fs, settingAllowPlaintext), toggle(fs, settingDemo)
	f.secretKeyFile, f.platform = text(fs, settingSecretKeyFile), text(fs, settingPlatform)
	return cmd
}

func (p *program) serve(ctx context.Context, f serveFlags) error {
	log := slog.New(slog.NewTextHandler(p.err, nil))
	platform, err := image.ParsePlatform(*f.platform)
	if err != nil {
		return err
	}
	data, err := p.dataDir(*f.data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fault.Wrap(fault.Invalid, "create data directory", data, err).WithFix("give a directory that can be written with --data")
	}
	db, err := p.openStore(ctx, f, data)
	if err != nil {
		return err
	}
	defer db.Close()

	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		return err
	}
	client := p.registryClient(platform)
	connections := integration.NewService(integration.ServiceOptions{
		Store: db, Types: types, Tester: client, Deps: integration.Deps{Now: time.Now}, NewID: uuid.NewString, Now: time.Now, Log: log,
	})
	if _, err := db.SeedIntegrations(ctx, integration.Defaults(time.Now())); err != nil {
		return err
	}
	advisories, err := newLiveAdvisories(advisoriesDir(data))
	if err != nil {
		return err
	}
	defer advisories.live.Close()
	policies, err := policy.Compile(policy.Builtin())
	if err != nil {
		return err
	}
	assessments := assess.New(assess.Options{
		Sources: connections, Client: client, Scanner: scan.New(scan.Options{Cache: db}), Advisories: advisories.live,
		Policies: policies, Store: db, Now: time.Now, NewID: uuid.NewString, Log: log,
	})
	access := auth.New(auth.Options{Store: db, Now: time.Now, Rand: rand.Reader})
	generated, err := access.EnsureAdmin(ctx, p.secret(secretAdminPassword))
	if err != nil {
		return err
	}
	loopback := listensOnLoopback(*f.listen)
	pages, err := portal.New(portal.Options{
		Integrations: connections, Types: types, Assess: assessments, Assessments: db, Advisories: advisories.Status,
		Auth: access, Guests: *f.demo && loopback, Secure: !loopback && !*f.allowPlaintext, Version: versionString(), Now: time.Now, Log: log,
	})
	if err != nil {
		return err
	}
	rest := api.New(api.Options{
		Integrations: connections, Types: types, Assess: assessments, Assessments: db, Auth: access, Advisories: advisories,
		Policies: policies, Version: versionString(), UploadDir: data, Log: log,
	})
	if *f.demo {
		password, err := randomPassword()
		if err != nil {
			return err
		}
		address, _, err := demo.Start(ctx, demo.Options{
			Integrations: connections, Assess: assessments, Assessments: db, AdvisoriesDir: advisoriesDir(data),
			Password: password, Now: time.Now, Log: log,
		})
		if err != nil {
			return err
		}
		log.Info("demo registry", "address", address)
	}
	return server.Run(ctx, server.Options{
		Listen: *f.listen, CertFile: *f.tlsCert, KeyFile: *f.tlsKey, TLSDir: filepath.Join(data, "tls"), AllowPlaintext: *f.allowPlaintext,
		API: rest, Portal: pages, Ready: db.Ping, Now: time.Now, Log: log,
		Listening: func(url string) { p.welcome(url, generated) },
	})
}

// welcome tells a person where to go, and the generated password, once.
func (p *program) welcome(url string, generated secret.Text) {
	fmt.Fprintf(p.out, "\n  Landwaiter is at %s\n", url)
	if generated.IsSet() {
		fmt.Fprintf(p.out, "  Sign in as admin with the password %s (shown only now)\n", generated.Reveal())
	}
	fmt.Fprintln(p.out)
}

func (p *program) openStore(ctx context.Context, f serveFlags, data string) (*store.Store, error) {
	key, err := store.LoadKey(p.getenv(secretKey.Env), *f.secretKeyFile, data, rand.Reader)
	if err != nil {
		return nil, err
	}
	url := *f.databaseURL
	if url == "" {
		url = "sqlite:" + filepath.Join(data, "landwaiter.db")
	}
	return store.Open(ctx, store.Options{URL: url, Key: key, Now: time.Now, Rand: rand.Reader})
}

// liveAdvisories is the server's advisory data, in its data directory.
type liveAdvisories struct {
	dir  string
	live *vuln.Live
}

func newLiveAdvisories(dir string) (*liveAdvisories, error) {
	live, err := vuln.OpenLive(dir)
	if err != nil {
		return nil, err
	}
	return &liveAdvisories{dir, live}, nil
}

func (a *liveAdvisories) Status() vuln.Status {
	index, release := a.live.Acquire()
	defer release()
	return index.Status()
}

func (a *liveAdvisories) Import(ctx context.Context, source string) (vuln.ImportResult, error) {
	return vuln.Import(ctx, a.dir, source, vuln.ImportOptions{Now: time.Now()})
}

func listensOnLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func randomPassword() (secret.Text, error) {
	b := make([]byte, 18)
	if _, err := rand.Read(b); err != nil {
		return secret.Text{}, err
	}
	return secret.New(base64.RawURLEncoding.EncodeToString(b)), nil
}
