package mime

import (
	"strings"
	"testing"
)

// Text of braces and names costs one try for each brace, or a message of 50 MiB
// keeps a core busy for a minute. A try is seen by the memory it takes.
func TestNamesDoNotShareTheirBraces(t *testing.T) {
	const braces, names = 8, 4000
	text := []byte(strings.Repeat(strings.Repeat("{", braces)+placeholderName, names))
	tries := testing.AllocsPerRun(1, func() {
		var m matcher
		m.feed(text)
		m.finish()
	})
	if most := 1.5 * braces * names; tries > most {
		t.Errorf("%.0f tries, want at most %.0f", tries, most)
	}
}
