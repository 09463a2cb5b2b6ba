package gateway

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"

	"offramp/gateway/feedback"
	"offramp/gateway/policy"
	"offramp/gateway/relay"
)

// joinPolicy makes what answers Postfix, where there is an address for it.
func (g *Gateway) joinPolicy(log *slog.Logger, accept *relay.Relay, returns *feedback.Feedback, counts *stats) {
	if g.config.Policy.Addr == "" {
		return
	}
	g.policy = &policy.Server{
		Config: g.config.Policy, Verdicts: g.people, Owns: returns.Owns, Log: log, Stats: &counts.policy,
		Trusted: func(a netip.Addr) bool { return accept.MayRelay(relay.Client{Addr: a}) },
	}
}

// listenPolicy opens the listener for Postfix.
func (g *Gateway) listenPolicy(listen func(network, addr string) (net.Listener, error)) error {
	if g.policy == nil {
		return nil
	}
	network, addr := g.config.Policy.Listener()
	if network == "unix" {
		removeStale(addr)
	}
	l, err := listen(network, addr)
	if err == nil && network == "unix" {
		// Postfix runs as another user. Its folder says who reaches the socket.
		if err = os.Chmod(addr, 0o666); err != nil {
			l.Close()
		}
	}
	if err != nil {
		return listenFault("OFFRAMP_POLICY_ADDR", g.config.Policy.Addr, err)
	}
	g.questions = l
	return nil
}

// removeStale removes a socket that nobody listens on: a process that was killed
// leaves it.
func removeStale(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path) // the listener's error says what is wrong
	}
}
