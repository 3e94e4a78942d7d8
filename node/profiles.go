package node

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profileHeaderTimeout is the time limit for a client of the profiles to send its request.
const profileHeaderTimeout = 5 * time.Second

// profiles serves the process's Go profiles over HTTP.
type profiles struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

func startProfiles(bind string) (*profiles, error) {
	l, err := net.Listen("tcp", bind)
	if err != nil {
		return nil, fmt.Errorf("serve profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	p := &profiles{l, &http.Server{Handler: mux, ReadHeaderTimeout: profileHeaderTimeout}, make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = p.server.Serve(l) // ends with close
	}()
	return p, nil
}

func (p *profiles) close() error {
	err := p.server.Close()
	<-p.done
	return err
}
