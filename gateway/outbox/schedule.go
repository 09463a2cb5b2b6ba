package outbox

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"

	"offramp/store"
)

// usualWaits are how long it is waited before an event is tried again, by how often it
// was tried; the last one stays.
func usualWaits() []time.Duration {
	return []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 2 * time.Minute, 7 * time.Minute, 20 * time.Minute, time.Hour}
}

// longestWait bounds what a receiver asks for.
const longestWait = 4 * time.Hour

// waitAfter is how long it is waited after the tries-th failure, a tenth more or less,
// so that what failed together does not come back together.
func waitAfter(waits []time.Duration, tries int, asked time.Duration, random io.Reader) time.Duration {
	d := waits[min(max(tries, 1), len(waits))-1]
	var b [4]byte
	if _, err := io.ReadFull(random, b[:]); err == nil {
		d += time.Duration(float64(d) * (float64(binary.LittleEndian.Uint32(b[:]))/(1<<32)*0.2 - 0.1))
	}
	return max(d, min(asked, longestWait))
}

// maxError is the longest error that is recorded, in bytes.
const maxError = 256

// errorText is what is recorded of an error: one line.
func errorText(err error) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(err.Error(), "?"))
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "")
	}
	return text
}

// failureOf reads the error of a receiver.
func failureOf(err error) Failure {
	var f *Failure
	if errors.As(err, &f) {
		return Failure{Text: errorText(err), Refused: f.Refused, Apart: f.Apart, After: f.After}
	}
	return Failure{Text: errorText(err)}
}

// wants says whether a consumer gets an event of that list. What is about all
// lists is about each.
func wants(c store.Consumer, e store.Event) bool {
	if len(c.Lists) == 0 || e.List == store.AllLists {
		return true
	}
	for _, list := range c.Lists {
		if list == e.List {
			return true
		}
	}
	return false
}
