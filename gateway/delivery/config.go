package delivery

import (
	"errors"
	"fmt"
	"time"
)

// Config holds the settings of deliveries. A zero duration or number stands for its default.
type Config struct {
	NextHop            []string `env:"NEXT_HOP" secret:"true" doc:"where mail goes: smtp://host:25, smtp+starttls://user:password@host:587, smtps://host:465, lmtp://host:24, several for fail-over, or mx for direct delivery; percent-encode special characters of a password"`
	NextHopConnections int      `env:"NEXT_HOP_CONNECTIONS" envDefault:"20" doc:"connections to next hops in total"`
	PerDestination     int      `env:"NEXT_HOP_PER_DESTINATION" envDefault:"0" doc:"connections to one destination; 0: all of them for a smarthost, 4 with mx"`
	TLSCAFile          string   `env:"NEXT_HOP_TLS_CA" doc:"PEM file of the authorities that smtp+starttls and smtps next hops are verified against; empty: those of the system"`

	RetryMin     time.Duration `env:"RETRY_MIN" envDefault:"1m" doc:"wait after the first deferral; doubles with each further one"`
	RetryMax     time.Duration `env:"RETRY_MAX" envDefault:"4h" doc:"longest wait between two attempts"`
	Expire       time.Duration `env:"RETRY_EXPIRE" envDefault:"120h" doc:"age at which a deferred message bounces"`
	BounceExpire time.Duration `env:"RETRY_EXPIRE_BOUNCES" envDefault:"24h" doc:"age at which mail with the null reverse-path, such as a bounce, is discarded"`
	DelayNotice  time.Duration `env:"RETRY_NOTICE" envDefault:"4h" doc:"age at which a sender who asked for it (NOTIFY=DELAY) is notified that delivery is delayed"`

	ConnectTimeout time.Duration `env:"NEXT_HOP_TIMEOUT_CONNECT" envDefault:"30s" doc:"timeout to open a connection, and again for its TLS handshake"`
	CommandTimeout time.Duration `env:"NEXT_HOP_TIMEOUT_COMMAND" envDefault:"300s" doc:"timeout for the reply to a command"`
	WriteTimeout   time.Duration `env:"NEXT_HOP_TIMEOUT_WRITE" envDefault:"180s" doc:"timeout to write one block of a message"`
	DotTimeout     time.Duration `env:"NEXT_HOP_TIMEOUT_DOT" envDefault:"600s" doc:"timeout for the final reply to a message"`
	IdleTimeout    time.Duration `env:"NEXT_HOP_IDLE" envDefault:"20s" doc:"how long an unused connection is kept for the next message"`
	Drain          time.Duration `env:"NEXT_HOP_DRAIN" envDefault:"25s" doc:"how long a shutdown waits for running deliveries"`
}

// ErrNoNextHop says that no next hop is configured.
var ErrNoNextHop = errors.New("OFFRAMP_NEXT_HOP is not set: name the smarthost, e.g. smtp://mail.example.com:25, or mx for direct delivery")

// Validate returns every fault of the settings, one line each.
func (c Config) Validate() error {
	_, err := parseNextHops(c.NextHop)
	faults := []error{err}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"NEXT_HOP_CONNECTIONS", c.NextHopConnections},
		{"NEXT_HOP_PER_DESTINATION", c.PerDestination},
	} {
		if n.value < 0 || n.value > 10000 {
			faults = append(faults, fmt.Errorf("OFFRAMP_%s is %d: use a number from 1 to 10000", n.name, n.value))
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"RETRY_MIN", c.RetryMin}, {"RETRY_MAX", c.RetryMax}, {"RETRY_EXPIRE", c.Expire},
		{"RETRY_EXPIRE_BOUNCES", c.BounceExpire}, {"RETRY_NOTICE", c.DelayNotice},
		{"NEXT_HOP_TIMEOUT_CONNECT", c.ConnectTimeout}, {"NEXT_HOP_TIMEOUT_COMMAND", c.CommandTimeout},
		{"NEXT_HOP_TIMEOUT_WRITE", c.WriteTimeout}, {"NEXT_HOP_TIMEOUT_DOT", c.DotTimeout},
		{"NEXT_HOP_IDLE", c.IdleTimeout}, {"NEXT_HOP_DRAIN", c.Drain},
	} {
		if d.value < 0 {
			faults = append(faults, fmt.Errorf("OFFRAMP_%s is %s: use a positive duration such as 30s, 5m or 4h", d.name, d.value))
		}
	}
	full := c.withDefaults()
	if full.RetryMax < full.RetryMin {
		faults = append(faults, fmt.Errorf("OFFRAMP_RETRY_MAX (%s) is shorter than OFFRAMP_RETRY_MIN (%s): raise it", full.RetryMax, full.RetryMin))
	}
	if c.TLSCAFile != "" {
		if _, err := loadCA(c.TLSCAFile); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
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
	number(&c.NextHopConnections, 20)
	duration(&c.RetryMin, time.Minute)
	duration(&c.RetryMax, 4*time.Hour)
	duration(&c.Expire, 120*time.Hour)
	duration(&c.BounceExpire, 24*time.Hour)
	duration(&c.DelayNotice, 4*time.Hour)
	duration(&c.ConnectTimeout, 30*time.Second)
	duration(&c.CommandTimeout, 300*time.Second)
	duration(&c.WriteTimeout, 180*time.Second)
	duration(&c.DotTimeout, 600*time.Second)
	duration(&c.IdleTimeout, 20*time.Second)
	duration(&c.Drain, 25*time.Second)
	return c
}
