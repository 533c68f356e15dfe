package scan

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// Types of package URLs for which osv-scalibr has no name.
const (
	typeAlpm            = "alpm"
	typeBioconductor    = "bioconductor"
	typeBitnami         = "bitnami"
	typeChromeExtension = "chrome-extension"
	typeLuaRocks        = "luarocks"
	typeOTP             = "otp"
	typeVcpkg           = "vcpkg"
	typeVSCodeExtension = "vscode-extension"
	typeWordPressPlugin = "wordpress-plugin"
	typeWordPressTheme  = "wordpress-theme"
)

// inFolder makes a reader's where: files directly in a folder of this name, or one that ends so.
func inFolder(suffix string) func(string) bool {
	return func(p string) bool { return strings.HasSuffix(path.Dir("/"+p), suffix) }
}

func below(folder string) func(string) bool {
	return func(p string) bool { return strings.Contains("/"+p, "/"+folder+"/") }
}

// fromPath makes a reader of files whose path says everything. The groups of its form are name and version.
func fromPath(kind string, form func() *regexp.Regexp) (where func(string) bool, read func(context.Context, *content, *found) error) {
	return func(p string) bool { return form().MatchString(p) }, func(_ context.Context, c *content, f *found) error {
		m := form().FindStringSubmatch(c.path)
		f.add(Component{Type: kind, Name: m[1], Version: m[2]})
		return nil
	}
}

var (
	homebrewReceipt = expression(`/(?:Cellar|Caskroom)/([^/]+)/([^/]+)/INSTALL_RECEIPT\.json$`)
	conanPackage    = expression(`\.conan/data/([^/]+)/([^/]+)/[^/]+/[^/]+/package/[^/]+/conaninfo\.txt$`)
	nimblePackage   = expression(`\.nimble/pkgs2?/([^/]+?)-([0-9][^/-]*|#[^/-]+)(?:-[0-9a-f]{40})?/nimblemeta\.json$`)
	chromeExtension = expression(`/Extensions/([a-p]{32})/([0-9][0-9.]*)(?:_[0-9]+)?/manifest\.json$`)
)

// readR reads the DESCRIPTION of an installed R package; one that is not built is somebody's source.
func readR(_ context.Context, c *content, f *found) error {
	s, err := newLineReader(c.reader()).stanza(false, "Package", "Version", "License", "Built", "biocViews")
	if err != nil || s["built"] == "" || s["version"] == "" {
		return ignoreEnd(err)
	}
	kind := purl.TypeCran
	if _, ok := s["biocviews"]; ok {
		kind = typeBioconductor
	}
	f.add(Component{Type: kind, Name: s["package"], Version: s["version"], Licenses: licenses(s["license"])})
	return nil
}

var (
	beamName    = expression(`\{\s*application\s*,\s*'?([A-Za-z][\w@]*)'?\s*,`)
	beamVersion = expression(`\{\s*vsn\s*,\s*"([^"]+)"\s*\}`)
)

