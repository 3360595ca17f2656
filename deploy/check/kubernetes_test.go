package check

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const manifests = "../kubernetes"

// cluster is what the manifests would make.
type cluster struct {
	deployments []appsv1.Deployment
	services    []corev1.Service
	configs     []corev1.ConfigMap
	secrets     []corev1.Secret
	ingresses   []networkingv1.Ingress
	policies    []networkingv1.NetworkPolicy
	budgets     []policyv1.PodDisruptionBudget
	namespaces  []corev1.Namespace
}

// take decodes one object strictly: a field that Kubernetes does not know, or
// one that is there twice, is an error.
func (c *cluster) take(t *testing.T, from string, doc []byte) {
	t.Helper()
	var is metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &is); err != nil {
		t.Fatalf("%s: %v", from, err)
	}
	decode := func(into any) {
		t.Helper()
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			t.Errorf("%s: %s: %v", from, is.Kind, err)
		}
	}
	switch is.APIVersion + "/" + is.Kind {
	case "apps/v1/Deployment":
		c.deployments = append(c.deployments, appsv1.Deployment{})
		decode(&c.deployments[len(c.deployments)-1])
	case "v1/Service":
		c.services = append(c.services, corev1.Service{})
		decode(&c.services[len(c.services)-1])
	case "v1/ConfigMap":
		c.configs = append(c.configs, corev1.ConfigMap{})
		decode(&c.configs[len(c.configs)-1])
	case "v1/Secret":
		c.secrets = append(c.secrets, corev1.Secret{})
		decode(&c.secrets[len(c.secrets)-1])
	case "v1/Namespace":
		c.namespaces = append(c.namespaces, corev1.Namespace{})
		decode(&c.namespaces[len(c.namespaces)-1])
	case "networking.k8s.io/v1/Ingress":
		c.ingresses = append(c.ingresses, networkingv1.Ingress{})
		decode(&c.ingresses[len(c.ingresses)-1])
	case "networking.k8s.io/v1/NetworkPolicy":
		c.policies = append(c.policies, networkingv1.NetworkPolicy{})
		decode(&c.policies[len(c.policies)-1])
	case "policy/v1/PodDisruptionBudget":
		c.budgets = append(c.budgets, policyv1.PodDisruptionBudget{})
		decode(&c.budgets[len(c.budgets)-1])
	default:
		t.Errorf("%s: an object of %s %q, which this check does not know", from, is.APIVersion, is.Kind)
	}
}

func (c *cluster) takeAll(t *testing.T, from string, stream []byte) {
	t.Helper()
	r := utilyaml.NewYAMLReader(newReader(stream))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		if len(bytes.TrimSpace(doc)) > 0 {
			c.take(t, from, doc)
		}
	}
}

// built is what `kubectl apply -k` would send.
func built(t *testing.T) *cluster {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), manifests)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := made.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	var c cluster
	c.takeAll(t, "kustomization", stream)
	return &c
}

func TestEveryManifestIsWhatKubernetesTakes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var c cluster
	for _, f := range files {
		if filepath.Base(f) == "kustomization.yaml" {
			continue // kustomize reads it in the other tests, as strictly
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c.takeAll(t, filepath.Base(f), src)
	}
	if len(c.secrets) != 2 {
		t.Errorf("%d shapes of secrets", len(c.secrets))
	}
	if len(built(t).secrets) != 0 {
		t.Error("kustomize would send the example's secrets")
	}
}

// TestThePodMayDoNothingItNeedNot: what Pod Security calls restricted, and a
// read-only root beside.
func TestThePodMayDoNothingItNeedNot(t *testing.T) {
	c := built(t)
	if len(c.namespaces) != 1 || c.namespaces[0].Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Error("the namespace does not ask for restricted pods")
	}
	if len(c.deployments) != 1 {
		t.Fatalf("%d deployments", len(c.deployments))
	}
	pod := c.deployments[0].Spec.Template.Spec
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Error("the pod may be root, or has no seccomp profile")
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Error("the pod gets a token, or a namespace of the machine")
	}
	for _, k := range pod.Containers {
		s := k.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
			s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" || len(s.Capabilities.Add) > 0 {
			t.Errorf("%s: more rights than it needs", k.Name)
		}
		if k.Resources.Limits.Memory().IsZero() || k.Resources.Requests.Cpu().IsZero() || k.Resources.Requests.Memory().IsZero() {
			t.Errorf("%s: no resources", k.Name)
		}
		if name, tag, ok := strings.Cut(k.Image, ":"); !ok || name == "" || tag == "latest" {
			t.Errorf("%s: the image %s names no version", k.Name, k.Image)
		}
	}
	for _, v := range pod.Volumes {
		if v.Secret == nil && v.EmptyDir == nil {
			t.Errorf("the volume %s is neither a secret nor empty: a node keeps nothing of its own", v.Name)
		}
		if v.Secret != nil && (v.Secret.DefaultMode == nil || *v.Secret.DefaultMode&0o037 != 0) {
			t.Errorf("the volume %s can be read by others", v.Name)
		}
	}
}

