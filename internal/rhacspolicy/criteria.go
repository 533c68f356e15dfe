package rhacspolicy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A place is the kind of thing that a criterion is about. The criteria of one section that are about the same kind must hold of
// the same thing: of one vulnerability, one volume, one container.
type place int

const (
	workload place = iota
	container
	image
	layer
	component
	vulnerability
	variable
	mount  // and, of the same
	volume // what is mounted
	port
)

// A criterion is how a field of RHACS's policies is said in CEL.
type criterion struct {
	place place
	// value translates one value. item is the name of the thing in the condition.
	value func(item, value string) (string, error)
	// unless denies what the values say, whatever the group says: what must be there is not.
	unless bool
	// any joins the values by "or", whatever the group says.
	any bool
	// also must hold beside any value.
	also string
	// says is a CEL text for the message; yes and no are such texts of criteria whose value is true or false.
	says, yes, no string
	// entries are what a message calls the entries of a table that a group's values are compared with.
	entries string
	// note says where the answer may differ from RHACS's.
	note string
}

var criteria = map[string]criterion{
	"Add Capabilities": {place: container, value: capability("addedCapabilities"),
		says: `"adds the capabilities " + container.addedCapabilities.join(", ")`},
	"Allow Privilege Escalation": {place: container, value: boolean("container.allowEscalation"),
		yes: "may raise its privileges", no: "may not raise its privileges"},
	"AppArmor Profile": {place: container, value: appArmor, says: `"AppArmor profile " + container.appArmor`},
	"Automount Service Account Token": {place: workload, value: boolean("workload.automountToken"),
		yes: "the service account's token is mounted", no: "the service account's token is not mounted"},
	"CVE":                      {place: vulnerability, value: cve},
	"CVSS":                     {place: vulnerability, value: number("vulnerability.score")},
	"Container CPU Limit":      {place: container, value: number("container.cpuLimit"), says: `"CPU limit " + string(container.cpuLimit)`},
	"Container CPU Request":    {place: container, value: number("container.cpuRequest"), says: `"CPU request " + string(container.cpuRequest)`},
	"Container Memory Limit":   {place: container, value: megabytes("container.memoryLimit"), says: `"memory limit " + string(container.memoryLimit)`},
	"Container Memory Request": {place: container, value: megabytes("container.memoryRequest"), says: `"memory request " + string(container.memoryRequest)`},
	"Container Name":           {place: container, value: pattern("container.name"), says: `"has such a name"`},
	"Days Since CVE Was Published": {place: vulnerability, value: daysSince("vulnerability.published"),
		note: "counts from the advisory's publication"},
	"Disallowed Annotation":  {place: workload, value: entry("workload.annotations"), entries: "has an annotation"},
	"Disallowed Image Label": {place: image, value: entry("image.labels"), entries: "has a label"},
	"Dockerfile Line":        {place: layer, value: dockerfileLine},
	"Drop Capabilities":      {place: container, value: capability("droppedCapabilities"), unless: true, also: dropsNotAll, says: `"drops the capabilities [" + container.droppedCapabilities.join(", ") + "]"`},
	"Environment Variable":   {place: variable, value: environmentVariable},
	"Exposed Node Port": {place: port, value: whole("port.host"), also: "port.host > 0",
		note: "compares with ports of the host; node ports of Services are not known"},
	"Exposed Port": {place: port, value: whole("port.container")},
	"Exposed Port Protocol": {place: port, value: func(_, v string) (string, error) {
		return fmt.Sprintf("port.protocol.upperAscii().startsWith(%s)", quote(strings.ToUpper(v))), nil
	}},
	"Fixable": {place: vulnerability, value: boolean(`(vulnerability.fixedVersion != "")`)},
	"Fixed By": {place: vulnerability, value: func(item, v string) (string, error) {
		if v == ".*" || v == ".+" { // RHACS reads the first as the second
			return `vulnerability.fixedVersion != ""`, nil
		}
		return pattern("vulnerability.fixedVersion")(item, v)
	}},
	"Host IPC":     {place: workload, value: boolean("workload.hostIPC"), yes: "uses the host's IPC namespace", no: "has its own IPC namespace"},
	"Host Network": {place: workload, value: boolean("workload.hostNetwork"), yes: "uses the host's network", no: "has its own network"},
	"Host PID":     {place: workload, value: boolean("workload.hostPID"), yes: "uses the host's process namespace", no: "has its own process namespace"},
	"Image Age": {place: image, value: daysSince("image.created"),
		says: `"created " + (has(image.created) ? string(image.created) : "at a time that is not known")`},
	"Image Component": {place: component, value: nameAndVersion, note: "components have the names that Landwaiter's scanner gives them"},
	"Image OS":        {place: image, value: distribution, says: `"distribution " + image.distribution`, note: "compares with ID and version of os-release"},
	"Image Registry":  {place: image, value: pattern("image.registry"), says: `"registry " + image.registry`},
	"Image Remote":    {place: image, value: pattern("image.repository"), says: `"repository " + image.repository`},
	"Image Scan Age": {place: image, value: scanAge, says: `"the advisory data is old"`,
		note: "counts the age of the advisory data, since images are read and matched again whenever they are judged"},
	"Image Tag":                 {place: image, value: pattern("image.tag"), says: `"tag " + image.tag`},
	"Image User":                {place: image, value: pattern("image.user"), says: `"user " + image.user`, note: "an image that names no user counts as root's"},
	"Liveness Probe Defined":    {place: container, value: boolean("container.hasLivenessProbe"), yes: "has a liveness probe", no: "has no liveness probe"},
	"Mount Propagation":         {place: mount, value: word("mount.propagation", propagations)},
	"NVD CVSS":                  {place: vulnerability, value: number("vulnerability.score"), note: "compares with the CVSS base score that the advisory gives, whoever gave it"},
	"Namespace":                 {place: workload, value: pattern("workload.namespace"), says: `"namespace " + workload.namespace`},
	"Port Exposure Method":      {place: port, value: exposure},
	"Privileged Container":      {place: container, value: boolean("container.privileged"), yes: "is privileged", no: "is not privileged"},
	"Read-Only Root Filesystem": {place: container, value: boolean("container.readOnlyRoot"), yes: "cannot write its root file system", no: "can write its root file system"},
	"Readiness Probe Defined":   {place: container, value: boolean("container.hasReadinessProbe"), yes: "has a readiness probe", no: "has no readiness probe"},
	"Replicas":                  {place: workload, value: whole("workload.replicas"), says: `string(workload.replicas) + " replicas"`, note: "kinds without replicas count as having one"},
	"Required Annotation":       {place: workload, value: entry("workload.annotations"), unless: true, any: true, entries: "lacks an annotation"},
	"Required Image Label":      {place: image, value: entry("image.labels"), unless: true, any: true, entries: "lacks a label"},
	"Required Label":            {place: workload, value: entry("workload.labels"), unless: true, any: true, entries: "lacks a label"},
	"Runtime Class":             {place: workload, value: pattern("workload.runtimeClass"), says: `"runtime class " + workload.runtimeClass`},
	"Seccomp Profile Type":      {place: container, value: word("container.seccomp", seccompTypes), also: `container.seccomp != ""`, says: `"seccomp profile " + container.seccomp`},
	"Service Account":           {place: workload, value: pattern("workload.serviceAccount"), says: `"service account " + workload.serviceAccount`},
	"Severity":                  {place: vulnerability, value: severity},
	"Unscanned Image":           {place: image, value: boolean("!scan.scanned"), yes: "was not scanned", no: "was scanned"},
	"Volume Destination":        {place: mount, value: pattern("mount.path")},
	"Volume Name":               {place: mount, value: pattern("mount.volume")},
	"Volume Source":             {place: volume, value: pattern("volume.source")},
	"Volume Type":               {place: volume, value: pattern("volume.type")},
	"Writable Host Mount":       {place: volume, value: boolean("!mount.readOnly"), also: `volume.type == "hostPath"`},
	"Writable Mounted Volume":   {place: mount, value: boolean("!mount.readOnly")},
}

