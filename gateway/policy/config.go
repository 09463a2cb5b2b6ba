package policy

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// What to answer while nobody can say whether a recipient is stopped.
const (
	InDoubtPass  = "pass"  // the message is accepted, and looked at again
	InDoubtDefer = "defer" // 451, and the client comes again
)

// Config holds the settings of the policy service.
type Config struct {
	Addr        string `env:"POLICY_ADDR" doc:"listener that Postfix asks whether a recipient is stopped for all mail (check_policy_service), as host:port or unix:/path; empty: none"`
	InDoubt     string `env:"POLICY_IN_DOUBT" envDefault:"pass" doc:"answer while the data cannot be read: pass (the message is looked at when it comes) or defer (451)"`
	Connections int    `env:"POLICY_CONNECTIONS" envDefault:"500" doc:"connections to it at most; each process of Postfix keeps one"`
}

const unixPrefix = "unix:"

// Listener is the network and address to listen on, as for net.Listen.
func (c Config) Listener() (network, addr string) {
	if path, ok := strings.CutPrefix(c.Addr, unixPrefix); ok {
		return "unix", path
	}
	return "tcp", c.Addr
}

func (c Config) connections() int {
	if c.Connections <= 0 {
		return 500
	}
	return c.Connections
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	if network, addr := c.Listener(); network == "unix" {
		if !strings.HasPrefix(addr, "/") {
			faults = append(faults, fmt.Errorf("OFFRAMP_POLICY_ADDR: %q: write the whole path, as unix:/run/offramp/policy", c.Addr))
		}
	} else if _, _, err := net.SplitHostPort(addr); err != nil && addr != "" {
		faults = append(faults, fmt.Errorf("OFFRAMP_POLICY_ADDR: invalid address %q: write one such as 127.0.0.1:10040 or unix:/run/offramp/policy", addr))
	}
	if c.InDoubt != "" && c.InDoubt != InDoubtPass && c.InDoubt != InDoubtDefer {
		faults = append(faults, fmt.Errorf("OFFRAMP_POLICY_IN_DOUBT is %q: use pass or defer", c.InDoubt))
	}
	if c.Connections < 0 || c.Connections > 10_000 {
		faults = append(faults, fmt.Errorf("OFFRAMP_POLICY_CONNECTIONS is %d: use 1 to 10000", c.Connections))
	}
	return errors.Join(faults...)
}
