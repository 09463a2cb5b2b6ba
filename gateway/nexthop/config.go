package nexthop

import (
	"errors"
	"fmt"
	"time"
)

// Config holds the settings of next hops. A zero duration or number means its default.
type Config struct {
	Servers        []string `env:"NEXT_HOP" secret:"true" doc:"where mail goes: smtp://host:25, smtp+starttls://user:password@host:587, smtps://host:465, lmtp://host:24, several for fail-over, or mx for direct delivery; percent-encode special characters of a password"`
	Profile        []string `env:"NEXT_HOP_PROFILE" doc:"what the next hop does to signed mail, so that signatures survive it: generic, ses, mailjet, brevo, mailgun, postmark, unsigned or auto; several next hops: one word for all, or one for each; empty: auto, chosen by the host name"`
	Connections    int      `env:"NEXT_HOP_CONNECTIONS" envDefault:"20" doc:"connections to next hops in total; with mx, three times as many more may wait for the first answer of a destination"`
	PerDestination int      `env:"NEXT_HOP_PER_DESTINATION" envDefault:"0" doc:"connections to one destination; 0: all of them for a smarthost, 4 with mx"`
	TLSCAFile      string   `env:"NEXT_HOP_TLS_CA" doc:"PEM file of the authorities that smtp+starttls and smtps next hops are verified against; empty: those of the system"`

	ConnectTimeout time.Duration `env:"NEXT_HOP_TIMEOUT_CONNECT" envDefault:"30s" doc:"timeout to open a connection, and again for its TLS handshake"`
	CommandTimeout time.Duration `env:"NEXT_HOP_TIMEOUT_COMMAND" envDefault:"300s" doc:"timeout for the reply to a command"`
	WriteTimeout   time.Duration `env:"NEXT_HOP_TIMEOUT_WRITE" envDefault:"180s" doc:"timeout to write one block of a message"`
	DotTimeout     time.Duration `env:"NEXT_HOP_TIMEOUT_DOT" envDefault:"600s" doc:"timeout for the final reply to a message"`
	IdleTimeout    time.Duration `env:"NEXT_HOP_IDLE" envDefault:"20s" doc:"how long an unused connection is kept for the next message"`
}

// ErrNoNextHop says that no next hop is configured.
var ErrNoNextHop = errors.New("OFFRAMP_NEXT_HOP is not set: name the smarthost, e.g. smtp://mail.example.com:25, or mx for direct delivery")

// Validate returns every error in the settings, one line each.
func (c Config) Validate() error {
	_, err := c.servers()
	errs := []error{err}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"NEXT_HOP_CONNECTIONS", c.Connections},
		{"NEXT_HOP_PER_DESTINATION", c.PerDestination},
	} {
		if n.value < 0 || n.value > 10000 {
			errs = append(errs, fmt.Errorf("OFFRAMP_%s is %d: use a number from 1 to 10000", n.name, n.value))
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"NEXT_HOP_TIMEOUT_CONNECT", c.ConnectTimeout}, {"NEXT_HOP_TIMEOUT_COMMAND", c.CommandTimeout},
		{"NEXT_HOP_TIMEOUT_WRITE", c.WriteTimeout}, {"NEXT_HOP_TIMEOUT_DOT", c.DotTimeout},
		{"NEXT_HOP_IDLE", c.IdleTimeout},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("OFFRAMP_%s is %s: use a positive duration such as 30s, 5m or 4h", d.name, d.value))
		}
	}
	if c.TLSCAFile != "" {
		if _, err := loadCA(c.TLSCAFile); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Direct says whether mail goes to the exchangers of each domain.
func (c Config) Direct() bool {
	all, err := c.servers()
	return err == nil && all.direct
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	if c.Connections == 0 {
		c.Connections = 20
	}
	duration := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	duration(&c.ConnectTimeout, 30*time.Second)
	duration(&c.CommandTimeout, 300*time.Second)
	duration(&c.WriteTimeout, 180*time.Second)
	duration(&c.DotTimeout, 600*time.Second)
	duration(&c.IdleTimeout, 20*time.Second)
	return c
}
