package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of the options.
const (
	MaxShards     = 1 << 16
	MaxNodeID     = 1<<16 - 1
	MaxClients    = 1 << 20 // for --max-connections and the parameter maxclients
	maxTimeout    = 365 * 24 * time.Hour
	maxTTLTick    = time.Minute
	maxBatchSize  = 1 << 20
	maxBatchDelay = time.Minute
	MaxQuotaWait  = time.Minute // for --quota-wait-ms and the parameter quota-wait-ms
	leastInterval = 100 * time.Millisecond
	maxInterval   = time.Hour
	maxFounders   = 256 // as many members as a cluster can have
	maxUnixPath   = 107 // bytes that fit in a Linux socket address, without the final zero byte
)

// unixPrefix marks an address of --bind as the path of a unix socket.
const unixPrefix = "unix:"

// Validate checks every field. Its error names the flag of the first wrong one.
func (c *Config) Validate() error {
	_, err := c.validate()
	return err
}

// validate is Validate that also returns the name of the flag.
func (c *Config) validate() (flag string, err error) {
	checks := []struct {
		flag string
		err  error
	}{
		{"bind", validateBind(c.Bind)},
		{"shards", between(c.Shards, 1, MaxShards)},
		{"node-id", between(c.NodeID, 1, MaxNodeID)},
		{"max-connections", between(c.MaxConnections, 1, MaxClients)},
		{"maxmemory", atLeastZero(c.MaxMemory)},
		{"timeout", within(c.Timeout, 0, maxTimeout, time.Second)},
		{"requirepass-file", validatePassword(c.RequirePass, c.RequirePassFile)},
		{"ttl-tick-ms", within(c.TTLTick, time.Millisecond, maxTTLTick, time.Millisecond)},
		{"durability", oneOf(c.Durability, DurabilityInterval, DurabilityAlways, DurabilityNone)},
		{"log-format", oneOf(c.LogFormat, LogText, LogJSON)},
		{"pprof-bind", validatePprof(c.PprofBind)},
		{"replication-port", between(c.ReplicationPort, 0, 1<<16-1)},
		{"replication-bind", validateHost(c.ReplicationBind)},
		{"batch-max-size", between(c.BatchMaxSize, 1, maxBatchSize)},
		{"batch-max-delay-ms", within(c.BatchMaxDelay, 0, maxBatchDelay, time.Millisecond)},
		{"founders", between(c.Founders, 0, maxFounders)},
		{"quota-wait-ms", within(c.QuotaWait, 0, MaxQuotaWait, time.Millisecond)},
		{"anti-entropy-interval", validateInterval(c.AntiEntropyInterval)},
		{"cluster-secret-file", validateSecret(c.ClusterSecret, c.ClusterSecretFile)},
		{"peers", validatePeers(c.Peers)},
	}
	for _, check := range checks {
		if check.err != nil {
			return check.flag, fmt.Errorf("--%s: %w", check.flag, check.err)
		}
	}
	return "", nil
}

// SplitBind splits an address of Bind into network and address: "tcp" and host:port, or "unix" and a path.
func SplitBind(bind string) (network, address string) {
	if path, ok := strings.CutPrefix(bind, unixPrefix); ok {
		return "unix", path
	}
	return "tcp", bind
}

func validateBind(list []string) error {
	if len(list) == 0 {
		return errors.New("at least one address is needed")
	}
	for i, bind := range list {
		if slices.Contains(list[:i], bind) {
			return fmt.Errorf("%q is given twice", bind)
		}
		network, address := SplitBind(bind)
		if network == "tcp" {
			if err := validateHostPort(address, 0); err != nil {
				return err
			}
			continue
		}
		if address == "" || len(address) > maxUnixPath {
			return fmt.Errorf("%q: the path of a unix socket has 1 to %d bytes", bind, maxUnixPath)
		}
	}
	return nil
}

// validatePassword refuses a password and a password file together. No error contains the password.
func validatePassword(password, file string) error {
	if password != "" && file != "" {
		return errors.New("not together with --requirepass")
	}
	return nil
}

func validatePprof(bind string) error {
	if bind == "" {
		return nil
	}
	if err := validateHostPort(bind, 0); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(bind)
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q: profiles are served on a loopback address only", bind)
	}
	return nil
}

func validatePeers(peers []string) error {
	for _, peer := range peers {
		if err := validateHostPort(peer, 1); err != nil {
			return err
		}
		if strings.HasPrefix(peer, ":") {
			return fmt.Errorf("%q: a host is missing", peer)
		}
	}
	return nil
}

// validateHost accepts a name or an address without a port.
func validateHost(host string) error {
	if strings.HasPrefix(host, "[") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return fmt.Errorf("%q: give a host without a port and without brackets; the port is --replication-port", host)
	}
	return nil
}

func validateInterval(d time.Duration) error {
	if d < leastInterval || d > maxInterval {
		return fmt.Errorf("%v is not from %v to %v", d, leastInterval, maxInterval)
	}
	return nil
}

// validateSecret refuses a secret and a secret file together. No error contains the secret.
func validateSecret(secret, file string) error {
	if secret != "" && file != "" {
		return errors.New("not together with --cluster-secret")
	}
	return nil
}

func validateHostPort(address string, minPort int) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q: not of the form host:port", address)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < minPort || n > 1<<16-1 {
		return fmt.Errorf("%q: a port is a number from %d to 65535", address, minPort)
	}
	return nil
}

func oneOf(s string, words ...string) error {
	if !slices.Contains(words, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(words, ", "))
	}
	return nil
}

func between(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%d is not from %d to %d", n, low, high)
	}
	return nil
}

func within(d, low, high, unit time.Duration) error {
	if d < low || d > high || d%unit != 0 {
		return fmt.Errorf("%d is not from %d to %d", d/unit, low/unit, high/unit)
	}
	return nil
}

func atLeastZero(n int64) error {
	if n < 0 {
		return fmt.Errorf("%d is negative", n)
	}
	return nil
}
