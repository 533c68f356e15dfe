package policy

// A Workload runs containers: a Deployment, a CronJob, a Pod, ... What its manifest leaves out has the value that Kubernetes
// would give it.
type Workload struct {
	APIVersion     string            `cel:"apiVersion" json:"apiVersion"` // "apps/v1"
	Kind           string            `cel:"kind" json:"kind"`             // "Deployment"
	Name           string            `cel:"name" json:"name"`
	Namespace      string            `cel:"namespace" json:"namespace"`
	Labels         map[string]string `cel:"labels" json:"labels,omitempty"`
	Annotations    map[string]string `cel:"annotations" json:"annotations,omitempty"`
	PodLabels      map[string]string `cel:"podLabels" json:"podLabels,omitempty"`
	PodAnnotations map[string]string `cel:"podAnnotations" json:"podAnnotations,omitempty"`

	Replicas       int64  `cel:"replicas" json:"replicas"` // 1 for kinds that have none
	ServiceAccount string `cel:"serviceAccount" json:"serviceAccount"`
	AutomountToken bool   `cel:"automountToken" json:"automountToken"` // the service account's token is mounted
	HostNetwork    bool   `cel:"hostNetwork" json:"hostNetwork,omitempty"`
	HostPID        bool   `cel:"hostPID" json:"hostPID,omitempty"`
	HostIPC        bool   `cel:"hostIPC" json:"hostIPC,omitempty"`
	ShareProcesses bool   `cel:"shareProcesses" json:"shareProcesses,omitempty"` // containers see each other's processes
	RuntimeClass   string `cel:"runtimeClass" json:"runtimeClass,omitempty"`

	PullSecrets []string    `cel:"pullSecrets" json:"pullSecrets,omitempty"`
	Volumes     []Volume    `cel:"volumes" json:"volumes,omitempty"`
	Containers  []Container `cel:"containers" json:"containers"` // init containers first, then containers, then ephemeral ones
}

// A Container of a workload. Settings of the pod that apply to it are its own here.
type Container struct {
	Name      string   `cel:"name" json:"name"`
	Kind      string   `cel:"kind" json:"kind"`   // one of the container kinds
	Image     string   `cel:"image" json:"image"` // as the manifest names it
	Command   []string `cel:"command" json:"command,omitempty"`
	Arguments []string `cel:"arguments" json:"arguments,omitempty"`

	PullPolicy  string     `cel:"pullPolicy" json:"pullPolicy"` // "Always", "IfNotPresent", "Never"
	Environment []Variable `cel:"environment" json:"environment,omitempty"`
	Ports       []Port     `cel:"ports" json:"ports,omitempty"`
	Mounts      []Mount    `cel:"mounts" json:"mounts,omitempty"`

	Privileged          bool     `cel:"privileged" json:"privileged,omitempty"`
	AllowEscalation     bool     `cel:"allowEscalation" json:"allowEscalation"` // of privileges
	ReadOnlyRoot        bool     `cel:"readOnlyRoot" json:"readOnlyRoot,omitempty"`
	NonRoot             bool     `cel:"nonRoot" json:"nonRoot,omitempty"` // the kubelet refuses to run it as root
	User                int64    `cel:"user" json:"user"`                 // -1: the image's
	Group               int64    `cel:"group" json:"group"`               // -1: the image's
	AddedCapabilities   []string `cel:"addedCapabilities" json:"addedCapabilities,omitempty"`
	DroppedCapabilities []string `cel:"droppedCapabilities" json:"droppedCapabilities,omitempty"`
	Seccomp             string   `cel:"seccomp" json:"seccomp,omitempty"`   // "RuntimeDefault", "Localhost", "Unconfined", "" when not said
	AppArmor            string   `cel:"appArmor" json:"appArmor,omitempty"` // likewise
	ProcMount           string   `cel:"procMount" json:"procMount"`         // "Default", "Unmasked"

	CPURequest    float64 `cel:"cpuRequest" json:"cpuRequest,omitempty"`       // cores; 0: none
	CPULimit      float64 `cel:"cpuLimit" json:"cpuLimit,omitempty"`           // likewise
	MemoryRequest int64   `cel:"memoryRequest" json:"memoryRequest,omitempty"` // bytes; 0: none
	MemoryLimit   int64   `cel:"memoryLimit" json:"memoryLimit,omitempty"`     // likewise

	HasLivenessProbe  bool `cel:"hasLivenessProbe" json:"hasLivenessProbe,omitempty"`
	HasReadinessProbe bool `cel:"hasReadinessProbe" json:"hasReadinessProbe,omitempty"`
}

// The kinds of containers.
const (
	InitContainer      = "init"
	MainContainer      = "container"
	EphemeralContainer = "ephemeral"
)

// A Variable of a container's environment.
type Variable struct {
	Name   string `cel:"name" json:"name"`               // ends in "*" where all of a secret or config map become variables
	Value  string `cel:"value" json:"value,omitempty"`   // "" when it comes from elsewhere
	Source string `cel:"source" json:"source,omitempty"` // "secret", "configMap", "field", "resource", "file"; "" when the manifest has the value
}

type Port struct {
	Name      string `cel:"name" json:"name,omitempty"`
	Container int64  `cel:"container" json:"container"`
	Host      int64  `cel:"host" json:"host,omitempty"` // 0: none
	Protocol  string `cel:"protocol" json:"protocol"`   // "TCP", "UDP", "SCTP"
}

type Mount struct {
	Volume      string `cel:"volume" json:"volume"` // its name in the workload
	Path        string `cel:"path" json:"path"`
	ReadOnly    bool   `cel:"readOnly" json:"readOnly,omitempty"`
	Propagation string `cel:"propagation" json:"propagation"` // "None", "HostToContainer", "Bidirectional"
}

type Volume struct {
	Name   string `cel:"name" json:"name"`
	Type   string `cel:"type" json:"type"`               // the key of the pod's volume: "hostPath", "secret", "emptyDir", ...
	Source string `cel:"source" json:"source,omitempty"` // what is mounted: the path of a hostPath, the name of a secret, ...
}

// Cluster is where a workload runs, or is meant to.
type Cluster struct {
	Name   string            `cel:"name" json:"name"` // "" when it is not known
	Labels map[string]string `cel:"labels" json:"labels,omitempty"`
}
