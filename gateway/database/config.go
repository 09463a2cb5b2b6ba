package database

import (
	"errors"
	"fmt"

	"offramp/gateway/outbox"
)

// Config holds the settings of this package.
type Config struct {
	URL       string   `env:"SQL_URL" secret:"true" doc:"database of your own that gets the events: postgres://user:password@host/database, as libpq has it, or mysql://user:password@host/database for MySQL and MariaDB; empty: none"`
	Statement string   `env:"SQL_STATEMENT" doc:"statement that is run in OFFRAMP_SQL_URL for every event, with parameters such as :recipient, :list, :kind, :time and :event_id; an event can come more than once"`
	Kinds     []string `env:"SQL_KINDS" envDefault:"unsubscribed" doc:"kinds of events that OFFRAMP_SQL_STATEMENT is run for, such as unsubscribed,suppressed,resubscribed, comma separated"`
	Lists     []string `env:"SQL_LISTS" doc:"lists for whose events OFFRAMP_SQL_STATEMENT is run, comma separated; for what is about all lists it is run with any; empty: all"`
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	switch {
	case c.URL == "" && c.Statement == "":
		return nil
	case c.URL == "":
		return errors.New("OFFRAMP_SQL_STATEMENT: is set, but OFFRAMP_SQL_URL is not: set both")
	case c.Statement == "":
		return errors.New("OFFRAMP_SQL_URL: is set, but OFFRAMP_SQL_STATEMENT is not: set both")
	}
	s, err := readServer(c.URL)
	if err != nil {
		return fmt.Errorf("OFFRAMP_SQL_URL: %w", err)
	}
	if _, err := ParseStatement(c.Statement, s.dialect); err != nil {
		return fmt.Errorf("OFFRAMP_SQL_STATEMENT: %w", err)
	}
	if _, err := outbox.ParseKinds(c.Kinds); err != nil {
		return fmt.Errorf("OFFRAMP_SQL_KINDS: %w", err)
	}
	return nil
}
