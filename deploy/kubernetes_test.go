package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// objects builds a kustomization and decodes all objects as Kubernetes does: an unknown field is an error.
func objects(t *testing.T, dir string) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apps.AddToScheme, core.AddToScheme, policy.AddToScheme, network.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []runtime.Object
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		all = append(all, object)
	}
	return all
}

// find is the one object with this type and name.
func find[T interface {
	runtime.Object
	GetName() string
}](t *testing.T, all []runtime.Object, name string) T {
	t.Helper()
	for _, object := range all {
		if o, ok := object.(T); ok && (name == "" || o.GetName() == name) {
			return o
		}
	}
	t.Fatalf("no such object: %s", name)
	panic("not reached")
}

func TestTheBaseIsThreeNodesThatFindEachOther(t *testing.T) {
	all := objects(t, "kubernetes/base")
	set := find[*apps.StatefulSet](t, all, "quota-db")
	headless := find[*core.Service](t, all, set.Spec.ServiceName)
	if headless.Spec.ClusterIP != "None" || !headless.Spec.PublishNotReadyAddresses {
		t.Errorf("service %+v", headless.Spec)
	}
	if *set.Spec.Replicas != 3 || set.Spec.Ordinals.Start != 1 {
		t.Errorf("%d replicas from %d on: a node id is at least 1", *set.Spec.Replicas, set.Spec.Ordinals.Start)
	}
	pod := set.Spec.Template.Spec
	node := pod.Containers[0]
	if want := []string{"--peers", set.Spec.ServiceName + ":6381"}; !slices.Equal(node.Args, want) {
		t.Errorf("arguments %q, want %q", node.Args, want)
	}
	for name, probe := range map[string]*core.Probe{"startup": node.StartupProbe, "readiness": node.ReadinessProbe, "liveness": node.LivenessProbe} {
		if probe == nil || !slices.Equal(probe.Exec.Command[:2], []string{"/quota-db", "ping"}) {
			t.Errorf("%s probe: %+v", name, probe)
		}
	}
	labels := set.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"set": set.Spec.Selector.MatchLabels, "clients": find[*core.Service](t, all, "quota-db").Spec.Selector, "peers": headless.Spec.Selector,
		"budget":   find[*policy.PodDisruptionBudget](t, all, "").Spec.Selector.MatchLabels,
		"network":  find[*network.NetworkPolicy](t, all, "").Spec.PodSelector.MatchLabels,
		"affinity": pod.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm.LabelSelector.MatchLabels,
	} {
		for k, v := range selector {
			if labels[k] != v {
				t.Errorf("%s: %s=%s is no label of the pods %v", what, k, v, labels)
			}
		}
		if len(selector) == 0 {
			t.Errorf("%s: it selects nothing", what)
		}
	}
	if !*pod.SecurityContext.RunAsNonRoot || !*node.SecurityContext.ReadOnlyRootFilesystem || *node.SecurityContext.AllowPrivilegeEscalation {
		t.Errorf("security %+v %+v", pod.SecurityContext, node.SecurityContext)
	}
	if node.Resources.Requests.Memory().IsZero() || node.Resources.Limits.Memory().IsZero() {
		t.Errorf("resources %+v", node.Resources)
	}
}

// options are the flags and variables of a pod's container, for quota-db config check, with the values that the cluster
// fills in.
func options(node core.Container, index int) (args, env []string) {
	for _, v := range node.Env {
		value := v.Value
		if v.ValueFrom != nil {
			value = fmt.Sprint(index)
		}
		env = append(env, v.Name+"="+value)
	}
	return node.Args, env
}

func TestTheOptionsOfEveryPodAreSound(t *testing.T) {
	set := find[*apps.StatefulSet](t, objects(t, "kubernetes/base"), "quota-db")
	for i := range *set.Spec.Replicas {
		args, env := options(set.Spec.Template.Spec.Containers[0], int(set.Spec.Ordinals.Start+i))
		out := program(t, "env", append(append(env, binary(t), "config", "check"), args...)...)
		for _, want := range []string{fmt.Sprintf("node-id = \"%d\"", i+1), `maxmemory = "629145600"`, `peers = "quota-db-peers:6381"`, `cluster-secret-file = "/secrets/cluster-secret"`} {
			if !strings.Contains(out, want) {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
	}
}

// TestTheSecretOfThePageIsTheOneThatThePodsWant runs the commands of the page, with a kubectl that only prints the
// objects that it would create.
func TestTheSecretOfThePageIsTheOneThatThePodsWant(t *testing.T) {
	need(t, "kubectl", "bash")
	page, err := os.ReadFile("../docs/start.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "TestTheSecretOfThePageIsTheOneThatThePodsWant -->\n```bash\n")
	block, _, _ = strings.Cut(block, "```")
	dir := t.TempDir()
	script := "set -e; cd " + dir + "; kubectl() { [ \"$(stat -c %a cluster-secret password | uniq)\" = 600 ]; command kubectl \"$@\" --dry-run=client -o yaml; }\n" + block
	var made core.Secret
	if err := yaml.UnmarshalStrict([]byte(program(t, "bash", "-c", script)), &made); err != nil {
		t.Fatal(err)
	}
	set := find[*apps.StatefulSet](t, objects(t, "kubernetes/base"), "quota-db")
	if want := set.Spec.Template.Spec.Volumes[0].Secret.SecretName; made.Name != want {
		t.Errorf("the secret is %s, the pods want %s", made.Name, want)
	}
	for _, v := range set.Spec.Template.Spec.Containers[0].Env {
		if key, ok := strings.CutPrefix(v.Value, "/secrets/"); ok && len(made.Data[key]) < 40 {
			t.Errorf("%s: the secret has %d bytes under %s", v.Name, len(made.Data[key]), key)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
	// The comments of these files have the same commands.
	for _, file := range []string{"kubernetes/base/kustomization.yaml", "kubernetes/overlays/five/kustomization.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(block, "\n")
		if !strings.Contains(string(text), first) || strings.Contains(string(text), "--from-literal") {
			t.Errorf("%s has other commands", file)
		}
	}
}

func TestTheOverlayIsFiveNodesWithASecretOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("kubernetes")); err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlays", "five")
	for _, name := range []string{"cluster-secret", "password"} {
		if err := os.WriteFile(filepath.Join(overlay, name), []byte(name+" for a test\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := objects(t, overlay)
	set := find[*apps.StatefulSet](t, all, "quota-db")
	if *set.Spec.Replicas != 5 || set.Namespace != "limits" {
		t.Errorf("%d replicas in %s", *set.Spec.Replicas, set.Namespace)
	}
	secret := find[*core.Secret](t, all, "")
	if got := set.Spec.Template.Spec.Volumes[0].Secret.SecretName; got != secret.Name {
		t.Errorf("the pods mount the secret %s, it is called %s", got, secret.Name)
	}
	for _, key := range []string{"cluster-secret", "password"} {
		if string(secret.Data[key]) != key+" for a test\n" {
			t.Errorf("%s is %q", key, secret.Data[key])
		}
	}
	_, env := options(set.Spec.Template.Spec.Containers[0], 1)
	if !slices.Contains(env, "QUOTADB_MAXMEMORY=6gb") || !slices.Contains(env, "QUOTADB_NODE_ID=1") {
		t.Errorf("environment %q", env)
	}
}