// otpApplications are part of Erlang/OTP and Elixir themselves. Packages of the same name on Hex are something else.
var otpApplications = wordSet(`asn1 common_test compiler crypto debugger dialyzer diameter edoc eldap erl_docgen erl_interface erts et eunit
	ftp inets jinterface kernel megaco mnesia observer odbc os_mon parsetools public_key reltool runtime_tools sasl snmp ssh ssl
	stdlib syntax_tools tftp tools wx xmerl eex elixir ex_unit iex logger mix`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// readBeam reads the resource file of an Erlang or Elixir application, a term of Erlang.
func readBeam(_ context.Context, c *content, f *found) error {
	b, err := c.start(1 << 20)
	if err != nil {
		return err
	}
	name, version := beamName().FindSubmatch(b), beamVersion().FindSubmatch(b)
	if name == nil || version == nil {
		return nil
	}
	kind := purl.TypeHex
	if otpApplications[string(name[1])] {
		kind = typeOTP
	}
	f.add(Component{Type: kind, Name: strings.ToLower(string(name[1])), Version: string(version[1])})
	return nil
}

var (
	opamInstalled = expression(`(?m)^installed:\s*(?:\[([^\]]*)\]|("[^"]*"))`)
	opamPackage   = expression(`"([^".]+)\.([^"]+)"`)
)

// readOpam reads what a switch of OCaml's package manager has installed.
func readOpam(_ context.Context, c *content, f *found) error {
	b, err := c.start(maxManifest)
	if err != nil {
		return err
	}
	if m := opamInstalled().FindSubmatch(b); m != nil {
		for _, p := range opamPackage().FindAllSubmatch(append(m[1], m[2]...), -1) {
			f.add(Component{Type: purl.TypeOpam, Name: string(p[1]), Version: string(p[2])})
		}
	}
	return nil
}

// readCPAN reads what cpanm leaves of each distribution that it installs.
func readCPAN(_ context.Context, c *content, f *found) error {
	var dist, version string
	err := members(io.LimitReader(c.reader(), maxManifest), func(name string, value json.RawMessage) bool {
		switch name {
		case "dist":
			dist = text(value)
		case "version":
			version = text(value)
		}
		return true
	})
	if i := strings.LastIndexByte(dist, '-'); i > 0 && version != "" {
		f.add(Component{Type: purl.TypeCPAN, Name: dist[:i], Version: version})
		return nil
	}
	return err
}

// readNuspec reads the manifest of a package in NuGet's global folder.
func readNuspec(_ context.Context, c *content, f *found) error {
	var p struct {
		Metadata struct {
			ID      string `xml:"id"`
			Version string `xml:"version"`
			License struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"license"`
		} `xml:"metadata"`
	}
	if err := xml.NewDecoder(io.LimitReader(c.reader(), maxPackage)).Decode(&p); err != nil {
		return fmt.Errorf("nuspec: %w", err)
	}
	license := p.Metadata.License.Text
	if p.Metadata.License.Type != "expression" {
		license = "" // the name of a file
	}
	f.add(Component{
		Type: purl.TypeNuget, Name: strings.TrimSpace(p.Metadata.ID), Version: strings.TrimSpace(p.Metadata.Version), Licenses: licenses(license),
	})
	return nil
}

var (
	gemName     = expression(`(?m)^\s*\w+\.name\s*=\s*["']([^"']+)["']`)
	gemVersion  = expression(`(?m)^\s*\w+\.version\s*=\s*(?:Gem::Version\.new\()?\s*["']([^"']+)["']`)
	gemLicenses = expression(`(?m)^\s*\w+\.licenses?\s*=\s*(.*)$`)
	quoted      = expression(`["']([^"']+)["']`)
)

// readGemspec reads the specification that RubyGems writes for an installed gem.
func readGemspec(_ context.Context, c *content, f *found) error {
	b, err := c.start(maxManifest)
	if err != nil {
		return err
	}
	name, version := gemName().FindSubmatch(b), gemVersion().FindSubmatch(b)
	if name == nil || version == nil {
		return nil
	}
	var texts []string
	if m := gemLicenses().FindSubmatch(b); m != nil {
		for _, q := range quoted().FindAllSubmatch(m[1], maxLicenses) {
			texts = append(texts, string(q[1]))
		}
	}
	f.add(Component{Type: purl.TypeGem, Name: string(name[1]), Version: string(version[1]), Licenses: licenses(texts...)})
	return nil
}

// readSpack reads a concrete specification. Its first node is the package that lies there; the others have their own files.
func readSpack(_ context.Context, c *content, f *found) error {
	return members(io.LimitReader(c.reader(), maxManifest), func(name string, value json.RawMessage) bool {
		if name != "spec" {
			return true
		}
		_ = elements(strings.NewReader(string(value)), "nodes", func(raw json.RawMessage) bool {
			node := object(raw)
			f.add(Component{Type: purl.TypeSpack, Name: text(node["name"]), Version: text(node["version"])})
			return false
		})
		return false
	})
}

// readJulia reads the project file of an installed package. Its package URL needs the UUID.
func readJulia(_ context.Context, c *content, f *found) error {
	values, err := newLineReader(c.reader()).assignments("=", "name", "version", "uuid")
	if err != nil || values["version"] == "" {
		return err
	}
	u := purl.PackageURL{Type: purl.TypeJulia, Name: values["name"], Version: values["version"], Qualifiers: purl.QualifiersFromMap(map[string]string{"uuid": values["uuid"]})}
	f.add(Component{Type: u.Type, Name: u.Name, Version: u.Version, PURL: u.String()})
	return nil
}

// readConda reads what conda keeps of each package in an environment. The same version is built more than once.
func readConda(_ context.Context, c *content, f *found) error {
	values := map[string]string{}
	err := members(io.LimitReader(c.reader(), maxManifest), func(name string, value json.RawMessage) bool {
		switch name {
		case "name", "version", "build", "channel", "subdir", "license":
			values[name] = text(value)
		}
		return true
	})
	if values["version"] == "" {
		return err
	}
	channel := strings.TrimSuffix(values["channel"], "/"+values["subdir"])
	u := purl.PackageURL{
		Type: purl.TypeConda, Name: values["name"], Version: values["version"],
		Qualifiers: purl.QualifiersFromMap(map[string]string{"build": values["build"], "channel": path.Base(channel), "subdir": values["subdir"]}),
	}
	f.add(Component{Type: u.Type, Name: u.Name, Version: u.Version, Licenses: licenses(values["license"]), PURL: u.String()})
	return nil
}
