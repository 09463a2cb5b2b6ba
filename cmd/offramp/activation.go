package main

import (
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
)

// listenFunc opens a listener, as net.Listen does.
type listenFunc func(network, addr string) (net.Listener, error)

// activated are the sockets systemd passed (sd_listen_fds(3)), by port. With
// them the server listens on port 25 without any privilege.
type activated map[string]net.Listener

// passedSockets takes over the sockets of the process.
func passedSockets() (activated, error) {
	passed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("socket activation: %w", err)
	}
	byPort := activated{}
	for _, l := range passed {
		if l == nil {
			continue // not a stream socket
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, fmt.Errorf("socket activation: %s is not a TCP socket: use ListenStream= with a port", l.Addr())
		}
		byPort[port] = l
	}
	return byPort, nil
}

// listen returns the passed socket of the port of addr, once, and opens any
// other address with open.
func (s activated) listen(open listenFunc) listenFunc {
	return func(network, addr string) (net.Listener, error) {
		_, port, err := net.SplitHostPort(addr)
		if l, ok := s[port]; ok && err == nil {
			delete(s, port)
			return l, nil
		}
		return open(network, addr)
	}
}

// unused names the sockets that no setting asked for.
func (s activated) unused() []string {
	var addrs []string
	for _, l := range s {
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}
