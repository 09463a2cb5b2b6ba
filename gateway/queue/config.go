package queue

import (
	"errors"
	"fmt"
	"time"
)

// Config holds the settings of the queue. A zero duration means its default.
type Config struct {
	RetryMin     time.Duration `env:"RETRY_MIN" envDefault:"1m" doc:"wait after the first deferral; doubles with each further one"`
	RetryMax     time.Duration `env:"RETRY_MAX" envDefault:"4h" doc:"longest wait between two attempts"`
	Expire       time.Duration `env:"RETRY_EXPIRE" envDefault:"120h" doc:"age at which a deferred message bounces"`
	BounceExpire time.Duration `env:"RETRY_EXPIRE_BOUNCES" envDefault:"24h" doc:"age at which mail with the null reverse-path, such as a bounce, is discarded"`
	DelayNotice  time.Duration `env:"RETRY_NOTICE" envDefault:"4h" doc:"age at which a sender who asked for it (NOTIFY=DELAY) is notified that delivery is delayed"`
	Drain        time.Duration `env:"NEXT_HOP_DRAIN" envDefault:"25s" doc:"how long a shutdown waits for running deliveries"`
}

// Validate returns every error in the settings, one line each.
func (c Config) Validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"RETRY_MIN", c.RetryMin}, {"RETRY_MAX", c.RetryMax}, {"RETRY_EXPIRE", c.Expire},
		{"RETRY_EXPIRE_BOUNCES", c.BounceExpire}, {"RETRY_NOTICE", c.DelayNotice}, {"NEXT_HOP_DRAIN", c.Drain},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("OFFRAMP_%s is %s: use a positive duration such as 30s, 5m or 4h", d.name, d.value))
		}
	}
	full := c.withDefaults()
	if full.RetryMax < full.RetryMin {
		errs = append(errs, fmt.Errorf("OFFRAMP_RETRY_MAX (%s) is shorter than OFFRAMP_RETRY_MIN (%s): raise it", full.RetryMax, full.RetryMin))
	}
	return errors.Join(errs...)
}

// Pause is how long a destination that could not be reached is left alone.
func (c Config) Pause() time.Duration { return min(c.withDefaults().RetryMin, 30*time.Second) }

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	duration := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	duration(&c.RetryMin, time.Minute)
	duration(&c.RetryMax, 4*time.Hour)
	duration(&c.Expire, 120*time.Hour)
	duration(&c.BounceExpire, 24*time.Hour)
	duration(&c.DelayNotice, 4*time.Hour)
	duration(&c.Drain, 25*time.Second)
	return c
}
