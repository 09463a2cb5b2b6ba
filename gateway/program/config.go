package program

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"offramp/gateway/outbox"
)

// Config holds the settings of this package.
type Config struct {
	Command string        `env:"EXEC" doc:"program that is given every event, one JSON object a line on its standard input: a command line of words, with quotes where a word holds spaces; no shell reads it. Empty: none"`
	Kinds   []string      `env:"EXEC_KINDS" doc:"kinds of events that OFFRAMP_EXEC is given, such as unsubscribed,suppressed, comma separated; empty: all"`
	Lists   []string      `env:"EXEC_LISTS" doc:"lists whose events OFFRAMP_EXEC is given, comma separated; what is about all lists is given with any; empty: all"`
	Timeout time.Duration `env:"EXEC_TIMEOUT" envDefault:"1m" doc:"time OFFRAMP_EXEC may take for one batch, after which it and all that it started is killed and the batch is given again; 1s to 1h"`
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	if c.Command != "" {
		if _, err := Words(c.Command); err != nil {
			faults = append(faults, fmt.Errorf("OFFRAMP_EXEC: %w", err))
		}
	}
	if _, err := outbox.ParseKinds(c.Kinds); err != nil {
		faults = append(faults, fmt.Errorf("OFFRAMP_EXEC_KINDS: %w", err))
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > time.Hour) {
		faults = append(faults, fmt.Errorf("OFFRAMP_EXEC_TIMEOUT is %s: use 1s to 1h", c.Timeout))
	}
	return errors.Join(faults...)
}

// Words splits a command line at spaces, as a shell does that expands nothing: in
// single quotes every character stands for itself, in double quotes and outside
// of quotes a backslash has the next character stand for itself.
func Words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	if strings.IndexByte(line, 0) >= 0 {
		return nil, errors.New("holds a NUL character")
	}
	inside, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'':
			if i++; i == len(line) {
				return nil, errors.New("ends with a backslash")
			}
			word.WriteByte(line[i])
			inside = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inside = c, true
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if inside {
				words = append(words, word.String())
				word.Reset()
				inside = false
			}
		default:
			word.WriteByte(c)
			inside = true
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("has a %c that is not closed", quote)
	case inside:
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("names no program")
	}
	return words, nil
}
