package deploy

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	maxImageBytes = 25 << 20
	imageUser     = 65532
	tag           = "localhost/quota-db"
)

// TestContainers builds the image once, and runs all tests of containers with it.
func TestContainers(t *testing.T) {
	need(t, "buildah", "busybox", "redis-cli", "ip")
	s := newStore(t)
	s.assembleGo("docker.io/library/golang:1.26")
	s.build(tag)
	t.Run("TheImageIsSmallAndHasOneFile", func(t *testing.T) { testImage(t, s.of(t)) })
	t.Run("HealthTurnsGoodAndDataSurvivesTheContainer", func(t *testing.T) { testOne(t, s.of(t)) })
	t.Run("ThreeContainersOfTheClusterFileReplicate", func(t *testing.T) { testCluster(t, s.of(t)) })
}

func testImage(t *testing.T, s *store) {
	c := s.from(tag)
	dir := s.buildah("mount", c)
	total := int64(0)
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		total += info.Size()
		files = append(files, strings.TrimPrefix(path, dir))
		return err
	})
	if err != nil || !slices.Equal(files, []string{"/quota-db"}) || total > maxImageBytes {
		t.Errorf("%v: %d bytes in %q", err, total, files)
	}
	t.Logf("the image has %.1f MB", float64(total)/1e6)
	config := s.inspect(tag).Config
	if config.User != fmt.Sprintf("%d:%d", imageUser, imageUser) {
		t.Errorf("user %q", config.User)
	}
	if _, ok := config.Volumes["/data"]; !ok {
		t.Errorf("volumes %v", config.Volumes)
	}
}

// healthy runs the image's own health check beside the node.
func (c *container) healthy(i image) (bool, string) {
	test := i.Config.Healthcheck.Test
	if len(test) == 0 || test[0] != "CMD" {
		return false, fmt.Sprintf("the image has no health check: %q", test)
	}
	out, err := c.exec(test[1:]...)
	return err == nil, out
}

func testOne(t *testing.T, s *store) {
	i := s.inspect(tag)
	data := volume(t, imageUser)
	n := newNetwork(t, "node")
	start := func() *container {
		c := &container{store: s, name: s.from(tag), host: n.host("node"), flags: []string{"-v", data + ":/data"},
			command: append(slices.Clone(i.Config.Entrypoint), i.Config.Cmd...)}
		if ok, out := c.healthy(i); ok {
			t.Errorf("healthy before it runs: %s", out)
		}
		c.start()
		eventually(t, "the health check", func() (bool, string) { return c.healthy(i) })
		return c
	}
	c := start()
	for want := 1; want <= 5; want++ {
		if got, err := c.redis("6380", "INCR", "hits"); err != nil || got != fmt.Sprint(want) {
			t.Fatalf("INCR: %q %v", got, err)
		}
	}
	c.stop("6380")
	if c.redisFails(t) {
		c = start()
	}
	if got, err := c.redis("6380", "GET", "hits"); err != nil || got != "5" {
		t.Errorf("a new container on the same volume reads %q, %v", got, err)
	}
	c.stop("6380")
}

// redisFails checks that no node serves any more.
func (c *container) redisFails(t *testing.T) bool {
	if got, err := c.redis("6380", "PING"); err == nil && got == "PONG" {
		t.Error("it still serves")
		return false
	}
	return true
}

// composeFile is the part of a Compose file that the tests read.
type composeFile struct {
	Services map[string]struct {
		Image       string
		Command     []string
		Environment map[string]string
		Ports       []string
		Volumes     []string
		Secrets     []string
	}
}

func readCompose(t *testing.T, name string) composeFile {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func testCluster(t *testing.T, s *store) {
	file := readCompose(t, "../docker/docker-compose.cluster.yml")
	var names []string
	for name := range file.Services {
		names = append(names, name)
	}
	slices.Sort(names)
	n := newNetwork(t, names...)
	secret := filepath.Join(t.TempDir(), "secret")
	text := base64.StdEncoding.EncodeToString([]byte("a secret of the test"))
	if err := os.WriteFile(secret, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	entrypoint := s.inspect(tag).Config.Entrypoint
	var all []*container
	for _, name := range names {
		service := file.Services[name]
		flags := []string{"-v", volume(t, imageUser) + ":/data", "-v", secret + ":/run/secrets/" + service.Secrets[0] + ":ro", "-v", n.hosts + ":/etc/hosts:ro"}
		for k, v := range service.Environment {
			flags = append(flags, "--env", k+"="+v)
		}
		c := &container{store: s, name: s.from(tag), host: n.host(name), flags: flags, command: append(slices.Clone(entrypoint), service.Command...)}
		c.start()
		all = append(all, c)
	}
	for _, c := range all {
		eventually(t, "INCR on "+c.host, func() (bool, string) {
			got, err := c.redis("6380", "INCR", "hits")
			return err == nil && got != "" && got[0] >= '1' && got[0] <= '9', got + c.output.String()
		})
	}
	for _, c := range all {
		eventually(t, "the sum on "+c.host, func() (bool, string) {
			got, _ := c.redis("6380", "GET", "hits")
			return got == "3", got + "\n" + c.output.String()
		})
	}
	eventually(t, "quota-db status inside of a container", func() (bool, string) {
		args := []string{"/quota-db", "status"}
		for _, name := range names {
			args = append(args, net.JoinHostPort(name, "6380"))
		}
		out, err := all[0].exec(args...)
		return err == nil, out
	})
	for _, c := range all {
		c.stop("6380")
	}
}

// TestTheComposeFilesPublishWhatTheReadmePromises reads the files. docker compose is not installed, so the test does
// not run it.
func TestTheComposeFilesPublishWhatTheReadmePromises(t *testing.T) {
	one := readCompose(t, "../docker/docker-compose.yml")
	for service, want := range map[string]string{"quota-db": "127.0.0.1:6380:6380", "redis": "127.0.0.1:6379:6379"} {
		if got := one.Services[service].Ports; !slices.Equal(got, []string{want}) {
			t.Errorf("%s publishes %q, want %s", service, got, want)
		}
	}
	cluster := readCompose(t, "../docker/docker-compose.cluster.yml")
	ids, volumes := map[string]bool{}, map[string]bool{}
	for name, service := range cluster.Services {
		ids[service.Command[1]] = true
		volumes[service.Volumes[0]] = true
		for peer := range cluster.Services {
			if listed := strings.Contains(service.Command[3], peer+":6381"); listed != (peer != name) {
				t.Errorf("%s lists %q", name, service.Command[3])
			}
		}
	}
	if len(ids) != 3 || len(volumes) != 3 || len(cluster.Services) != 3 {
		t.Errorf("ids %v, volumes %v", ids, volumes)
	}
}
