package clock

import (
	"fmt"
	"time"
)

// Config holds the settings of this package.
type Config struct {
	// Tolerance is how far ahead of what can be accounted for the clock is
	// believed; zero: however far.
	Tolerance time.Duration `env:"CLOCK_TOLERANCE" envDefault:"168h" doc:"how far the clock may be ahead of the time that the server has run and recorded before, such as after a stop; beyond it nothing is retired or given up and no pause ends until the clock is right or accepted (offramp clock accept); 0: every clock is believed"`
}

// leastTolerance lets a machine be off for a day.
const leastTolerance = 24 * time.Hour

// Validate returns the error in the settings, naming its variable.
func (c Config) Validate() error {
	if c.Tolerance != 0 && c.Tolerance < leastTolerance {
		return fmt.Errorf("OFFRAMP_CLOCK_TOLERANCE is %s: use 0 or at least %s", c.Tolerance, leastTolerance)
	}
	return nil
}
