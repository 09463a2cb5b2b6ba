package outbox

import (
	"errors"
	"fmt"
	"time"
)

// Config holds the settings of this package.
type Config struct {
	Lanes  int           `env:"WEBHOOK_LANES" envDefault:"8" doc:"calls to one receiver at a time, 1 to 64; events of one person are sent one after another in any case"`
	GiveUp time.Duration `env:"WEBHOOK_GIVE_UP" envDefault:"72h" doc:"how long an event is tried before its receiver is paused, at least 1h; offramp webhook resume goes on from there"`
}

func (c Config) withDefaults() Config {
	if c.Lanes == 0 {
		c.Lanes = 8
	}
	if c.GiveUp == 0 {
		c.GiveUp = 72 * time.Hour
	}
	return c
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	if c.Lanes < 0 || c.Lanes > 64 {
		faults = append(faults, fmt.Errorf("OFFRAMP_WEBHOOK_LANES is %d: use 1 to 64", c.Lanes))
	}
	if c.GiveUp != 0 && c.GiveUp < time.Hour {
		faults = append(faults, fmt.Errorf("OFFRAMP_WEBHOOK_GIVE_UP is %s: use at least 1h", c.GiveUp))
	}
	return errors.Join(faults...)
}
