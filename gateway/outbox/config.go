package outbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"offramp/store"
)

// Config holds the settings of this package.
type Config struct {
	Lanes  int           `env:"WEBHOOK_LANES" envDefault:"8" doc:"calls to one receiver at a time, 1 to 64; events of one person are sent one after another in any case"`
	GiveUp time.Duration `env:"WEBHOOK_GIVE_UP" envDefault:"72h" doc:"how long an event is tried before its receiver is paused, at least 1h; offramp webhook resume goes on from there"`
}

// ParseKinds reads the names of kinds of events. Its error is for the operator.
func ParseKinds(names []string) (kinds []store.EventKind, err error) {
	for _, name := range names {
		kind := store.EventKind(name)
		if !slices.Contains(store.EventKinds(), kind) {
			all := strings.Trim(fmt.Sprint(store.EventKinds()), "[]")
			return nil, fmt.Errorf("kind %q: want one of %s", name, strings.ReplaceAll(all, " ", ", "))
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
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
