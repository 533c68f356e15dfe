package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/demo"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/portal"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
	"github.com/landwaiter/landwaiter/internal/server"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// serveFlags are the settings of the server.
type serveFlags struct {
	data, listen, databaseURL *string
	tlsCert, tlsKey           *string
	allowPlaintext, demo      *bool
	secretKeyFile, platform   *string
	allowAddresses            *string
	configDir                 *string
	configInterval            *time.Duration
	allowReferences           *string
	healthInterval            *time.Duration
	watchInterval             *time.Duration
	cliDir                    *string
	nodePlatforms             *string
	libraryGzip               *bool
	externalLimit             *time.Duration
	externalStale             *time.Duration
	feed                      feedFlags
	advisoryInterval          *time.Duration
	advisoryEcosystems        *string
	advisoryMaxAge            *time.Duration
	signerRules               *string
}

func (p *program) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: portal, REST API, integrations",
		Long: `Serve runs the server until it is interrupted. Without a database URL everything is kept in the data directory.

Plain HTTP is served on loopback addresses only. Elsewhere TLS is used: with the certificate given, else with one that is
generated and signed by a CA of the server's own (tls/ca.crt in the data directory), which is meant for trying out.

At the first start the user admin is made, with the password in LANDWAITER_ADMIN_PASSWORD, else with a generated one that is
printed once. Other secrets come from the environment, too: LANDWAITER_SECRET_KEY, 32 bytes in base64 or hex, seals what is
stored, instead of the file secret.key in the data directory.`,
		Example: "  landwaiter serve --demo\n  landwaiter serve --data /var/lib/landwaiter --listen :8443 --tls-cert tls.crt --tls-key tls.key",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), f) },
	}
	fs := cmd.Flags()
	f.data, f.listen, f.databaseURL = text(fs, settingData), text(fs, settingListen), text(fs, settingDatabaseURL)
	f.tlsCert, f.tlsKey = text(fs, settingTLSCert), text(fs, settingTLSKey)
	f.allowPlaintext, f.demo = toggle(fs, settingAllowPlaintext), toggle(fs, settingDemo)
	f.secretKeyFile, f.platform = text(fs, settingSecretKeyFile), text(fs, settingPlatform)
	f.nodePlatforms, f.libraryGzip = text(fs, settingNodePlatforms), toggle(fs, settingLibraryGzip)
	f.allowAddresses = text(fs, settingAllowAddresses)
	f.configDir, f.configInterval = text(fs, settingConfigDir), duration(fs, settingConfigInterval)
	f.allowReferences = text(fs, settingAllowReferences)
	f.healthInterval = duration(fs, settingHealthInterval)
	f.watchInterval = duration(fs, settingWatchInterval)
	f.cliDir = text(fs, settingCLIDir)
	f.externalLimit, f.externalStale = duration(fs, settingExternalLimit), duration(fs, settingExternalStale)
	f.feed = newFeedFlags(fs, settingAdvisorySource)
	f.advisoryInterval, f.advisoryEcosystems = duration(fs, settingAdvisoryInterval), text(fs, settingAdvisoryEcosystems)
	f.advisoryMaxAge = duration(fs, settingAdvisoryMaxAge)
	f.signerRules = text(fs, settingSignerRules)
	return cmd
}

