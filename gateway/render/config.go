package render

import "fmt"

// What becomes of a List-Unsubscribe field that the sender set.
const (
	Replace = "replace" // it gives way to ours
	Keep    = "keep"    // it stays, and ours is not added
	Chain   = "chain"   // as Replace, and an opt-out is passed on to it (room chain)
)

// What becomes of lines over 998 bytes.
const (
	Encode = "encode" // they are folded or encoded, where nothing speaks against it
	Pass   = "pass"   // they stay
)

// Whether list mail without a link in its body gets a visible line with one.
const (
	Add = "add"
	Off = "off"
)

// Config holds the settings of rendering.
type Config struct {
	Footer         string `env:"FOOTER" envDefault:"off" doc:"add puts one visible line with the recipient's own link at the end of list mail whose text has no unsubscribe link, which Gmail, Yahoo and Microsoft ask for beside the header; off leaves bodies alone"`
	ExistingHeader string `env:"EXISTING_HEADER" envDefault:"replace" doc:"what to do with a List-Unsubscribe that the sender set: replace, keep, or chain (replace, and pass each opt-out on to it: its one-click URL is called, or the mail of its mailto URI sent)"`
	LongLines      string `env:"LONG_LINES" envDefault:"encode" doc:"what to do with lines over 998 bytes, which servers further on would break, and the signature with them: encode (fold header lines, wrap base64, make other content quoted-printable) or pass"`
}

// Validate returns what is wrong with the settings.
func (c Config) Validate() error {
	switch c.ExistingHeader {
	case "", Replace, Keep, Chain: // empty: Replace
	default:
		return fmt.Errorf("OFFRAMP_EXISTING_HEADER is %q: use replace, keep or chain", c.ExistingHeader)
	}
	switch c.Footer {
	case "", Add, Off: // empty: Off
	default:
		return fmt.Errorf("OFFRAMP_FOOTER is %q: use add or off", c.Footer)
	}
	switch c.LongLines {
	case "", Encode, Pass: // empty: Encode
		return nil
	}
	return fmt.Errorf("OFFRAMP_LONG_LINES is %q: use encode or pass", c.LongLines)
}
