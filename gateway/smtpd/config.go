package smtpd

import (
	"errors"
	"fmt"
	"time"

	"offramp/gateway/envelope"
)

// Config holds the limits of SMTP sessions. A zero value means its default, but
// for AuthLoopback, which must be asked for.
type Config struct {
	MaxConnections    int             `env:"SMTP_MAX_CONNECTIONS" envDefault:"1000" doc:"SMTP connections in total"`
	ConnectionsPerIP  int             `env:"SMTP_CONNECTIONS_PER_IP" envDefault:"50" doc:"SMTP connections of one client address (IPv6: one /64; of a /56 twice and of a /48 four times as many, unless the network is trusted)"`
	KeptConnections   int             `env:"SMTP_KEPT_CONNECTIONS" envDefault:"100" doc:"of SMTP_MAX_CONNECTIONS, those that strangers cannot take: they are for trusted networks, for clients that have logged in, and for networks from which someone logged in within 7 days; never more than half of all"`
	IdleTimeout       time.Duration   `env:"SMTP_IDLE_TIMEOUT" envDefault:"300s" doc:"how long a client may take for a command"`
	DataTimeout       time.Duration   `env:"SMTP_DATA_TIMEOUT" envDefault:"180s" doc:"how long a client may take for a block of a message"`
	WriteTimeout      time.Duration   `env:"SMTP_WRITE_TIMEOUT" envDefault:"60s" doc:"how long a client may take to read a reply"`
	MinRate           envelope.Octets `env:"SMTP_MIN_RATE" envDefault:"500" doc:"lowest rate of a message in bytes per second, checked after a first SMTP_DATA_TIMEOUT"`
	StressIdle        time.Duration   `env:"SMTP_STRESS_IDLE_TIMEOUT" envDefault:"10s" doc:"SMTP_IDLE_TIMEOUT of strangers while they have more than four fifths of the connections they may have"`
	StressData        time.Duration   `env:"SMTP_STRESS_DATA_TIMEOUT" envDefault:"20s" doc:"SMTP_DATA_TIMEOUT of strangers during that time"`
	StressRate        envelope.Octets `env:"SMTP_STRESS_MIN_RATE" envDefault:"5000" doc:"SMTP_MIN_RATE of strangers during that time"`
	IdleCommands      int             `env:"SMTP_IDLE_COMMANDS" envDefault:"50" doc:"commands without progress (NOOP, RSET, refused recipients of unauthenticated clients) for each message, then 421"`
	AuthFailures      int             `env:"SMTP_AUTH_FAILURES" envDefault:"20" doc:"failed logins per minute from one client address (IPv6: one /64; of a /56 twice and of a /48 four times as many), then 454; as many for one login, from anywhere, make its next logins wait, except from networks where it was right within 7 days"`
	AuthLoopback      bool            `env:"SMTP_AUTH_LOOPBACK" envDefault:"true" doc:"accept logins without TLS where both ends of the connection are loopback addresses; false where a proxy, tunnel or container on this machine forwards connections of other machines"`
	AuthPerConnection int             `env:"SMTP_AUTH_PER_CONNECTION" envDefault:"3" doc:"failed logins after which a connection is closed"`
	Drain             time.Duration   `env:"SMTP_DRAIN" envDefault:"25s" doc:"how long a shutdown waits for messages that are being received"`
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	for _, n := range []struct {
		name            string
		value, min, max int64
	}{
		{"CONNECTIONS_PER_IP", int64(c.ConnectionsPerIP), 1, 100000},
		{"MAX_CONNECTIONS", int64(c.MaxConnections), 1, 100000},
		{"KEPT_CONNECTIONS", int64(c.KeptConnections), 1, 100000},
		{"IDLE_COMMANDS", int64(c.IdleCommands), 10, 100000},
		{"AUTH_FAILURES", int64(c.AuthFailures), 1, 100000},
		{"AUTH_PER_CONNECTION", int64(c.AuthPerConnection), 1, 100},
		{"MIN_RATE", int64(c.MinRate), 1, 1 << 20},
		{"STRESS_MIN_RATE", int64(c.StressRate), 1, 1 << 20},
	} {
		if n.value != 0 && (n.value < n.min || n.value > n.max) {
			faults = append(faults, fmt.Errorf("OFFRAMP_SMTP_%s is %d: use a number from %d to %d", n.name, n.value, n.min, n.max))
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"IDLE_TIMEOUT", c.IdleTimeout}, {"DATA_TIMEOUT", c.DataTimeout}, {"WRITE_TIMEOUT", c.WriteTimeout}, {"DRAIN", c.Drain},
		{"STRESS_IDLE_TIMEOUT", c.StressIdle}, {"STRESS_DATA_TIMEOUT", c.StressData},
	} {
		if d.value != 0 && (d.value < time.Second || d.value > time.Hour) {
			faults = append(faults, fmt.Errorf("OFFRAMP_SMTP_%s is %s: use a duration from 1s to 1h", d.name, d.value))
		}
	}
	if full := c.WithDefaults(); full.ConnectionsPerIP > full.MaxConnections {
		faults = append(faults, fmt.Errorf("OFFRAMP_SMTP_CONNECTIONS_PER_IP (%d) is over OFFRAMP_SMTP_MAX_CONNECTIONS (%d): lower it",
			full.ConnectionsPerIP, full.MaxConnections))
	}
	return errors.Join(faults...)
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	number := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	duration := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	number(&c.MaxConnections, 1000)
	number(&c.ConnectionsPerIP, 50)
	number(&c.KeptConnections, 100)
	number(&c.IdleCommands, 50)
	number(&c.AuthFailures, 20)
	number(&c.AuthPerConnection, 3)
	duration(&c.IdleTimeout, 300*time.Second)
	duration(&c.DataTimeout, 180*time.Second)
	duration(&c.WriteTimeout, 60*time.Second)
	duration(&c.StressIdle, 10*time.Second)
	duration(&c.StressData, 20*time.Second)
	duration(&c.Drain, 25*time.Second)
	if c.MinRate == 0 {
		c.MinRate = 500
	}
	if c.StressRate == 0 {
		c.StressRate = 5000
	}
	return c
}

// kept is how many connections strangers cannot take.
func (c Config) kept() int { return min(c.KeptConnections, c.MaxConnections/2) }