// TestANodeComesAndGoesUnseen: probes that tell the truth, a stop that has the
// time it needs, a rolling update that never has fewer nodes, and a drained
// machine that does not take the last one.
func TestANodeComesAndGoesUnseen(t *testing.T) {
	c := built(t)
	d := c.deployments[0].Spec
	if d.Replicas == nil || *d.Replicas < 2 {
		t.Error("fewer than two nodes")
	}
	if r := d.Strategy.RollingUpdate; r == nil || r.MaxUnavailable.IntValue() != 0 || r.MaxSurge.IntValue() < 1 {
		t.Error("an update takes a node away before another is there")
	}
	if len(d.Template.Spec.TopologySpreadConstraints) == 0 {
		t.Error("all nodes may land on one machine")
	}
	ports := map[string]int32{}
	k := d.Template.Spec.Containers[0]
	for _, p := range k.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for name, p := range map[string]struct {
		probe *corev1.Probe
		path  string
	}{"startup": {k.StartupProbe, "/healthz"}, "liveness": {k.LivenessProbe, "/healthz"}, "readiness": {k.ReadinessProbe, "/readyz"}} {
		if p.probe == nil || p.probe.HTTPGet == nil || p.probe.HTTPGet.Path != p.path || ports[p.probe.HTTPGet.Port.String()] == 0 {
			t.Errorf("the %s probe does not ask %s", name, p.path)
		}
	}
	const stop = 10 // seconds, what the service promises
	if k.Lifecycle == nil || k.Lifecycle.PreStop == nil || k.Lifecycle.PreStop.Sleep == nil {
		t.Fatal("no pause in which the ingress learns that a node goes")
	}
	if g := d.Template.Spec.TerminationGracePeriodSeconds; g == nil || *g < k.Lifecycle.PreStop.Sleep.Seconds+stop+2 {
		t.Error("the stop has less time than it may take")
	}
	if len(c.budgets) != 1 || c.budgets[0].Spec.MinAvailable.IntValue() < 1 {
		t.Error("no disruption budget")
	}
}

// TestTheManifestsFitEachOther: what selects finds, and what is referred to is
// there.
func TestTheManifestsFitEachOther(t *testing.T) {
	c := built(t)
	d := c.deployments[0]
	labels := d.Spec.Template.Labels
	fits := func(what string, selector map[string]string) {
		t.Helper()
		for k, v := range selector {
			if labels[k] != v {
				t.Errorf("%s selects %s=%s, which the pods do not have", what, k, v)
			}
		}
		if len(selector) == 0 {
			t.Errorf("%s selects everything", what)
		}
	}
	fits("the deployment", d.Spec.Selector.MatchLabels)
	fits("the disruption budget", c.budgets[0].Spec.Selector.MatchLabels)
	fits("the network policy", c.policies[0].Spec.PodSelector.MatchLabels)
	fits("the service", c.services[0].Spec.Selector)
	if len(c.policies[0].Spec.PolicyTypes) != 2 {
		t.Error("the network policy holds in one direction only")
	}
	names := map[string]bool{}
	for _, p := range d.Spec.Template.Spec.Containers[0].Ports {
		names[p.Name] = true
	}
	for _, p := range c.services[0].Spec.Ports {
		if !names[p.TargetPort.StrVal] {
			t.Errorf("the service goes to the port %s, which the pods do not have", p.TargetPort.String())
		}
	}
	for _, p := range c.ingresses[0].Spec.Rules[0].HTTP.Paths {
		if p.Backend.Service.Name != c.services[0].Name || p.Backend.Service.Port.Name != c.services[0].Spec.Ports[0].Name {
			t.Error("the ingress goes to a service that is not there")
		}
	}
	for _, e := range d.Spec.Template.Spec.Containers[0].EnvFrom {
		if e.ConfigMapRef != nil && e.ConfigMapRef.Name != c.configs[0].Name {
			t.Errorf("the settings %s are not there", e.ConfigMapRef.Name)
		}
	}
	if c.configs[0].Data["HALSOCOACH_PUBLIC_URL"] != "https://"+c.ingresses[0].Spec.TLS[0].Hosts[0] {
		t.Error("the public address is another than the ingress's")
	}
}
