package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// store is a place for images and containers; its test removes it at the end. There is no container engine: buildah
// builds the images, and runs each container in a chroot.
type store struct {
	t    *testing.T
	args []string // of buildah, before the command
}

func newStore(t *testing.T) *store {
	t.Helper()
	dir := t.TempDir()
	s := &store{t, []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run")}}
	t.Cleanup(func() {
		_, _ = s.attempt("rm", "--all")
		_, _ = s.attempt("rmi", "--all", "--force")
		// buildah mounts this directory on itself, and so it could not be removed.
		_, _ = attempt(t, "umount", filepath.Join(dir, "root", "overlay"))
	})
	return s
}

// of is the store for a subtest.
func (s *store) of(t *testing.T) *store { return &store{t, s.args} }

func (s *store) attempt(args ...string) (string, error) {
	return attempt(s.t, "buildah", append(append([]string{}, s.args...), args...)...)
}

func (s *store) buildah(args ...string) string {
	s.t.Helper()
	return program(s.t, "buildah", append(append([]string{}, s.args...), args...)...)
}

// from makes a container of an image and returns its name.
func (s *store) from(image string) string {
	s.t.Helper()
	return s.buildah("from", "--pull-never", image)
}

// assembleGo makes an image with a shell, in place of the image in which the Dockerfile builds. The Go of this machine
// is mounted into it, so that nothing is downloaded or copied.
func (s *store) assembleGo(tag string) {
	s.t.Helper()
	c := s.from("scratch")
	shell, err := exec.LookPath("busybox")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"sh", "mkdir"} {
		s.buildah("copy", "--quiet", c, shell, "/bin/"+name)
	}
	s.buildah("config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOPATH=/go", "--env", "GOPROXY=off", "--env", "GOTOOLCHAIN=local",
		"--env", "HOME=/root", "--env", "TMPDIR=/root", c)
	s.buildah("commit", "--quiet", "--rm", c, tag)
}

// build builds the Dockerfile with the Go, the modules and the build cache of this machine.
func (s *store) build(tag string) {
	s.t.Helper()
	s.buildah("bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "-f", "docker/Dockerfile", "-t", tag,
		"--volume", program(s.t, "go", "env", "GOROOT")+":/usr/local/go:ro",
		"--volume", program(s.t, "go", "env", "GOMODCACHE")+":/go/pkg/mod",
		"--volume", program(s.t, "go", "env", "GOCACHE")+":/root/.cache/go-build", ".")
}

// image is the description of an image.
type image struct {
	Config struct {
		User        string
		Env         []string
		Entrypoint  []string
		Cmd         []string
		Volumes     map[string]any
		Healthcheck struct{ Test []string }
	} `json:"config"`
}

func (s *store) inspect(tag string) image {
	s.t.Helper()
	var all struct{ Docker image }
	if err := json.Unmarshal([]byte(s.buildah("inspect", "--type", "image", tag)), &all); err != nil {
		s.t.Fatal(err)
	}
	return all.Docker
}

// container is a container, before and after its start.
type container struct {
	store   *store
	name    string
	host    string   // its network namespace; empty: that of this machine
	flags   []string // of buildah run
	command []string
	process *exec.Cmd
	output  strings.Builder
	ended   chan struct{}
}

// start runs the container's command.
func (c *container) start() {
	c.store.t.Helper()
	args := append(append([]string{}, c.store.args...), "run", "--isolation", "chroot", "--no-hosts")
	args = append(append(args, c.flags...), c.name, "--")
	c.process = inHost(c.host, "buildah", append(args, c.command...)...)
	c.output.Reset()
	c.process.Stdout, c.process.Stderr = &c.output, &c.output
	c.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.process.Start(); err != nil {
		c.store.t.Fatal(err)
	}
	c.ended = make(chan struct{})
	go func() {
		_ = c.process.Wait()
		close(c.ended)
	}()
	c.store.t.Cleanup(c.kill)
}

// exec runs a program beside the command, as docker exec does.
func (c *container) exec(command ...string) (string, error) {
	args := append(append([]string{}, c.store.args...), "run", "--isolation", "chroot", "--no-hosts")
	args = append(append(args, c.flags...), c.name, "--")
	out, err := inHost(c.host, "buildah", append(args, command...)...).CombinedOutput()
	return string(out), err
}

// redis asks the node of the container with redis-cli.
func (c *container) redis(port string, command ...string) (string, error) {
	out, err := inHost(c.host, "redis-cli", append([]string{"-p", port}, command...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// stop ends the command as docker stop does: the process gets SIGTERM and has time.
func (c *container) stop(port string) {
	t := c.store.t
	t.Helper()
	info, err := c.redis(port, "INFO", "server")
	_, rest, ok := strings.Cut(info, "process_id:")
	if err != nil || !ok {
		t.Fatalf("no process to stop: %v %s\n%s", err, info, c.output.String())
	}
	pid, _, _ := strings.Cut(rest, "\r")
	program(t, "kill", "-TERM", pid)
	eventually(t, "the end of the container", func() (bool, string) {
		select {
		case <-c.ended:
			return true, ""
		default:
			return false, "it runs"
		}
	})
	// The exit code of buildah is no proof if exec ran at the same time.
	if said := c.output.String(); !strings.Contains(said, "QuotaDB stopped") {
		t.Errorf("the node did not stop well:\n%s", said)
	}
}

// kill ends the processes of the container: buildah, and its children, which would outlive it.
func (c *container) kill() {
	_ = syscall.Kill(-c.process.Process.Pid, syscall.SIGKILL)
	<-c.ended
}

// inHost is a command in a network namespace.
func inHost(host, name string, args ...string) *exec.Cmd {
	if host == "" {
		return exec.Command(name, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", host, name}, args...)...)
}

// volume is a directory that stands for a named volume, owned by the user of the image.
func volume(t *testing.T, owner int) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // t.TempDir makes them for this user only
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
