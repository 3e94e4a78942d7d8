package main

import (
	"io"
	"net"
	"testing"
)

func TestAProxyPassesOnAndCountsBothDirections(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		question := make([]byte, 5)
		if _, err := io.ReadFull(conn, question); err == nil {
			_, _ = conn.Write([]byte("answer"))
		}
		_ = conn.Close()
	}()
	p, err := startProxy(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	conn, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn) // which ends because the other side has closed
	if err != nil || string(got) != "answer" {
		t.Errorf("%q %v, want the answer", got, err)
	}
	if n := p.bytes.Load(); n != 11 {
		t.Errorf("%d bytes, want 11", n)
	}
}

func TestAProxyWhoseTargetIsAwayCloses(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := listener.Addr().String()
	_ = listener.Close()
	p, err := startProxy(away)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	conn, err := net.Dial("tcp", p.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
}
