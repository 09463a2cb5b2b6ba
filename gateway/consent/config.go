package consent

import (
	"fmt"
	"time"
)

// Config holds the settings of this room.
type Config struct {
	// TransactionalDead has mail that is exempt from opt-outs checked against
	// dead addresses: those that bounced and those the operator stopped for
	// all lists.
	TransactionalDead bool `env:"CHECK_TRANSACTIONAL" envDefault:"true" doc:"drop exempt (transactional) mail too when its address bounced or was suppressed by hand for all lists"`
	// Retention is how long events and contacts are kept; zero keeps them.
	Retention time.Duration `env:"RETENTION" envDefault:"26280h" doc:"how long events and what was sent to whom are kept; opt-outs and other choices are kept for ever; 0: everything is kept"`
}

// leastRetention covers the time an opt-out must work after the message (CASL
// section 11: 60 days), and the last message before a monthly limit.
const leastRetention = 62 * 24 * time.Hour

// Validate returns the fault of the settings, naming its variable.
func (c Config) Validate() error {
	if c.Retention != 0 && c.Retention < leastRetention {
		return fmt.Errorf("OFFRAMP_RETENTION is %s: use 0 or at least %.0fh", c.Retention, leastRetention.Hours())
	}
	return nil
}
