package config

import (
	"net"
	"strconv"
)

// ReplicationAddress is the host:port where peers connect. The host is ReplicationBind; if that is empty, the host of
// the first TCP address of Bind; if Bind has unix sockets only, 127.0.0.1.
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