func (p *program) serve(ctx context.Context, f serveFlags) error {
	log := slog.New(slog.NewTextHandler(p.err, nil))
	platform, err := image.ParsePlatform(*f.platform)
	if err != nil {
		return err
	}
	nodes, err := parseNodePlatforms(*f.nodePlatforms)
	if err != nil {
		return err
	}
	allowed, err := secretref.ParseAllowed(*f.allowReferences)
	if err != nil {
		return err
	}
	addresses, err := distribution.ParseAddresses(*f.allowAddresses)
	if err != nil {
		return err
	}
	for _, d := range []struct {
		setting setting
		value   time.Duration
	}{{settingExternalLimit, *f.externalLimit}, {settingExternalStale, *f.externalStale}} {
		if d.value <= 0 {
			return fault.New(fault.Invalid, "read flags", "--%s cannot be %s", d.setting.Name, d.value).WithFix("Give a time, such as %s.", d.setting.Default)
		}
	}
	if err := checkMaxAge(*f.advisoryMaxAge); err != nil {
		return err
	}
	rules, err := readSignerRules(*f.signerRules)
	if err != nil {
		return err
	}
	addresses.Loopback = addresses.Loopback || *f.demo // the demo's registry is on this machine
	data, err := p.dataDir(*f.data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fault.Wrap(fault.Invalid, "create data directory", data, err).WithFix("Give a directory that can be written with --data.")
	}
	db, err := p.openStore(ctx, f, data)
	if err != nil {
		return err
	}
	defer db.Close()

	client := p.registryClient(platform, addresses)
	deps := p.deps(client)
	doctor := p.doctor(client)
	deps.References = secretref.New(secretref.Options{Env: p.getenv, Allowed: allowed}).Resolve
	connections := integration.NewService(integration.ServiceOptions{
		Store: db, Types: p.types, Tester: doctor, Deps: deps, NewID: uuid.NewString, Now: time.Now, Log: log,
	})
	if _, err := db.SeedIntegrations(ctx, integration.Defaults(time.Now())); err != nil {
		return err
	}
	files, stopFiles, err := p.followFiles(ctx, f, connections, log)
	if err != nil {
		return err
	}
	defer stopFiles()
	watch, stopWatching, err := p.watchHealth(ctx, f, db, connections, doctor, log)
	if err != nil {
		return err
	}
	defer stopWatching()
	advisories, err := newLiveAdvisories(advisoriesDir(data), *f.advisoryMaxAge)
	if err != nil {
		return err
	}
	defer advisories.live.Close()
	policies := policy.NewLibrary(db, time.Now)
	documents, exceptions := vex.NewShelf(db, time.Now), exception.NewLedger(db, time.Now, newExceptionID)
	assessments := assess.New(assess.Options{
		Sources: connections, Client: client, Scanner: scan.New(scan.Options{Cache: db, LibraryGzip: *f.libraryGzip}), Advisories: advisories.live,
		Policies: policies, Statements: documents, Exceptions: exceptions, Store: db, Now: time.Now, NewID: uuid.NewString, Log: log,
		Scanners: connections, ExternalLimit: *f.externalLimit, ExternalStale: *f.externalStale, MaxAge: *f.advisoryMaxAge,
		Nodes: nodes, SignerRules: rules,
	})
	watched, stopImages, err := watchImages(ctx, f, db, assessments, log)
	if err != nil {
		return err
	}
	defer stopImages()
	stopMatching := inBackground(ctx, assessments.Rematch)
	defer stopMatching()
	stopUpdates, err := p.followAdvisories(ctx, f, data, client, connections, assessments.Ecosystems, log)
	if err != nil {
		return err
	}
	defer stopUpdates()
	access := auth.New(auth.Options{
		Store: db, Now: time.Now, Rand: rand.Reader, AllowHTTP: addresses.Loopback,
		Reach: func(issuer *url.URL) http.RoundTripper {
			return client.Files(distribution.Endpoint{Scheme: issuer.Scheme, Host: issuer.Host})
		},
	})
	generated, err := access.EnsureAdmin(ctx, p.secret(secretAdminPassword))
	if err != nil {
		return err
	}
	if generated.IsSet() { // before anything else can fail: it cannot be shown again
		fmt.Fprintf(p.out, "\n  The password of the user admin is %s (shown only now)\n", generated.Reveal())
	}
	loopback := image.OnLoopback(*f.listen)
	pages, err := portal.New(portal.Options{
		Integrations: connections, Diagnose: doctor.Diagnose, Health: watch, Types: p.types, Assess: assessments, Advisories: advisories.Status,
		Auth: access, Guests: *f.demo && loopback, Secure: *f.tlsCert != "" || !loopback && !*f.allowPlaintext, Version: versionString(), Now: time.Now, Log: log,
	})
	if err != nil {
		return err
	}
	downloads := api.Downloads{Dir: *f.cliDir}
	if downloads.Executable, err = os.Executable(); err != nil {
		return fault.Wrap(fault.Internal, "find the running program", "", err)
	}
	rest := api.New(api.Options{
		Integrations: connections, Diagnose: doctor.Diagnose, Health: watch, Types: p.types, Assess: assessments, Assessments: db, Auth: access, Watch: watched, Downloads: downloads, Advisories: advisories, VEX: documents, Exceptions: exceptions,
		Policies: policies, Version: versionString(), Files: files, UploadDir: data, Log: log,
	})
	var demoAssessed <-chan struct{}
	err = server.Run(ctx, server.Options{
		Listen: *f.listen, CertFile: *f.tlsCert, KeyFile: *f.tlsKey, TLSDir: filepath.Join(data, "tls"), AllowPlaintext: *f.allowPlaintext,
		API: rest, GRPC: rest.GRPC(), Portal: pages, Ready: db.Ping, Now: time.Now, Log: log,
		Listening: func(url string) {
			fmt.Fprintf(p.out, "\n  Landwaiter is at %s\n\n", url)
			if *f.demo { // only now: a second server that cannot listen must not take over the first one's demo
				demoAssessed = startDemo(ctx, demo.Options{
					Integrations: connections, Assess: assessments, Assessments: db, AdvisoriesDir: advisoriesDir(data),
					Password: secret.New(rand.Text()), Now: time.Now, Log: log,
				})
			}
		},
	})
	if demoAssessed != nil {
		<-demoAssessed // it uses the database
	}
	return err
}

