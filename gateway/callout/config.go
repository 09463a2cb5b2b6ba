package callout

import (
	"errors"
	"fmt"
)

// Config holds the settings of this package.
type Config struct {
	Targets []string `env:"CALLOUT_TARGETS" doc:"origins of your own that webhooks and one-click URLs of senders may call although they are at a private address or without TLS: https://crm.internal:8443, http://10.0.0.5:9000, or *.example.net for https to every host below a domain, comma separated; everything else must be https at a public address"`
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	for _, one := range c.Targets {
		if _, err := parseTarget(one); err != nil {
			faults = append(faults, fmt.Errorf("OFFRAMP_CALLOUT_TARGETS: %q %w: write one such as https://crm.internal:8443, http://10.0.0.5:9000 or *.example.net", one, err))
		}
	}
	return errors.Join(faults...)
}
