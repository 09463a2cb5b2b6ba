package ledger

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/store"
)

// Receipt is what is attested. Each text is one line of UTF-8 and not empty.
type Receipt struct {
	Recipient string // lookup key
	List      string // empty: all lists
	Kind      store.EventKind
	Way       store.Way
	Received  time.Time // to the microsecond
	InForce   time.Time // to the microsecond; zero: not recorded
	Event     int64     // in the ledger
	Link      store.Sum // of that event: the ledger up to it is fixed by this receipt
}

// ErrReceipt says that something is not a receipt: text that Sign did not make, or
// a Receipt that has no text.
var ErrReceipt = errors.New("not a receipt")

// ReceiptOf is the receipt of an opt-out, whose event has that link in the ledger.
func ReceiptOf(o store.OptOut, link store.Sum) Receipt {
	e := o.Event
	return Receipt{
		Recipient: e.Recipient, List: e.List, Kind: e.Kind, Way: e.Way,
		Received: e.Time, InForce: o.InForce, Event: e.ID, Link: link,
	}
}

const (
	heading     = "offramp receipt v1"
	oneList     = "list "
	allLists    = "all lists"
	notRecorded = "not recorded"
	micros      = "2006-01-02T15:04:05.000000Z"
)

// names are the fields in their order.
var names = [...]string{"recipient", "scope", "what", "way", "received", "in force", "event", "ledger link"}

// text writes r without a signature.
func (r Receipt) text() (string, error) {
	scope, inForce := allLists, notRecorded
	if r.List != store.AllLists {
		scope = oneList + r.List
	}
	if !r.InForce.IsZero() {
		inForce = stamp(r.InForce)
	}
	values := [len(names)]string{
		r.Recipient, scope, string(r.Kind), string(r.Way), stamp(r.Received), inForce,
		strconv.FormatInt(r.Event, 10), hex.EncodeToString(r.Link[:]),
	}
	if r.Event < 1 || r.Received.IsZero() {
		return "", fmt.Errorf("%w: no event", ErrReceipt)
	}
	var b strings.Builder
	b.WriteString(heading + "\n")
	for i, v := range values {
		if v == "" || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
			return "", fmt.Errorf("%w: %s is not one line of text", ErrReceipt, names[i])
		}
		b.WriteString(names[i] + ": " + v + "\n")
	}
	return b.String(), nil
}

func stamp(t time.Time) string { return t.UTC().Format(micros) }

// parse reads what text wrote, and nothing else: what it reads is written again
// and compared, so that no two texts say the same.
func parse(text string) (Receipt, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != len(names)+2 || lines[0] != heading || lines[len(lines)-1] != "" {
		return Receipt{}, fmt.Errorf("%w: it has the wrong lines", ErrReceipt)
	}
	var values [len(names)]string
	for i, name := range names {
		v, ok := strings.CutPrefix(lines[i+1], name+": ")
		if !ok {
			return Receipt{}, fmt.Errorf("%w: line %d is not %q", ErrReceipt, i+2, name)
		}
		values[i] = v
	}
	r := Receipt{Recipient: values[0], Kind: store.EventKind(values[2]), Way: store.Way(values[3])}
	r.List, _ = strings.CutPrefix(values[1], oneList)
	if values[1] == allLists {
		r.List = store.AllLists
	}
	// What is wrong with a number or a time shows when it is written again.
	r.Received, _ = time.Parse(micros, values[4])
	r.InForce, _ = time.Parse(micros, values[5])
	r.Event, _ = strconv.ParseInt(values[6], 10, 64)
	if link, err := hex.DecodeString(values[7]); err == nil {
		copy(r.Link[:], link)
	}
	if again, err := r.text(); err != nil || again != text {
		return Receipt{}, fmt.Errorf("%w: it has malformed values", ErrReceipt)
	}
	return r, nil
}
