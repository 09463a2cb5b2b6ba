package render

import "fmt"

// What becomes of a List-Unsubscribe field that the sender set.
const (
	Replace = "replace" // it gives way to ours
	Keep    = "keep"    // it stays, and ours is not added
)

// What becomes of lines over 998 bytes.
const (
	Encode = "encode" // they are folded or encoded, where nothing speaks against it
	Pass   = "pass"   // they stay
)

// Config holds the settings of rendering.
type Config struct {
	ExistingHeader string `env:"EXISTING_HEADER" envDefault:"replace" doc:"what to do with a List-Unsubscribe that the sender set: replace or keep"`
	LongLines      string `env:"LONG_LINES" envDefault:"encode" doc:"what to do with lines over 998 bytes, which servers further on would break, and the signature with them: encode (fold header lines, wrap base64, make other content quoted-printable) or pass"`
}

// Validate returns what is wrong with the settings.
func (c Config) Validate() error {
	switch c.ExistingHeader {
	case "", Replace, Keep: // empty: Replace
	default:
		return fmt.Errorf("OFFRAMP_EXISTING_HEADER is %q: use replace or keep", c.ExistingHeader)
	}
	switch c.LongLines {
	case "", Encode, Pass: // empty: Encode
		return nil
	}
	return fmt.Errorf("OFFRAMP_LONG_LINES is %q: use encode or pass", c.LongLines)
}
