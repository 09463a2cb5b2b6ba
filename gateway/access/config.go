package access

import "errors"

// Config holds the settings of access to the API.
type Config struct {
	Token string `env:"ADMIN_TOKEN" secret:"true" doc:"API key with the scope admin, sent as a bearer token; empty: only clients on the same machine are answered without a key"`
	// Rate 0: no limit.
	Rate int `env:"API_RATE" envDefault:"1000" doc:"requests that an API key has in a minute, and at once; 0: no limit. Clients on the same machine without a key or with OFFRAMP_ADMIN_TOKEN have none"`
	// Failures 0: no limit.
	Failures int `env:"API_KEY_FAILURES" envDefault:"30" doc:"wrong API keys that a network may send in a minute before further ones are not looked up; 0: no limit"`
}

// minToken keeps out keys that can be guessed.
const minToken = 20

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var all []error
	if c.Token != "" && len(c.Token) < minToken {
		all = append(all, errors.New("OFFRAMP_ADMIN_TOKEN: shorter than 20 characters: use a random one, for example from openssl rand -base64 32"))
	}
	if c.Rate < 0 {
		all = append(all, errors.New("OFFRAMP_API_RATE: negative: give a number of requests, or 0 for no limit"))
	}
	if c.Failures < 0 {
		all = append(all, errors.New("OFFRAMP_API_KEY_FAILURES: negative: give a number of wrong keys, or 0 for no limit"))
	}
	return errors.Join(all...)
}