// untranslatable are the criteria that nothing here can answer, with the reason.
var untranslatable = map[string]string{
	"Days Since CVE Fix Was Available":              "advisories do not say since when there is a fix",
	"Days Since CVE Was First Discovered In Image":  "it is not kept when a vulnerability was first found in an image",
	"Days Since CVE Was First Discovered In System": "it is not kept when a vulnerability was first found",
	"Has Egress Network Policy":                     noCluster,
	"Has Ingress Network Policy":                    noCluster,
	"Image Signature Verified By":                   "signatures are not verified for policies",
	"Minimum RBAC Permissions":                      noCluster,

	"File Operation": running, "File Path": running, "Process Ancestor": running, "Process Arguments": running, "Process Name": running,
	"Process UID": running, "Unexpected Network Flow Detected": running, "Unexpected Process Executed": running,

	"Is Impersonated User": audited, "Kubernetes API Verb": audited, "Kubernetes Resource": audited, "Kubernetes Resource Name": audited,
	"Kubernetes User Groups": audited, "Kubernetes User Name": audited, "Source IP Address": audited, "User Agent": audited,
}

const (
	noCluster = "it takes other objects of the cluster, and only the workload is looked at"
	running   = "it is about what runs already, and policies are asked before that"
	audited   = "it is about requests to the cluster, which are not watched"
)

