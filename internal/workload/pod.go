package workload

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
)

func convert(m *manifest, spec *specification, pod *corev1.PodTemplateSpec) policy.Workload {
	p := &pod.Spec
	w := policy.Workload{
		APIVersion: m.APIVersion, Kind: m.Kind, Name: cmp.Or(m.Name, m.GenerateName), Namespace: m.Namespace,
		Labels: m.Labels, Annotations: m.Annotations, PodLabels: pod.Labels, PodAnnotations: pod.Annotations,
		Replicas:       deref(spec.Replicas, 1),
		ServiceAccount: cmp.Or(p.ServiceAccountName, p.DeprecatedServiceAccount, "default"),
		AutomountToken: deref(p.AutomountServiceAccountToken, true),
		HostNetwork:    p.HostNetwork, HostPID: p.HostPID, HostIPC: p.HostIPC, ShareProcesses: deref(p.ShareProcessNamespace, false),
		RuntimeClass: deref(p.RuntimeClassName, ""),
	}
	for _, s := range p.ImagePullSecrets {
		w.PullSecrets = append(w.PullSecrets, s.Name)
	}
	for _, v := range p.Volumes {
		w.Volumes = append(w.Volumes, volume(v))
	}
	for _, claim := range spec.VolumeClaimTemplates {
		w.Volumes = append(w.Volumes, policy.Volume{Name: claim.Metadata.Name, Type: "persistentVolumeClaim"})
	}
	for _, c := range p.InitContainers {
		w.Containers = append(w.Containers, container(pod, &c, policy.InitContainer))
	}
	for _, c := range p.Containers {
		w.Containers = append(w.Containers, container(pod, &c, policy.MainContainer))
	}
	for _, e := range p.EphemeralContainers {
		c := corev1.Container(e.EphemeralContainerCommon)
		w.Containers = append(w.Containers, container(pod, &c, policy.EphemeralContainer))
	}
	return w
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// volume names the one source that a volume has, which its JSON has as a key.
func volume(v corev1.Volume) policy.Volume {
	converted := policy.Volume{Name: v.Name, Type: "emptyDir"}
	switch {
	case v.HostPath != nil:
		converted.Source = v.HostPath.Path
	case v.Secret != nil:
		converted.Source = v.Secret.SecretName
	case v.ConfigMap != nil:
		converted.Source = v.ConfigMap.Name
	case v.PersistentVolumeClaim != nil:
		converted.Source = v.PersistentVolumeClaim.ClaimName
	case v.NFS != nil:
		converted.Source = v.NFS.Server + ":" + v.NFS.Path
	case v.CSI != nil:
		converted.Source = v.CSI.Driver
	case v.Image != nil:
		converted.Source = v.Image.Reference
	}
	document, err := json.Marshal(v.VolumeSource)
	var sources map[string]json.RawMessage
	if err == nil && json.Unmarshal(document, &sources) == nil {
		for _, name := range slices.Sorted(maps.Keys(sources)) {
			converted.Type = name
		}
	}
	return converted
}

// container folds in what the pod says of all its containers, as the kubelet does.
func container(pod *corev1.PodTemplateSpec, c *corev1.Container, kind string) policy.Container {
	own, shared := deref(c.SecurityContext, corev1.SecurityContext{}), deref(pod.Spec.SecurityContext, corev1.PodSecurityContext{})
	folded := policy.Container{
		Name: c.Name, Kind: kind, Image: c.Image, Command: c.Command, Arguments: c.Args, PullPolicy: pullPolicy(c),
		Privileged: deref(own.Privileged, false), AllowEscalation: deref(own.AllowPrivilegeEscalation, true),
		ReadOnlyRoot: deref(own.ReadOnlyRootFilesystem, false),
		NonRoot:      deref(cmp.Or(own.RunAsNonRoot, shared.RunAsNonRoot), false),
		User:         deref(cmp.Or(own.RunAsUser, shared.RunAsUser), -1),
		Group:        deref(cmp.Or(own.RunAsGroup, shared.RunAsGroup), -1),
		Seccomp:      string(deref(cmp.Or(own.SeccompProfile, shared.SeccompProfile), corev1.SeccompProfile{}).Type),
		AppArmor:     appArmor(pod, c.Name, cmp.Or(own.AppArmorProfile, shared.AppArmorProfile)),
		ProcMount:    string(deref(own.ProcMount, corev1.DefaultProcMount)),

		HasLivenessProbe: c.LivenessProbe != nil, HasReadinessProbe: c.ReadinessProbe != nil,
	}
	capabilities := deref(own.Capabilities, corev1.Capabilities{})
	folded.AddedCapabilities, folded.DroppedCapabilities = names(capabilities.Add), names(capabilities.Drop)
	folded.Environment = environment(c)
	for _, p := range c.Ports {
		port := policy.Port{Name: p.Name, Container: int64(p.ContainerPort), Host: int64(p.HostPort), Protocol: cmp.Or(string(p.Protocol), "TCP")}
		if pod.Spec.HostNetwork && port.Host == 0 {
			port.Host = port.Container
		}
		folded.Ports = append(folded.Ports, port)
	}
	for _, m := range c.VolumeMounts {
		folded.Mounts = append(folded.Mounts, policy.Mount{
			Volume: m.Name, Path: m.MountPath, ReadOnly: m.ReadOnly, Propagation: string(deref(m.MountPropagation, corev1.MountPropagationNone)),
		})
	}
	whole := deref(pod.Spec.Resources, corev1.ResourceRequirements{})
	limit := func(name corev1.ResourceName) *resource.Quantity {
		return first(name, c.Resources.Limits, whole.Limits)
	}
	request := func(name corev1.ResourceName) *resource.Quantity {
		return first(name, c.Resources.Requests, c.Resources.Limits, whole.Requests)
	}
	folded.CPULimit, folded.CPURequest = limit(corev1.ResourceCPU).AsApproximateFloat64(), request(corev1.ResourceCPU).AsApproximateFloat64()
	folded.MemoryLimit, folded.MemoryRequest = limit(corev1.ResourceMemory).Value(), request(corev1.ResourceMemory).Value()
	return folded
}

// first is the quantity of the first list that has one.
func first(name corev1.ResourceName, lists ...corev1.ResourceList) *resource.Quantity {
	for _, list := range lists {
		if q, ok := list[name]; ok {
			return &q
		}
	}
	return &resource.Quantity{}
}

func pullPolicy(c *corev1.Container) string {
	if c.ImagePullPolicy != "" {
		return string(c.ImagePullPolicy)
	}
	if ref, err := image.ParseReference(c.Image); err == nil && ref.Tag == "latest" {
		return string(corev1.PullAlways)
	}
	return string(corev1.PullIfNotPresent)
}

// names drops the prefix that Kubernetes does not want, but that some write.
func names(capabilities []corev1.Capability) []string {
	var list []string
	for _, c := range capabilities {
		list = append(list, strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_"))
	}
	return list
}

// appArmor is what the profile says, or the annotation that came before there was one.
func appArmor(pod *corev1.PodTemplateSpec, container string, profile *corev1.AppArmorProfile) string {
	if profile != nil {
		return string(profile.Type)
	}
	switch value := pod.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+container]; {
	case value == corev1.DeprecatedAppArmorBetaProfileRuntimeDefault:
		return string(corev1.AppArmorProfileTypeRuntimeDefault)
	case value == corev1.DeprecatedAppArmorBetaProfileNameUnconfined:
		return string(corev1.AppArmorProfileTypeUnconfined)
	case strings.HasPrefix(value, corev1.DeprecatedAppArmorBetaProfileNamePrefix):
		return string(corev1.AppArmorProfileTypeLocalhost)
	}
	return ""
}

func environment(c *corev1.Container) []policy.Variable {
	var list []policy.Variable
	for _, from := range c.EnvFrom {
		v := policy.Variable{Name: from.Prefix + "*", Source: "configMap"}
		if from.SecretRef != nil {
			v.Source = "secret"
		}
		list = append(list, v)
	}
	for _, e := range c.Env {
		v := policy.Variable{Name: e.Name, Value: e.Value}
		switch from := deref(e.ValueFrom, corev1.EnvVarSource{}); {
		case from.SecretKeyRef != nil:
			v.Source = "secret"
		case from.ConfigMapKeyRef != nil:
			v.Source = "configMap"
		case from.FieldRef != nil:
			v.Source = "field"
		case from.ResourceFieldRef != nil:
			v.Source = "resource"
		case from.FileKeyRef != nil:
			v.Source = "file"
		}
		list = append(list, v)
	}
	return list
}
