package main

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
)

// listenFunc opens a listener, as net.Listen does.
type listenFunc func(network, addr string) (net.Listener, error)

// activated returns a function that hands out the sockets systemd passed
// (sd_listen_fds(3)) for the addresses they listen on, and opens others with
// fallback. So the server binds port 25 without any privilege.
func activated(fallback listenFunc) (listenFunc, error) {
	passed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("socket activation: %w", err)
	}
	byPort := map[string]net.Listener{}
	for _, l := range passed {
		if l == nil {
			continue // not a stream socket
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("socket activation: %s is no TCP socket", l.Addr()), l.Close())
		}
		byPort[port] = l
	}
	return func(network, addr string) (net.Listener, error) {
		port := addr[strings.LastIndexByte(addr, ':')+1:]
		if l, ok := byPort[port]; ok {
			delete(byPort, port)
			return l, nil
		}
		return fallback(network, addr)
	}, nil
}
