package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
	"github.com/landwaiter/landwaiter/internal/vuln/feed"
)

// A setting is declared once: flag and environment variable, default and help come from here. A secret has no flag, since
// other users of the machine can read command lines.
type setting struct {
	Name    string // of the flag; "" for secrets
	Env     string
	Default string
	Help    string
}

var (
	settingData = setting{"data", "LANDWAITER_DATA", "", "directory of the database, advisory data and keys (default: landwaiter in the user's data directory)"}

	settingListen         = setting{"listen", "LANDWAITER_LISTEN", "127.0.0.1:8080", "address to listen on, HOST:PORT"}
	settingDatabaseURL    = setting{"database-url", "LANDWAITER_DATABASE_URL", "", "postgres://… for many servers (default: SQLite in the data directory)"}
	settingTLSCert        = setting{"tls-cert", "LANDWAITER_TLS_CERT", "", "certificate file, PEM (default: one is generated when TLS is needed)"}
	settingTLSKey         = setting{"tls-key", "LANDWAITER_TLS_KEY", "", "key file of the certificate, PEM"}
	settingAllowPlaintext = setting{"allow-plaintext", "LANDWAITER_ALLOW_PLAINTEXT", "false", "serve plain HTTP on addresses other than loopback too, e.g. behind a proxy that ends TLS"}
	settingDemo           = setting{"demo", "LANDWAITER_DEMO", "false", "add a registry with sample images, an integration for it and advisories, and assess them"}
	settingSecretKeyFile  = setting{"secret-key-file", "LANDWAITER_SECRET_KEY_FILE", "", "file with the key that seals stored secrets (default: secret.key in the data directory)"}
	settingAllowAddresses = setting{"allow-addresses", "LANDWAITER_ALLOW_ADDRESSES", "", "addresses that integrations may reach besides the usual: loopback, private, networks such as 10.1.0.0/16, with commas in between"}
	settingPlatform       = setting{"platform", "LANDWAITER_PLATFORM", "", "platform of multi-platform images, e.g. linux/arm64 (default: linux/amd64)"}
	settingPlatforms      = setting{"platform", "LANDWAITER_PLATFORM", "", "platform of multi-platform images, e.g. linux/arm64; several with commas between them; all; or nodes for those that the server's nodes run (default: linux/amd64)"}
	settingNodePlatforms  = setting{"node-platforms", "LANDWAITER_NODE_PLATFORMS", "", "platforms that the nodes of your clusters run, with commas between them, e.g. linux/amd64,linux/arm64"}
	settingLibraryGzip    = setting{"library-gzip", "LANDWAITER_LIBRARY_GZIP", "false", "unpack gzip with a general library instead of the decoder made for this, which is faster"}
	settingConfigDir      = setting{"config-dir", "LANDWAITER_CONFIG_DIR", "", "directory of files that describe integrations; what they describe is changed there only"}
	settingConfigInterval = setting{"config-interval", "LANDWAITER_CONFIG_INTERVAL", "2s", "how often to look for changes in the directory of integrations"}

	settingHealthInterval = setting{"health-interval", "LANDWAITER_HEALTH_INTERVAL", "15m", "about how often to look at the health of each integration, which takes a few requests; 0 turns it off"}

	settingWatchInterval = setting{"watch-interval", "LANDWAITER_WATCH_INTERVAL", "4h", "about how often to assess each image that is watched; 0 has this server take no part in it"}

	settingCLIDir = setting{"cli-dir", "LANDWAITER_CLI_DIR", "", "directory of command lines to hand out at /api/cli/download/, such as landwaiter-darwin-arm64 or roxctl-linux-amd64 (default: only this program, for its own platform)"}

	settingExternalLimit      = setting{"external-limit", "LANDWAITER_EXTERNAL_LIMIT", "10s", "how long the registries' own scanners are waited for while an image is scanned"}
	settingExternalStale      = setting{"external-stale", "LANDWAITER_EXTERNAL_STALE", "168h", "the age from which on the report of a registry's own scanner is called stale"}
	settingSource             = setting{"source", "LANDWAITER_ADVISORY_SOURCE", "", "URL of a server with the layout of OSV's bulk archives, or oci://… for what landwaiter vuln export pushed (default: " + feed.DefaultSource + ")"}
	settingAdvisorySource     = setting{"advisory-source", settingSource.Env, settingSource.Default, settingSource.Help}
	settingAdvisoryInterval   = setting{"advisory-interval", "LANDWAITER_ADVISORY_INTERVAL", "0", "how often to fetch the advisories that have changed, e.g. 6h; 0 fetches nothing"}
	settingAdvisoryEcosystems = setting{"advisory-ecosystems", "LANDWAITER_ADVISORY_ECOSYSTEMS", "", "ecosystems to fetch advisories of, with commas in between, or all (default: those of the stored images, and those that there are data of)"}
	settingEPSSSource         = setting{"epss-source", "LANDWAITER_EPSS_SOURCE", "", "URL of EPSS's scores, epss_scores-current.csv.gz (default: they are not fetched)"}
	settingExploitedSource    = setting{"exploited-source", "LANDWAITER_EXPLOITED_SOURCE", "", "URL of CISA's known_exploited_vulnerabilities.json (default: it is not fetched)"}
	settingAdvisoryMaxAge     = setting{"advisory-max-age", "LANDWAITER_ADVISORY_MAX_AGE", vuln.DefaultMaxAge.String(), "how old advisory data may be before every answer warns of it"}

	settingPolicies = setting{"policies", "LANDWAITER_POLICIES", "", "file or directory of policies that count besides those of the data directory (working alone)"}

	settingSignerRules = setting{"signer-rules", "LANDWAITER_SIGNER_RULES", "", "file or directory of signer rules: whose signed bills of materials stand for reading an image's layers (default: nobody's)"}

	settingAuthor     = setting{"author", "LANDWAITER_AUTHOR", "", "who decides on exceptions, when working alone; a server takes whoever signs in"}
	settingExceptions = setting{"exceptions", "LANDWAITER_EXCEPTIONS", "", "file or directory of exceptions for vulnerabilities that count beside those in the data directory, when working alone"}

	settingAllowReferences = setting{"allow-references", "LANDWAITER_ALLOW_REFERENCES", "", "secrets of the server that integrations may refer to, patterns with commas between them, e.g. env:REGISTRY_*,file:/run/secrets/registries/*,kubernetes:team/*/* (default: none)"}

	settingAnnotate = setting{"annotate", "LANDWAITER_ANNOTATE", "true", "in GitHub Actions, annotate the run on standard error and append to the step's summary"}

	settingServer   = setting{"server", "LANDWAITER_SERVER", "", "URL of a Landwaiter server (default: work alone, in this process)"}
	settingCA       = setting{"ca-file", "LANDWAITER_CA_FILE", "", "certificate authority of the server, PEM"}
	settingInsecure = setting{"insecure-server", "LANDWAITER_INSECURE_SERVER", "false", "do not verify the server's certificate, and send the token over plain HTTP too"}

	secretAdminPassword      = setting{"", "LANDWAITER_ADMIN_PASSWORD", "", "password of the user admin: set at first start of the server; used by the client when there is no token"}
	secretKey                = setting{"", "LANDWAITER_SECRET_KEY", "", "key that seals stored secrets, 32 bytes in base64 or hex"}
	secretAdvisoryCredential = setting{"", "LANDWAITER_ADVISORY_CREDENTIAL", "", "credential for the source of advisories: USER:PASSWORD or a bearer token"}

	secretToken = setting{"", "LANDWAITER_TOKEN", "", "API token for the server"}
)

