package render

import "fmt"

// What becomes of a List-Unsubscribe field that the sender set.
const (
	Replace = "replace" // it gives way to ours
	Keep    = "keep"    // it stays, and ours is not added
)

// Config holds the settings of rendering.
type Config struct {
	ExistingHeader string `env:"EXISTING_HEADER" envDefault:"replace" doc:"what to do with a List-Unsubscribe that the sender set: replace or keep"`
}

// Validate returns what is wrong with the settings.
func (c Config) Validate() error {
	switch c.ExistingHeader {
	case "", Replace, Keep: // empty: Replace
		return nil
	}
	return fmt.Errorf("OFFRAMP_EXISTING_HEADER is %q: use replace or keep", c.ExistingHeader)
}
