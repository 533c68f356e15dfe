package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func (p *program) integrationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "integration",
		Short: "Connect registries",
		Long:  "The integration commands speak to a server: give --server, or set LANDWAITER_SERVER and LANDWAITER_TOKEN.",
	}
	cmd.AddCommand(
		p.integrationTypesCommand(), p.integrationListCommand(), p.integrationGetCommand(), p.integrationCreateCommand(),
		p.integrationUpdateCommand(), p.integrationDeleteCommand(), p.integrationTestCommand(),
	)
	return cmd
}

func (p *program) integrationTypesCommand() *cobra.Command {
	var output *string
	cmd := &cobra.Command{
		Use:   "types",
		Short: "List the types of integrations and their settings",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var list []integration.Description
			for _, t := range integrations.All() {
				list = append(list, t.Describe())
			}
			return p.print(*output, list, func() error {
				w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "TYPE\tLABEL\tSETTING\tNEEDED\tHELP")
				for _, t := range list {
					fmt.Fprintf(w, "%s\t%s\t\t\t%s\n", t.ID, t.Label, t.Summary)
					for _, f := range t.Fields {
						fmt.Fprintf(w, "\t\t--%s\t%s\t%s\n", flagName(f.Name), yes(f.Required != ""), cmp.Or(f.Help, f.Label))
					}
				}
				return w.Flush()
			})
		},
	}
	output = outputFlag(cmd.Flags())
	return cmd
}

func (p *program) integrationListCommand() *cobra.Command {
	var remote *remoteFlags
	var output *string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the integrations",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			list, err := c.Integrations(cmd.Context(), "")
			if err != nil {
				return err
			}
			return p.print(*output, list, func() error {
				w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "NAME\tTYPE\tENDPOINT\tUSER\tID")
				for _, in := range list {
					settings := settingsOf(in)
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", in.Text("name"), in.Text("type"), word(settings["endpoint"]), word(settings["username"]), in.Text("id"))
				}
				return w.Flush()
			})
		},
	}
	remote, output = p.remoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	return cmd
}

func (p *program) integrationGetCommand() *cobra.Command {
	var remote *remoteFlags
	var output *string
	cmd := &cobra.Command{
		Use:   "get NAME|ID",
		Short: "Show one integration; secrets are masked",
		Args:  exactArgs(1, "the name or ID of one integration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, err := find(cmd, c, args[0])
			if err != nil {
				return err
			}
			return p.print(*output, in, func() error { return p.renderIntegration(in) })
		},
	}
	remote, output = p.remoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	return cmd
}

