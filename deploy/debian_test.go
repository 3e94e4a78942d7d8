package deploy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// debianEnv names a directory that debootstrap has already filled, which saves a minute. The test leaves its changes in
// the directory.
const debianEnv = "QUOTADB_TEST_DEBIAN"

// debian is a directory with a minimal Debian in it.
func debian(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(debianEnv); dir != "" {
		return dir
	}
	dir := filepath.Join(t.TempDir(), "debian")
	program(t, "debootstrap", "--variant=minbase", "bookworm", dir)
	return dir
}

func TestThePackageInstallsServesAndGoesAgain(t *testing.T) {
	need(t, "debootstrap", "dpkg", "chroot", "redis-cli", "tar")
	arch := program(t, "dpkg", "--print-architecture")
	program(t, "deploy/release.sh", "linux-"+arch)
	packages, err := filepath.Glob("../dist/quota-db_*_" + arch + ".deb")
	if err != nil || len(packages) != 1 {
		t.Fatal(packages, err)
	}
	dir := debian(t)
	program(t, "cp", "dist/"+filepath.Base(packages[0]), dir+"/quota-db.deb")
	in := func(command ...string) string {
		t.Helper()
		return program(t, "chroot", append([]string{dir}, command...)...)
	}
	in("dpkg", "--install", "/quota-db.deb")
	in("getent", "passwd", "quota-db")
	if got := in("dpkg-query", "-W", "-f", "${Depends}", "quota-db"); got != "passwd" {
		t.Errorf("it depends on %q", got)
	}
	if out := in("quota-db", "--version"); !strings.HasPrefix(out, "quota-db ") {
		t.Errorf("version %q", out)
	}
	in("quota-db", "config", "check", "/etc/quota-db/quota-db.toml", "--data-dir", "/var/lib/quota-db")
	for _, file := range []string{"/lib/systemd/system/quota-db.service", "/usr/share/man/man1/quota-db.1.gz", "/usr/share/bash-completion/completions/quota-db", "/usr/share/doc/quota-db/copyright"} {
		if _, err := os.Stat(dir + file); err != nil {
			t.Error(err)
		}
	}
	checkRights(t, in)
	serveInstalled(t, dir, in)
	in("chmod", "0644", "/etc/quota-db/quota-db.toml")
	in("dpkg", "--install", "/quota-db.deb") // as an upgrade does
	checkRights(t, in)
	in("dpkg", "--remove", "quota-db")
	if _, err := os.Stat(dir + "/etc/quota-db/quota-db.toml"); err != nil {
		t.Errorf("a removal takes the configuration: %v", err)
	}
	in("dpkg", "--purge", "quota-db")
	if _, err := os.Stat(dir + "/etc/quota-db/quota-db.toml"); err == nil {
		t.Error("a purge leaves the configuration")
	}
	if _, err := os.Stat(dir + "/var/lib/quota-db/MANIFEST"); err != nil {
		t.Errorf("a purge takes the data: %v", err)
	}
}

// checkRights checks that only root and the service can read the files in /etc/quota-db, which include the secrets.
func checkRights(t *testing.T, in func(...string) string) {
	t.Helper()
	for file, want := range map[string]string{"/etc/quota-db": "750 root quota-db", "/etc/quota-db/quota-db.toml": "640 root quota-db"} {
		if got := in("stat", "-c", "%a %U %G", file); got != want {
			t.Errorf("%s has %q, want %q", file, got, want)
		}
	}
	in("sh", "-c", "install -m 0640 -o root -g quota-db /dev/null /etc/quota-db/cluster-secret && head -c 32 /dev/urandom | base64 >/etc/quota-db/cluster-secret")
	read := "cat /etc/quota-db/quota-db.toml /etc/quota-db/cluster-secret"
	in("setpriv", "--reuid=quota-db", "--regid=quota-db", "--clear-groups", "sh", "-c", read)
	in("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", "! "+read+" 2>/dev/null")
	in("rm", "/etc/quota-db/cluster-secret")
}

// serveInstalled runs the command line of the unit, as the user of the unit, and receives the messages for systemd.
func serveInstalled(t *testing.T, dir string, in func(...string) string) {
	t.Helper()
	unit, err := os.ReadFile(dir + "/lib/systemd/system/quota-db.service")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(unit), "\nExecStart=")
	line, _, _ = strings.Cut(line, "\n")
	in("install", "-d", "-o", "quota-db", "-g", "quota-db", "-m", "0700", "/var/lib/quota-db")
	_ = os.Remove(dir + "/run/quota-db-notify") // left by a killed test, if the directory is used again
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/run/quota-db-notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	if err := os.Chmod(dir+"/run/quota-db-notify", 0o777); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	node := exec.Command("chroot", append([]string{"--userspec=quota-db:quota-db", dir}, append(strings.Fields(line), "--bind", "127.0.0.1:"+port)...)...)
	node.Env = append(os.Environ(), "NOTIFY_SOCKET=/run/quota-db-notify")
	var output strings.Builder
	node.Stderr = &output
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Process.Kill() }()
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		message := make([]byte, 100)
		if err := notify.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		n, err := notify.Read(message)
		if err != nil || string(message[:n]) != want {
			t.Fatalf("told %q, %v, want %s\n%s", message[:n], err, want, output.String())
		}
		if want == "READY=1" {
			if got := program(t, "redis-cli", "-p", port, "INCR", "hits"); got != "1" {
				t.Errorf("INCR: %s", got)
			}
			if err := node.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := node.Wait(); err != nil {
		t.Errorf("it ended with %v\n%s", err, output.String())
	}
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// TestAReleaseIsTheSameBytesAgain builds the archive and the package of one platform twice.
func TestAReleaseIsTheSameBytesAgain(t *testing.T) {
	var sums []string
	for range 2 {
		program(t, "deploy/release.sh", "linux-amd64")
		text, err := os.ReadFile("../dist/SHA256SUMS")
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 2 {
		t.Errorf("first\n%sthen\n%s", sums[0], sums[1])
	}
}
