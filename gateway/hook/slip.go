package hook

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The causes of slips: what an operator has to set right, and then all calls
// that were repeated meanwhile are taken.
const (
	causeLogin = "login" // the password that Postmark sends is another
	causeTopic = "topic" // an SNS topic that is not in the settings
	causeClock = "clock" // the clock is wrong
)

// slipError says that a call is from its vendor, as far as that can be checked,
// and is not taken for something that the operator can set right.
type slipError struct {
	cause  string
	text   string
	behind time.Duration // of the vendor's clock behind ours, for causeClock
}

func (e *slipError) Error() string { return e.text }

// fresh compares the time in a valid signature with our clock.
func (c *call) fresh(signed time.Time) error {
	behind := c.now.Sub(signed)
	if behind <= tolerance && -behind <= ahead {
		return nil
	}
	return &slipError{causeClock, fmt.Sprintf("the vendor's clock says %s, and this server's %s: set the clock right (or the call was repeated for too long)",
		signed.UTC().Format(time.RFC3339), c.now.UTC().Format(time.RFC3339)), behind}
}

// Slip is a setting, or the clock, for which calls of a vendor are not taken.
type Slip struct {
	Vendor, Cause string
	First, Last   time.Time     // of the calls since it was right
	Behind        time.Duration // of the vendor's clock behind ours, for the cause "clock"
}

// forgotten is when a slip is over that no call repeats: no vendor waits longer.
const forgotten = tolerance

// slips keeps what is wrong: there are few vendors, and few causes.
type slips struct {
	mu  sync.Mutex
	all map[string]Slip
}

func name(vendor, cause string) string { return vendor + " " + cause }

func (s *slips) wrong(key string, behind time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, known := s.all[key]
	if !known || now.Sub(one.Last) > forgotten {
		vendor, cause, _ := strings.Cut(key, " ")
		one = Slip{Vendor: vendor, Cause: cause, First: now}
	}
	one.Last, one.Behind = now, behind
	if s.all == nil {
		s.all = make(map[string]Slip)
	}
	s.all[key] = one
}

func (s *slips) right(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.all, key)
	}
}

// Slips returns what is wrong at the moment.
func (h *Hooks) Slips() []Slip {
	now := h.now()
	h.slips.mu.Lock()
	defer h.slips.mu.Unlock()
	var all []Slip
	for _, one := range h.slips.all {
		if now.Sub(one.Last) <= forgotten {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Slip) int { return strings.Compare(name(a.Vendor, a.Cause), name(b.Vendor, b.Cause)) })
	return all
}