// environmentKey annotates a flag with the name of its variable.
const environmentKey = "environment"

func text(fs *pflag.FlagSet, s setting) *string {
	v := fs.String(s.Name, s.Default, s.help())
	s.annotate(fs)
	return v
}

func toggle(fs *pflag.FlagSet, s setting) *bool {
	v := fs.Bool(s.Name, s.Default == "true", s.help())
	s.annotate(fs)
	return v
}

func duration(fs *pflag.FlagSet, s setting) *time.Duration {
	standard, err := time.ParseDuration(s.Default)
	if err != nil {
		panic(err) // the declaration is wrong
	}
	v := fs.Duration(s.Name, standard, s.help())
	s.annotate(fs)
	return v
}

func (s setting) help() string { return s.Help + " [$" + s.Env + "]" }

func (s setting) annotate(fs *pflag.FlagSet) {
	if err := fs.SetAnnotation(s.Name, environmentKey, []string{s.Env}); err != nil {
		panic(err) // the flag was not declared
	}
}

// fromEnvironment sets the flags that were not given from their variables. It comes after parsing, so that help texts do not
// show what the environment holds.
func (p *program) fromEnvironment(fs *pflag.FlagSet) error {
	var err error
	fs.VisitAll(func(f *pflag.Flag) {
		for _, variable := range f.Annotations[environmentKey] {
			v := p.getenv(variable)
			if v == "" || f.Changed || err != nil {
				continue
			}
			if bad := f.Value.Set(v); bad != nil {
				err = fault.New(fault.Invalid, "read environment", "%s cannot be %q", variable, v).
					WithFix("Repair it or leave it out: it stands for --%s.", f.Name)
			}
		}
	})
	return err
}

func (p *program) secret(s setting) secret.Text { return secret.New(p.getenv(s.Env)) }

// dataDir resolves the data directory: as given, else in the user's data directory as the XDG rules say.
func (p *program) dataDir(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	if d := p.getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "landwaiter"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "find data directory", "", err).WithFix("Give --data DIR or set LANDWAITER_DATA.")
	}
	return filepath.Join(home, ".local", "share", "landwaiter"), nil
}
