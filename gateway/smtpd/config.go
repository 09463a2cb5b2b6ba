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
	ConnectionsPerIP  int             `env:"SMTP_CONNECTIONS_PER_IP" envDefault:"50" doc:"SMTP connections of one client address (IPv6: one /64)"`
	IdleTimeout       time.Duration   `env:"SMTP_IDLE_TIMEOUT" envDefault:"300s" doc:"how long a client may take for a command"`
	DataTimeout       time.Duration   `env:"SMTP_DATA_TIMEOUT" envDefault:"180s" doc:"how long a client may take for a block of a message"`
	WriteTimeout      time.Duration   `env:"SMTP_WRITE_TIMEOUT" envDefault:"60s" doc:"how long a client may take to read a reply"`
	MinRate           envelope.Octets `env:"SMTP_MIN_RATE" envDefault:"500" doc:"lowest rate of a message in bytes per second, checked after a first SMTP_DATA_TIMEOUT"`
	IdleCommands      int             `env:"SMTP_IDLE_COMMANDS" envDefault:"50" doc:"commands without progress (NOOP, RSET, refused recipients of unauthenticated clients) for each message, then 421"`
	AuthFailures      int             `env:"SMTP_AUTH_FAILURES" envDefault:"20" doc:"failed logins per minute from one client address or for one login, then 454"`
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
		{"IDLE_COMMANDS", int64(c.IdleCommands), 10, 100000},
		{"AUTH_FAILURES", int64(c.AuthFailures), 1, 100000},
		{"AUTH_PER_CONNECTION", int64(c.AuthPerConnection), 1, 100},
		{"MIN_RATE", int64(c.MinRate), 1, 1 << 20},
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
	number(&c.IdleCommands, 50)
	number(&c.AuthFailures, 20)
	number(&c.AuthPerConnection, 3)
	duration(&c.IdleTimeout, 300*time.Second)
	duration(&c.DataTimeout, 180*time.Second)
	duration(&c.WriteTimeout, 60*time.Second)
	duration(&c.Drain, 25*time.Second)
	if c.MinRate == 0 {
		c.MinRate = 500
	}
	return c
}