func boolean(expression string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		switch strings.ToLower(value) {
		case "true":
			return strings.TrimPrefix(expression, "!!"), nil
		case "false":
			return strings.TrimPrefix("!"+expression, "!!"), nil
		}
		return "", fmt.Errorf("%q is neither true nor false", value)
	}
}

// matches says that the whole text fits a regular expression, in whatever case, as RHACS compares.
func matches(expression, value string) (string, error) {
	value = strings.TrimPrefix(value, "r/")
	if value == "" || value == ".*" {
		return "true", nil
	}
	if len(value) > maxValue {
		return "", fmt.Errorf("it has more than %d bytes", maxValue)
	}
	whole := "^(?i:" + value + ")$"
	if _, err := regexp.Compile(whole); err != nil {
		return "", fmt.Errorf("%q is no regular expression", value)
	}
	return fmt.Sprintf("%s.matches(%s)", expression, quote(whole)), nil
}

func pattern(expression string) func(string, string) (string, error) {
	return func(_, value string) (string, error) { return matches(expression, value) }
}

// pair says that two texts fit the two parts of a value. What a part leaves out fits everything.
func pair(first, second, value string) (string, error) {
	left, right, _ := strings.Cut(value, "=")
	a, err := matches(first, left)
	b, err2 := matches(second, right)
	return both(a, b), errors.Join(err, err2)
}

// both joins conditions that must all hold.
func both(conditions ...string) string {
	conditions = slices.DeleteFunc(slices.Clone(conditions), func(c string) bool { return c == "true" || c == "" })
	if len(conditions) == 0 {
		return "true"
	}
	for i := range conditions {
		conditions[i] = enclose(conditions[i], " || ")
	}
	return strings.Join(conditions, " && ")
}

func nameAndVersion(item, value string) (string, error) {
	return pair(item+".name", item+".version", value)
}

func entry(table string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		of, err := pair("key", table+"[key]", value)
		return fmt.Sprintf("%s.exists(key, %s)", table, of), err
	}
}

func dockerfileLine(_, value string) (string, error) {
	keyword, line, ok := strings.Cut(value, "=")
	if !ok {
		return "", fmt.Errorf("%q is not of the form KEYWORD=regular expression", value)
	}
	of, err := matches("layer.value", line)
	if strings.Contains(line, "/bin/sh") { // which our lines leave out, and RHACS's of classic builds do not
		with, _ := matches(`("/bin/sh -c " + layer.value)`, line)
		of = of + " || " + with
	}
	if keyword == "" {
		return of, err
	}
	return both("layer.keyword == "+quote(strings.ToUpper(keyword)), of), err
}

