package history

import (
	"fmt"
	"time"

	"offramp/gateway/envelope"
)

// Config holds the settings of this package.
type Config struct {
	// Retention is how long it is known what became of a message; zero: as long as
	// there is room.
	Retention time.Duration `env:"RETENTION_MESSAGES" envDefault:"720h" doc:"how long it is known what became of a message (offramp messages), from when it left the queue; 0: as long as OFFRAMP_RETENTION_MESSAGES_SIZE has room"`
	// Size is how many bytes that may take; zero: a tenth of the volume, which is
	// the most in any case.
	Size envelope.Octets `env:"RETENTION_MESSAGES_SIZE" envDefault:"1GiB" doc:"how much disk that may take, about three million messages in a GiB; the oldest go first. At most a tenth of the volume; 0: that tenth"`
}

// leastRetention keeps a mistyped unit from removing all at once.
const leastRetention = time.Hour

// Validate returns the error in the settings, naming its variable.
func (c Config) Validate() error {
	switch {
	case c.Retention != 0 && c.Retention < leastRetention:
		return fmt.Errorf("OFFRAMP_RETENTION_MESSAGES is %s: use 0 or at least %.0fh", c.Retention, leastRetention.Hours())
	case c.Size != 0 && c.Size < leastSize:
		return fmt.Errorf("OFFRAMP_RETENTION_MESSAGES_SIZE is %s: use 0 or at least %s", c.Size, envelope.Octets(leastSize))
	}
	return nil
}

// leastSize is what is kept however short space is.
const leastSize = 16 << 20
