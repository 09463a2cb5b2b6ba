package language

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// wishLimit bounds, in bytes, what is looked at of a wish: anybody can send
// one. Browsers send less than 100.
const wishLimit = 256

// Speaker returns who speaks the language of a BCP 47 tag, whatever region,
// script or variant it names. It returns false when nobody does.
func (c *Catalogue) Speaker(tag string) (*Speaker, bool) {
	if s, ok := c.byTag[tag]; ok {
		return s, true
	}
	if tag == "" || len(tag) > wishLimit {
		return nil, false
	}
	// Clients send regions and scripts that nobody registered: the language
	// before them is meant all the same.
	parsed, err := language.All.Parse(tag)
	if unknown := language.ValueError(nil); err != nil && !errors.As(err, &unknown) {
		return nil, false
	}
	base, confidence := parsed.Base()
	if confidence != language.Exact { // guessed from a region, or from nothing
		return nil, false
	}
	s, ok := c.byTag[base.String()]
	return s, ok
}

// Match returns who speaks the language that is wished for. Each wish is a
// value of Accept-Language (RFC 9110 section 12.5.4) or one tag; the first wish
// that somebody can meet counts, and of its languages that with the highest
// weight. A wish that is empty, malformed or for any language is passed over,
// and so is what follows its first 256 bytes. English is spoken at last.
func (c *Catalogue) Match(wishes ...string) *Speaker {
	for _, wish := range wishes {
		if s := c.meet(wish); s != nil {
			return s
		}
	}
	return c.speakers[0]
}

// meet returns who meets one wish, or nil.
func (c *Catalogue) meet(wish string) *Speaker {
	if len(wish) > wishLimit {
		wish = wish[:wishLimit]
		// What was cut in two may read as another language.
		wish = wish[:strings.LastIndexByte(wish, ',')+1]
	}
	var best *Speaker
	highest := 0.0
	for element := range strings.SplitSeq(wish, ",") {
		tag, parameter, _ := strings.Cut(element, ";")
		w := weight(parameter)
		if w <= highest {
			continue
		}
		if s, ok := c.Speaker(strings.Trim(tag, " \t")); ok {
			best, highest = s, w
		}
	}
	return best
}

// weight reads "q=0.8". It is 1 when there is none, and 0, which means not
// acceptable, when it is malformed.
func weight(parameter string) float64 {
	parameter = strings.Trim(parameter, " \t")
	if parameter == "" {
		return 1
	}
	name, value, _ := strings.Cut(parameter, "=")
	if name != "q" && name != "Q" {
		return 0
	}
	w, err := strconv.ParseFloat(value, 64)
	if err != nil || !(w >= 0 && w <= 1) {
		return 0
	}
	return w
}