func (p *program) integrationCreateCommand() *cobra.Command {
	var remote *remoteFlags
	var draft *draftFlags
	var output *string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an integration; it is tested first unless --skip-test is given",
		Example: `  landwaiter integration create --name team --endpoint registry.example --username robot --password-file robot.txt
  landwaiter integration create --type quay --name quay --endpoint quay.io
  echo "$TOKEN" | landwaiter integration create --type ghcr --name github --username me --password-file -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, _, err := draft.onto(p, cmd.Flags(), client.Integration{})
			if err != nil {
				return err
			}
			created, err := c.CreateIntegration(cmd.Context(), in)
			if err != nil {
				return err
			}
			return p.print(*output, created, func() error { return p.renderIntegration(created) })
		},
	}
	remote, output, draft = p.remoteFlags(cmd.Flags()), outputFlag(cmd.Flags()), newDraftFlags(cmd.Flags())
	return cmd
}

func (p *program) integrationUpdateCommand() *cobra.Command {
	var remote *remoteFlags
	var draft *draftFlags
	cmd := &cobra.Command{
		Use:   "update NAME|ID",
		Short: "Change what is given of an integration; stored secrets are kept unless new ones are given",
		Example: `  landwaiter integration update team --insecure
  landwaiter integration update team --username robot2 --password-file robot2.txt`,
		Args: exactArgs(1, "the name or ID of one integration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, err := find(cmd, c, args[0])
			if err != nil {
				return err
			}
			id := in.Text("id")
			changed, secrets, err := draft.onto(p, cmd.Flags(), in)
			if err != nil {
				return err
			}
			if err := c.PatchIntegration(cmd.Context(), id, changed, secrets); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "Updated %s.\n", changed.Text("name"))
			return err
		},
	}
	remote, draft = p.remoteFlags(cmd.Flags()), newDraftFlags(cmd.Flags())
	return cmd
}

func (p *program) integrationDeleteCommand() *cobra.Command {
	var remote *remoteFlags
	cmd := &cobra.Command{
		Use:   "delete NAME|ID",
		Short: "Delete an integration and its stored secrets",
		Args:  exactArgs(1, "the name or ID of one integration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, err := find(cmd, c, args[0])
			if err != nil {
				return err
			}
			if err := c.DeleteIntegration(cmd.Context(), in.Text("id")); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "Deleted %s.\n", in.Text("name"))
			return err
		},
	}
	remote = p.remoteFlags(cmd.Flags())
	return cmd
}

func (p *program) integrationTestCommand() *cobra.Command {
	var remote *remoteFlags
	var draft *draftFlags
	cmd := &cobra.Command{
		Use:   "test [NAME|ID]",
		Short: "Test a stored integration, or one that is described by flags before it is created",
		Long: `Test asks the registry and signs in. With a name, the stored integration is tested, with the changes that flags
describe. Without one, flags describe the integration; no server is needed then.`,
		Example: "  landwaiter integration test team\n  landwaiter integration test --endpoint registry.example --username robot --password-file robot.txt",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.testIntegration(cmd, remote, draft, args); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.out, "The test was successful.")
			return err
		},
	}
	remote, draft = p.remoteFlags(cmd.Flags()), newDraftFlags(cmd.Flags())
	return cmd
}

func (p *program) testIntegration(cmd *cobra.Command, remote *remoteFlags, draft *draftFlags, args []string) error {
	if len(args) == 1 {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		in, err := find(cmd, c, args[0])
		if err != nil {
			return err
		}
		changed, secrets, err := draft.onto(p, cmd.Flags(), in)
		if err != nil {
			return err
		}
		return c.TestUpdatedIntegration(cmd.Context(), changed, secrets)
	}
	in, _, err := draft.onto(p, cmd.Flags(), client.Integration{"name": "test"})
	if err != nil {
		return err
	}
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		return c.TestIntegration(cmd.Context(), in)
	}
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	d, err := types.Decode(body)
	if err != nil {
		return err
	}
	return integration.NewService(integration.ServiceOptions{
		Types: types, Tester: p.registryClient(image.Platform{}), Deps: integration.Deps{Now: time.Now}, Now: time.Now,
	}).Test(cmd.Context(), d)
}

// draftFlags describe an integration. There is one flag for each setting that any type declares.
type draftFlags struct {
	typ        string
	name       string
	categories []string
	skipTest   bool
	texts      map[string]*string // by declared name
	toggles    map[string]*bool
	secrets    map[string]*string // names of files
}

func newDraftFlags(fs *pflag.FlagSet) *draftFlags {
	d := &draftFlags{texts: map[string]*string{}, toggles: map[string]*bool{}, secrets: map[string]*string{}}
	fs.StringVar(&d.typ, "type", "docker", "type of the integration; see `landwaiter integration types`")
	fs.StringVar(&d.name, "name", "", "name of the integration")
	fs.StringSliceVar(&d.categories, "category", nil, "what it is for: REGISTRY, SCANNER (default: REGISTRY)")
	fs.BoolVar(&d.skipTest, "skip-test", false, "save without testing the connection")
	for _, t := range integrations.All() {
		for _, f := range t.Fields {
			flag, help := flagName(f.Name), fmt.Sprintf("%s (%s)", f.Label, strings.Join(typesWith(f.Name), ", "))
			switch {
			case f.IsSecret() && d.secrets[f.Name] == nil:
				d.secrets[f.Name] = fs.String(flag+"-file", "", "file that holds: "+help+"; - is standard input")
			case f.Kind == integration.Toggle && d.toggles[f.Name] == nil:
				d.toggles[f.Name] = fs.Bool(flag, false, help)
			case !f.IsSecret() && f.Kind != integration.Toggle && d.texts[f.Name] == nil:
				d.texts[f.Name] = fs.String(flag, "", help)
			}
		}
	}
	return d
}

// onto writes the flags that were given over an integration, and reports whether there are secrets among them.
func (d *draftFlags) onto(p *program, fs *pflag.FlagSet, in client.Integration) (client.Integration, bool, error) {
	if in.Text("type") == "" || fs.Changed("type") {
		in["type"] = d.typ
	}
	typ, err := typeOf(in.Text("type"))
	if err != nil {
		return nil, false, err
	}
	if fs.Changed("name") {
		in["name"] = d.name
	}
	if len(d.categories) > 0 {
		in["categories"] = d.categories
	} else if in["categories"] == nil {
		in["categories"] = []string{string(integration.CategoryRegistry)}
	}
	if fs.Changed("skip-test") || in["skipTestIntegration"] == nil {
		in["skipTestIntegration"] = d.skipTest
	}
	settings := in.Settings(typ.ConfigKey)
	if settings == nil {
		settings = map[string]any{}
		in[typ.ConfigKey] = settings
	}
	haveSecrets := false
	for name, value := range d.texts {
		if fs.Changed(flagName(name)) {
			put(settings, name, *value)
		}
	}
	for name, value := range d.toggles {
		if fs.Changed(flagName(name)) {
			put(settings, name, *value)
		}
	}
	for name, file := range d.secrets {
		if fs.Changed(flagName(name) + "-file") {
			value, err := p.readSecret(*file)
			if err != nil {
				return nil, false, err
			}
			put(settings, name, value.Reveal())
			haveSecrets = true
		}
	}
	return in, haveSecrets, d.belong(fs, typ)
}

// belong refuses flags that the type does not declare.
func (d *draftFlags) belong(fs *pflag.FlagSet, typ integration.Type) error {
	declared := func(name string) bool {
		return slices.ContainsFunc(typ.Fields, func(f integration.Field) bool { return f.Name == name })
	}
	var wrong []string
	fs.Visit(func(f *pflag.Flag) {
		for _, t := range integrations.All() {
			for _, field := range t.Fields {
				flag := flagName(field.Name)
				if (f.Name == flag || f.Name == flag+"-file") && !declared(field.Name) && !slices.Contains(wrong, "--"+f.Name) {
					wrong = append(wrong, "--"+f.Name)
				}
			}
		}
	})
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "read flags", "%s: not a setting of the type %s", strings.Join(wrong, ", "), typ.ID).
		WithFix("see `landwaiter integration types`")
}

// secretLimit bounds a secret read from a file: service account keys are the largest.
const secretLimit = 64 << 10

func (p *program) readSecret(path string) (secret.Text, error) {
	var r io.Reader = p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return secret.Text{}, fault.Wrap(fault.Invalid, "read secret", path, err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, secretLimit+1))
	if err != nil {
		return secret.Text{}, fault.Wrap(fault.Invalid, "read secret", path, err)
	}
	if len(b) > secretLimit {
		return secret.Text{}, fault.New(fault.Invalid, "read secret", "%s holds more than %d bytes", path, secretLimit)
	}
	return secret.New(strings.TrimRight(string(b), "\r\n")), nil
}

func typeOf(id string) (integration.Type, error) {
	var ids []string
	for _, t := range integrations.All() {
		if t.ID == id {
			return t, nil
		}
		ids = append(ids, t.ID)
	}
	return integration.Type{}, fault.New(fault.Invalid, "read flags", "there is no type %q", id).WithFix("use one of %s", strings.Join(ids, ", "))
}

func typesWith(field string) []string {
	var ids []string
	for _, t := range integrations.All() {
		if slices.ContainsFunc(t.Fields, func(f integration.Field) bool { return f.Name == field }) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// flagName is a declared name as a flag: registryRobotCredentials.username is --registry-robot-credentials-username.
func flagName(field string) string {
	var b strings.Builder
	for _, c := range field {
		switch {
		case c == '.':
			b.WriteByte('-')
		case c >= 'A' && c <= 'Z':
			b.WriteByte('-')
			b.WriteRune(c + 'a' - 'A')
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// put sets a setting whose name may have a dot, for a nested object.
func put(settings map[string]any, name string, value any) {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		settings[name] = value
		return
	}
	object, ok := settings[outer].(map[string]any)
	if !ok {
		object = map[string]any{}
		settings[outer] = object
	}
	object[inner] = value
}

// find looks an integration up by name, then by ID.
func find(cmd *cobra.Command, c *client.Client, what string) (client.Integration, error) {
	list, err := c.Integrations(cmd.Context(), what)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		return list[0], nil
	}
	in, err := c.Integration(cmd.Context(), what)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "find integration", "there is none with the name or ID %q", what).
			WithFix("see `landwaiter integration list`")
	}
	return in, err
}

func settingsOf(in client.Integration) map[string]any {
	typ, err := typeOf(in.Text("type"))
	if err != nil {
		return nil
	}
	return in.Settings(typ.ConfigKey)
}

func (p *program) renderIntegration(in client.Integration) error {
	r := &renderer{w: p.out}
	r.field("name", in.Text("name"))
	r.field("id", in.Text("id"))
	r.field("type", in.Text("type"))
	settings := settingsOf(in)
	if typ, err := typeOf(in.Text("type")); err == nil {
		for _, f := range typ.Fields {
			value := settings
			outer, inner, nested := strings.Cut(f.Name, ".")
			if nested {
				value, _ = settings[outer].(map[string]any)
				outer = inner
			}
			r.field(f.Name, word(value[outer]))
		}
	}
	return r.err
}

// word prints a JSON value in a table: nothing for absent, yes for true.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return yes(v)
	}
	return fmt.Sprint(v)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