var sources = map[string]string{"RAW": "", "SECRET_KEY": "secret", "CONFIG_MAP_KEY": "configMap", "FIELD": "field", "RESOURCE_FIELD": "resource"}

func environmentVariable(_, value string) (string, error) {
	parts := strings.SplitN(value, "=", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("%q is not of the form SOURCE=name=value", value)
	}
	of, err := pair("variable.name", "variable.value", parts[1]+"="+parts[2])
	if parts[0] == "" {
		return of, err
	}
	source, ok := sources[strings.ToUpper(parts[0])]
	if !ok {
		return "", fmt.Errorf("there is no variable whose source is %s", parts[0])
	}
	return both("variable.source == "+quote(source), of), err
}

var comparison = regexp.MustCompile(`^(<=|>=|<|>)?\s*(\S+)$`)

func compare(value string) (operator string, number float64, err error) {
	m := comparison.FindStringSubmatch(strings.TrimSpace(value))
	if m == nil {
		return "", 0, fmt.Errorf("%q is not a number, nor a comparison with one", value)
	}
	if number, err = strconv.ParseFloat(m[2], 64); err != nil || number != number || number > 1e15 || number < -1e15 {
		return "", 0, fmt.Errorf("%q is not a number, nor a comparison with one", value)
	}
	if operator = m[1]; operator == "" {
		operator = "=="
	}
	return operator, number, nil
}

func number(expression string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		operator, n, err := compare(value)
		text := strconv.FormatFloat(n, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return fmt.Sprintf("%s %s %s", expression, operator, text), err
	}
}

func whole(expression string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		operator, n, err := compare(value)
		if err == nil && n != float64(int64(n)) {
			err = fmt.Errorf("%q is not a whole number", value)
		}
		return fmt.Sprintf("%s %s %d", expression, operator, int64(n)), err
	}
}

func megabytes(expression string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		operator, n, err := compare(value)
		return fmt.Sprintf("%s %s %d", expression, operator, int64(n*(1<<20))), err
	}
}

func daysSince(expression string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 || n > 100_000 {
			return "", fmt.Errorf("%q is not a number of days", value)
		}
		return fmt.Sprintf("has(%s) && now - %s > days(%d)", expression, expression, n), nil
	}
}

func scanAge(item, value string) (string, error) {
	of, err := daysSince("scan.advisoryAge")(item, value)
	return strings.Replace(of, "now - ", "", 1), err // which is an age already
}

func cve(_, value string) (string, error) {
	of, err := matches("vulnerability.cve", value)
	if of == "true" {
		return of, err
	}
	id, _ := matches("vulnerability.id", value)
	alias, _ := matches("alias", value)
	return fmt.Sprintf("%s || %s || vulnerability.aliases.exists(alias, %s)", of, id, alias), err
}

// severities are RHACS's words, least first, with ours.
var severities = []struct {
	theirs string
	ours   []string
}{
	{"UNKNOWN", []string{"unknown"}}, {"LOW", []string{"negligible", "low"}}, {"MODERATE", []string{"moderate"}},
	{"IMPORTANT", []string{"important"}}, {"CRITICAL", []string{"critical"}},
}

func severity(_, value string) (string, error) {
	operator, name := "", strings.ToUpper(strings.TrimSpace(value))
	for _, o := range []string{"<=", ">=", "<", ">"} {
		if rest, ok := strings.CutPrefix(name, o); ok {
			operator, name = o, strings.TrimSpace(rest)
			break
		}
	}
	name = strings.TrimSuffix(name, "_VULNERABILITY_SEVERITY")
	at := -1
	for i, s := range severities {
		if s.theirs == name {
			at = i
		}
	}
	if at < 0 {
		return "", fmt.Errorf("there is no severity %q", value)
	}
	var words []string
	for i, s := range severities {
		if operator == "" && i == at || strings.HasPrefix(operator, "<") && i < at || strings.HasPrefix(operator, ">") && i > at ||
			strings.HasSuffix(operator, "=") && i == at {
			for _, w := range s.ours {
				words = append(words, quote(w))
			}
		}
	}
	return fmt.Sprintf("vulnerability.severity in [%s]", strings.Join(words, ", ")), nil
}

