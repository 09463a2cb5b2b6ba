package feedback

import (
	"fmt"
	"strings"

	"offramp/gateway/envelope"
)

// Config holds the settings of what comes back.
type Config struct {
	ReturnPath string   `env:"RETURN_PATH" doc:"reverse-path of list mail: verp (an address of the feedback domain that names the recipient, so that bounces are read) or keep (the sender's); empty: verp when OFFRAMP_FEEDBACK_DOMAIN is set"`
	PassOn     bool     `env:"BOUNCE_PASS_ON" envDefault:"true" doc:"forward bounces to the reverse-path that the sender gave"`
	CFBL       bool     `env:"CFBL" doc:"add CFBL-Address and CFBL-Feedback-ID (RFC 9477), so that mail providers can report complaints"`
	SenderID   string   `env:"FEEDBACK_ID" doc:"last part of Feedback-ID, by which Gmail's Postmaster Tools count complaints: 5 to 15 letters and digits; empty: none is added"`
	Addresses  []string `env:"FEEDBACK_ADDRESSES" doc:"further addresses whose mail is routed here: of feedback loops, bounces and replies; comma separated"`
	Keep       int      `env:"FEEDBACK_KEEP" envDefault:"100" doc:"how many unrecognised messages are kept in the folder feedback of OFFRAMP_DATA_DIR; 0: none"`
}

// What becomes of the reverse-path of list mail.
const (
	VERP = "verp"
	Keep = "keep"
)

// mostKept bounds the disk they take: at most 1 GiB.
const mostKept = 1000

// Validate returns the error in the settings, naming its variable.
func (c Config) Validate() error {
	if c.ReturnPath != "" && c.ReturnPath != VERP && c.ReturnPath != Keep {
		return fmt.Errorf("OFFRAMP_RETURN_PATH is %q: use %s or %s", c.ReturnPath, VERP, Keep)
	}
	if id := c.SenderID; id != "" && (len(id) < 5 || len(id) > 15 || strings.ContainsFunc(id, notAlphanumeric)) {
		return fmt.Errorf("OFFRAMP_FEEDBACK_ID is %q: use 5 to 15 letters and digits", id)
	}
	if c.Keep < 0 || c.Keep > mostKept {
		return fmt.Errorf("OFFRAMP_FEEDBACK_KEEP is %d: use 0 to %d", c.Keep, mostKept)
	}
	for _, one := range c.Addresses {
		a, err := envelope.Parse(one)
		if err != nil || a.Domain() == "" {
			return fmt.Errorf("OFFRAMP_FEEDBACK_ADDRESSES: invalid mail address %q: write one such as complaints@example.org", one)
		}
		if isPostmaster(a) {
			return fmt.Errorf("OFFRAMP_FEEDBACK_ADDRESSES: %q must reach a person (RFC 5321 section 4.5.1)", one)
		}
	}
	return nil
}

func notAlphanumeric(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
}
