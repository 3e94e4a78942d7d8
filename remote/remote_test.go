package remote

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fake is a node that passes each connection to the function serve.
func fake(t *testing.T, serve func(net.Conn)) *Node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	n := Open(l.Addr().String(), Options{Timeout: 20 * time.Second, Password: "x"})
	t.Cleanup(func() {
		_ = n.Close()
		_ = l.Close()
		<-ended
	})
	return n
}

// TestTheLastWordsOfANodeAreRead: the node refuses a client as Redis does. It writes the reason and closes, before or
// after the client has written.
func TestTheLastWordsOfANodeAreRead(t *testing.T) {
	Silence()
	for _, test := range []struct {
		words string
		alive bool
	}{
		{"-ERR max number of clients reached\r\n", true},
		{"-NOAUTH Authentication required.\r\n", true},
		{"-LOADING the dataset\r\n", false},
		{"-DENIED protected mode\r\n", false},
		{"-WRONGPASS invalid\r\n", false},
	} {
		n := fake(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, test.words)
			_ = conn.Close()
		})
		for range 50 {
			_, refusal, err := n.Ping(t.Context())
			want := strings.TrimSuffix(test.words[1:], "\r\n")
			if test.alive && (err != nil || refusal == nil || refusal.Error() != want) {
				t.Fatalf("%q: alive with %v, error %v", want, refusal, err)
			}
			if !test.alive && (err == nil || Explain(err) != "the node answers: "+want) {
				t.Fatalf("%q: alive with %v, error %q", want, refusal, Explain(err))
			}
		}
	}
}

func TestANodeThatClosesWithoutAWordIsNotAlive(t *testing.T) {
	Silence()
	n := fake(t, func(conn net.Conn) { _ = conn.Close() })
	if _, refusal, err := n.Ping(t.Context()); err == nil || !strings.HasPrefix(Explain(err), "the node cannot be reached: ") {
		t.Errorf("%v, %v", refusal, err)
	}
}

// TestAServerWithoutHelloIsTalkedTo: the server is older than HELLO. The client logs in, and its connection has no
// name.
func TestAServerWithoutHelloIsTalkedTo(t *testing.T) {
	Silence()
	n := fake(t, func(conn net.Conn) {
		defer conn.Close()
		lines := bufio.NewReader(conn)
		for {
			words, err := command(lines)
			if err != nil {
				return
			}
			answer := map[string]string{"auth": "+OK", "ping": "+PONG"}[strings.ToLower(words[0])]
			if answer == "" {
				answer = "-ERR unknown command '" + words[0] + "'"
			}
			if _, err := io.WriteString(conn, answer+"\r\n"); err != nil {
				return
			}
		}
	})
	if _, refusal, err := n.Ping(t.Context()); err != nil || refusal != nil {
		t.Errorf("%v, %v", refusal, err)
	}
}

// command reads one command of a client: its words, each after a line with its length.
func command(lines *bufio.Reader) ([]string, error) {
	head, err := lines.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.Trim(head, "*\r\n"))
	var words []string
	for range 2 * n {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, err
		}
		words = append(words, strings.TrimSpace(line))
	}
	if err != nil || n == 0 {
		return nil, errors.New("not a command")
	}
	var even []string
	for i := 1; i < len(words); i += 2 {
		even = append(even, words[i])
	}
	return even, nil
}
