package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostExposure is the largest exposure, from 0 to 10, that systemd-analyze security may find.
const mostExposure = 2.5

// installed is the unit with a binary that exists, which systemd-analyze needs.
func installed(t *testing.T) (unit string) {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("systemd/quota-db.service")
	if err != nil {
		t.Fatal(err)
	}
	unit = filepath.Join(dir, "quota-db.service")
	text = []byte(strings.ReplaceAll(string(text), "/usr/bin/quota-db", binary(t)))
	text = []byte(strings.ReplaceAll(string(text), "Documentation=man:quota-db(1)\n", "")) // the page is in the package
	if err := os.WriteFile(unit, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return unit
}

func TestTheUnitIsOneThatSystemdTakes(t *testing.T) {
	need(t, "systemd-analyze")
	if out := program(t, "systemd-analyze", "verify", "--man=no", installed(t)); out != "" {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}
}

func TestTheUnitIsHardened(t *testing.T) {
	need(t, "systemd-analyze")
	out := program(t, "systemd-analyze", "security", "--offline=true", "--no-pager", installed(t))
	found := regexp.MustCompile(`Overall exposure level for quota-db.service: ([0-9.]+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no verdict in\n%s", out)
	}
	exposure, err := strconv.ParseFloat(found[1], 64)
	if err != nil || exposure >= mostExposure {
		t.Errorf("exposure %s, %v; it has to be below %v\n%s", found[1], err, mostExposure, out)
	}
	t.Logf("exposure %v", exposure)
}

func TestTheFileOfThePackageIsAConfiguration(t *testing.T) {
	text, err := os.ReadFile("systemd/quota-db.toml")
	if err != nil {
		t.Fatal(err)
	}
	commented := regexp.MustCompile(`(?m)^# ([a-z-]+ = )`).ReplaceAllString(strings.Replace(string(text), "bind = ", "# ", 1), "$1")
	file := filepath.Join(t.TempDir(), "all.toml")
	if err := os.WriteFile(file, []byte(commented), 0o600); err != nil {
		t.Fatal(err)
	}
	out := program(t, binary(t), "config", "check", file)
	if strings.Count(out, "# file") != 5 {
		t.Errorf("not all examples of the file are options:\n%s", out)
	}
	program(t, binary(t), "config", "check", "deploy/systemd/quota-db.toml")
}
