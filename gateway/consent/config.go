package consent

import (
	"fmt"
	"time"
)

// Config holds the settings of this package.
type Config struct {
	// TransactionalDead has mail that is exempt from opt-outs checked against
	// dead addresses: those that bounced and those the operator stopped for
	// all lists.
	TransactionalDead bool `env:"CHECK_TRANSACTIONAL" envDefault:"true" doc:"drop exempt (transactional) mail too when its address bounced or was suppressed by hand for all lists"`
	// BounceLimit is how many soft bounces in a run make an address dead, at
	// most one a day; zero: none do.
	BounceLimit int `env:"BOUNCE_LIMIT" envDefault:"5" doc:"soft bounces in a row, at most one counted per day, after which an address gets no more mail; 0: only a hard bounce stops it"`
	// BounceProof is how long after mail was sent it is certain that it did not
	// come back: servers give up after five days (RFC 5321 section 4.5.4.1).
	BounceProof time.Duration `env:"BOUNCE_PROOF" envDefault:"144h" doc:"time without a bounce after which a sent message counts as delivered and resets the count of soft bounces"`
	// ComplaintScope is what a complaint stops: ComplaintsStopList or
	// ComplaintsStopAll; empty: the list.
	ComplaintScope string `env:"COMPLAINT_SCOPE" envDefault:"list" doc:"what a complaint stops: list (the list it is about) or all"`
	// EraseWithin is how long after an erasure the last copies of what was erased
	// may be left on the disk; zero: 24 h.
	EraseWithin time.Duration `env:"ERASE_WITHIN" envDefault:"24h" doc:"time in which what was erased is overwritten on the disk, from 1h to 720h; it is removed from the records at once"`
	// Retention is how long events and contacts are kept; zero keeps them.
	Retention time.Duration `env:"RETENTION" envDefault:"26280h" doc:"how long events and records of sent mail are kept; opt-outs and other choices are kept for ever; 0: everything is kept"`
}

// The scopes of a complaint.
const (
	ComplaintsStopList = "list"
	ComplaintsStopAll  = "all"
)

// bouncesApart is how far apart soft bounces count: a little less than a day,
// so that a daily letter counts each time.
const bouncesApart = 20 * time.Hour

// leastRetention covers the time an opt-out must work after the message (CASL
// section 11: 60 days), and the last message before a monthly limit.
const leastRetention = 62 * 24 * time.Hour

// An erasure is due without undue delay, at the latest after a month (GDPR
// article 12(3)).
const (
	leastErase = time.Hour
	mostErase  = 30 * 24 * time.Hour
)

// OverwrittenWithin is EraseWithin, or its default.
func (c Config) OverwrittenWithin() time.Duration {
	if c.EraseWithin == 0 {
		return 24 * time.Hour
	}
	return c.EraseWithin
}

// Validate returns the error in the settings, naming its variable.
func (c Config) Validate() error {
	switch {
	case c.BounceLimit < 0:
		return fmt.Errorf("OFFRAMP_BOUNCE_LIMIT is %d: use 0 or more", c.BounceLimit)
	case c.BounceProof < bouncesApart && c.BounceLimit > 0:
		return fmt.Errorf("OFFRAMP_BOUNCE_PROOF is %s: use at least %s", c.BounceProof, bouncesApart)
	case c.ComplaintScope != "" && c.ComplaintScope != ComplaintsStopList && c.ComplaintScope != ComplaintsStopAll:
		return fmt.Errorf("OFFRAMP_COMPLAINT_SCOPE is %q: use %s or %s", c.ComplaintScope, ComplaintsStopList, ComplaintsStopAll)
	}
	if c.EraseWithin != 0 && (c.EraseWithin < leastErase || c.EraseWithin > mostErase) {
		return fmt.Errorf("OFFRAMP_ERASE_WITHIN is %s: use %.0fh to %.0fh", c.EraseWithin, leastErase.Hours(), mostErase.Hours())
	}
	if c.Retention != 0 && c.Retention < leastRetention {
		return fmt.Errorf("OFFRAMP_RETENTION is %s: use 0 or at least %.0fh", c.Retention, leastRetention.Hours())
	}
	return nil
}