const dropsNotAll = `!("ALL" in container.droppedCapabilities)`

// capability says that a list holds a capability. Workloads have the names without the prefix of the kernel's.
func capability(list string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		name := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(value)), "CAP_")
		return fmt.Sprintf("%s in container.%s", quote(name), list), nil
	}
}

var (
	propagations = map[string]string{"NONE": "None", "HOSTTOCONTAINER": "HostToContainer", "HOST_TO_CONTAINER": "HostToContainer", "BIDIRECTIONAL": "Bidirectional"}
	seccompTypes = map[string]string{"UNCONFINED": "Unconfined", "RUNTIME_DEFAULT": "RuntimeDefault", "LOCALHOST": "Localhost"}
)

func word(expression string, words map[string]string) func(string, string) (string, error) {
	return func(_, value string) (string, error) {
		ours, ok := words[strings.ToUpper(strings.TrimSpace(value))]
		if !ok {
			return "", fmt.Errorf("%q is not a value that is known", value)
		}
		return fmt.Sprintf("%s == %s", expression, quote(ours)), nil
	}
}

// appArmor compares with the names that RHACS has for profiles. Which local profile is meant is not known here.
func appArmor(_, value string) (string, error) {
	if _, err := matches("", value); err != nil {
		return "", err
	}
	if strings.Contains(strings.ToLower(value), "localhost") {
		return "", errors.New("it is not known which local profile a container has")
	}
	var words []string
	for theirs, ours := range map[string]string{"": "", "unconfined": "Unconfined", "runtime/default": "RuntimeDefault", "localhost/": "Localhost"} {
		if regexp.MustCompile("^(?i:" + strings.TrimPrefix(value, "r/") + ")$").MatchString(theirs) {
			words = append(words, quote(ours))
		}
	}
	slices.Sort(words)
	return fmt.Sprintf("container.appArmor in [%s]", strings.Join(words, ", ")), nil
}

// distribution lets a version be longer than the value says: RHACS knows rhel:9 where os-release says 9.4.
func distribution(_, value string) (string, error) {
	if _, err := matches("", value); err != nil {
		return "", err
	}
	return matches("image.distribution", "(?:"+strings.TrimPrefix(value, "r/")+`)(?:[.].*)?`)
}

// nodePorts says whether a comparison with ports can hold of a Service's node port, by the range that these have unless a
// cluster is set up otherwise. RHACS compares those, too; only ports of the host are known here.
func nodePorts(g group) bool {
	const first, last = 30000, 32767
	for port := float64(first); port <= last; port++ {
		hold := g.and()
		for _, v := range g.Values {
			operator, n, err := compare(v.Value)
			holds := err == nil && (operator == "==" && port == n || strings.HasPrefix(operator, "<") && port < n ||
				strings.HasPrefix(operator, ">") && port > n || (operator == "<=" || operator == ">=") && port == n)
			if g.and() {
				hold = hold && holds
			} else {
				hold = hold || holds
			}
		}
		if hold != g.Negate {
			return true
		}
	}
	return false
}

func exposure(_, value string) (string, error) {
	switch strings.ToUpper(value) {
	case "HOST":
		return "port.host > 0", nil
	case "UNSET", "EXTERNAL", "NODE", "INTERNAL", "ROUTE":
		return "", fmt.Errorf("whether a port is exposed as %s takes Services, Routes and Ingresses, and only the workload is looked at", strings.ToUpper(value))
	}
	return "", fmt.Errorf("there is no exposure %q", value)
}

// quote writes a CEL string, raw where that is easier to read.
func quote(text string) string {
	if strings.Contains(text, `\`) && !strings.ContainsAny(text, "\"\n\r\x00") {
		return `r"` + text + `"`
	}
	return strconv.Quote(text)
}
