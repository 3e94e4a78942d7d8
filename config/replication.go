package config

import (
	"net"
	"strconv"
)

// ReplicationAddress is the host:port where peers connect: on ReplicationBind, or the host of the first address of Bind that
// has one; on loopback if clients are served on unix sockets only.
func (c *Config) ReplicationAddress() string {
	host := c.ReplicationBind
	if host == "" {
		host = c.clientHost()
	}
	return net.JoinHostPort(host, strconv.Itoa(c.ReplicationPort))
}

func (c *Config) clientHost() string {
	for _, bind := range c.Bind {
		if network, address := SplitBind(bind); network == "tcp" {
			host, _, _ := net.SplitHostPort(address)
			return host
		}
	}
	return "127.0.0.1"
}