// startDemo leaves the server without a demo if it fails. The channel is closed when the demo needs the database no longer.
func startDemo(ctx context.Context, o demo.Options) <-chan struct{} {
	address, assessed, err := demo.Start(ctx, o)
	if err != nil {
		o.Log.Error("there is no demo", "error", err)
		return nil
	}
	o.Log.Info("demo registry", "address", address)
	return assessed
}

func (p *program) openStore(ctx context.Context, f serveFlags, data string) (*store.Store, error) {
	database := filepath.Join(data, "landwaiter.db")
	if err := p.keyIsThere(f, data, database); err != nil {
		return nil, err
	}
	key, err := store.LoadKey(p.getenv(secretKey.Env), *f.secretKeyFile, data, rand.Reader)
	if err != nil {
		return nil, err
	}
	url := *f.databaseURL
	if url == "" {
		url = "sqlite:" + database
	}
	return store.Open(ctx, store.Options{URL: url, Key: key, Now: time.Now, Rand: rand.Reader})
}

// keyIsThere refuses to make a new sealing key beside a database that was sealed with another one.
func (p *program) keyIsThere(f serveFlags, data, database string) error {
	if *f.databaseURL != "" || *f.secretKeyFile != "" || p.secret(secretKey).IsSet() {
		return nil
	}
	_, noDatabase := os.Stat(database)
	_, noKey := os.Stat(filepath.Join(data, "secret.key"))
	if noDatabase == nil && errors.Is(noKey, fs.ErrNotExist) {
		return fault.New(fault.Invalid, "load sealing key", "%s is missing, but the database beside it was sealed with it", filepath.Join(data, "secret.key")).
			WithFix("Put the file back from a backup, or give the key with --secret-key-file or LANDWAITER_SECRET_KEY. Without it, start with an empty data directory.")
	}
	return nil
}

// liveAdvisories is the server's advisory data, in its data directory.
type liveAdvisories struct {
	dir    string
	live   *vuln.Live
	maxAge time.Duration
}

func newLiveAdvisories(dir string, maxAge time.Duration) (*liveAdvisories, error) {
	live, err := vuln.OpenLive(dir)
	if err != nil {
		return nil, err
	}
	return &liveAdvisories{dir, live, maxAge}, nil
}

func (a *liveAdvisories) Status() vuln.Status {
	index, release := a.live.Acquire()
	defer release()
	return index.Status().At(time.Now(), a.maxAge)
}

func (a *liveAdvisories) Import(ctx context.Context, source string) (vuln.ImportResult, error) {
	result, err := vuln.Import(ctx, a.dir, source, vuln.ImportOptions{Now: time.Now()})
	result.Status = result.Status.At(time.Now(), a.maxAge)
	return result, err
}
