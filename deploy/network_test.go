package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// hosts is a network for one test: a namespace for each host, all on one switch, which has its own namespace.
type hosts struct {
	t     *testing.T
	hosts string // a file like /etc/hosts with all names
}

// newNetwork makes hosts with these names. Each has an address in 10.77.0.0/24 and can reach itself as 127.0.0.1.
func newNetwork(t *testing.T, names ...string) *hosts {
	t.Helper()
	n := &hosts{t, filepath.Join(t.TempDir(), "hosts")}
	hub := n.host("switch")
	n.add(hub)
	program(t, "ip", "-n", hub, "link", "add", "br0", "type", "bridge")
	program(t, "ip", "-n", hub, "link", "set", "br0", "up")
	text := "127.0.0.1 localhost\n"
	for i, name := range names {
		host := n.host(name)
		n.add(host)
		cable := fmt.Sprintf("c%d", i)
		program(t, "ip", "-n", hub, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", host)
		program(t, "ip", "-n", hub, "link", "set", cable, "master", "br0", "up")
		address := fmt.Sprintf("10.77.0.%d", i+1)
		program(t, "ip", "-n", host, "address", "add", address+"/24", "dev", "eth0")
		program(t, "ip", "-n", host, "link", "set", "eth0", "up")
		text += address + " " + name + "\n"
	}
	if err := os.WriteFile(n.hosts, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return n
}

// host is the namespace of a host.
func (n *hosts) host(name string) string { return fmt.Sprintf("quotadb-%d-%s", os.Getpid(), name) }

func (n *hosts) add(host string) {
	program(n.t, "ip", "netns", "add", host)
	n.t.Cleanup(func() { _, _ = attempt(n.t, "ip", "netns", "delete", host) })
	program(n.t, "ip", "-n", host, "link", "set", "lo", "up")
}
