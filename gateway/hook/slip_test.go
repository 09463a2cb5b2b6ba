package hook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A slip of the operator has the vendor repeat its call, is counted apart from
// forgeries and outages, and ends with the first call that is taken.
func TestSlips(t *testing.T) {
	bounce := file(t, "postmark-bounce.json")
	other := "arn:aws:sns:eu-west-1:123456789012:other"
	guess := func(h *house) int {
		r := post(postmark, bounce)
		r.SetBasicAuth("offramp", "the password of before")
		return h.call(r)
	}
	signed := func(vendor string, off time.Duration) func(h *house) int {
		return func(h *house) int {
			at := h.clock
			h.clock = at.Add(off)
			defer func() { h.clock = at }()
			body := file(t, map[string]string{sendGrid: "sendgrid.json", mailgun: "mailgun-failed.json", ses: "ses-bounce.json"}[vendor])
			var r *http.Request
			switch vendor {
			case sendGrid:
				r = h.signSendGrid(t, body, at)
			case mailgun:
				r = post(mailgun, signMailgun(body, at))
			default:
				n := notice(body)
				n.Timestamp = at.Format(time.RFC3339)
				r = h.amazon.notify(n)
			}
			return h.call(r)
		}
	}
	topic := func(h *house) int {
		n := notice(file(t, "ses-bounce.json"))
		n.TopicArn, n.Timestamp = other, h.clock.Format(time.RFC3339)
		return h.call(h.amazon.notify(n))
	}
	for name, test := range map[string]struct {
		call  func(*house) int
		slip  string
		right func(*house) int // ends it; nil: a restart with other settings does
	}{
		"the password of before":      {guess, "postmark login", func(h *house) int { return h.call(fromPostmark(bounce)) }},
		"another topic":               {topic, "ses topic", nil},
		"sendgrid, our clock behind":  {signed(sendGrid, -time.Hour), "sendgrid clock", signed(sendGrid, 0)},
		"sendgrid, our clock ahead":   {signed(sendGrid, 48*time.Hour), "sendgrid clock", signed(sendGrid, 0)},
		"mailgun, our clock behind":   {signed(mailgun, -6*time.Minute), "mailgun clock", signed(mailgun, 0)},
		"mailgun, our clock ahead":    {signed(mailgun, 25*time.Hour), "mailgun clock", signed(mailgun, 0)},
		"ses, our clock behind":       {signed(ses, -time.Hour), "ses clock", signed(ses, 0)},
		"ses, our clock a year ahead": {signed(ses, 366*24*time.Hour), "ses clock", signed(ses, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			for range 3 {
				if code := test.call(h); code != http.StatusServiceUnavailable {
					t.Errorf("answer %d", code)
				}
				h.pass(time.Hour)
			}
			h.pass(-time.Hour)
			s := h.Stats
			if s.Slips.Load() != 3 || s.Refused.Load() != 0 || s.Unavailable.Load() != 0 || s.Taken.Load() != 0 {
				t.Errorf("counted: slips %d, refused %d, unavailable %d, taken %d", s.Slips.Load(), s.Refused.Load(), s.Unavailable.Load(), s.Taken.Load())
			}
			all := h.slipsNow()
			if len(all) != 1 || all[0].Vendor+" "+all[0].Cause != test.slip || !strings.HasSuffix(name, "ahead") && all[0].Last.Sub(all[0].First) != 2*time.Hour {
				t.Errorf("slips %+v, want %s for two hours", all, test.slip)
			}
			if test.right == nil {
				h.pass(forgotten + time.Second)
			} else if code := test.right(h); code != http.StatusOK {
				t.Errorf("once it is right: answer %d", code)
			}
			if all := h.slipsNow(); len(all) != 0 {
				t.Errorf("still %+v", all)
			}
		})
	}
}

// slipsNow returns the slips whose clock may be off: those of the calls.
func (h *house) slipsNow() []Slip {
	at := h.clock
	defer func() { h.clock = at }()
	for _, off := range []time.Duration{0, 25 * time.Hour, 48 * time.Hour, 366 * 24 * time.Hour} {
		h.clock = at.Add(off)
		if all := h.Slips(); len(all) > 0 {
			return all
		}
	}
	return nil
}

// What the clock of a vendor says is known to the operator.
func TestClockIsCompared(t *testing.T) {
	b := newBench(t)
	b.call(b.signSendGrid(t, file(t, "sendgrid.json"), now.Add(time.Hour)))
	if all := b.Slips(); len(all) != 1 || all[0].Behind != -time.Hour {
		t.Errorf("%+v", all)
	}
}

// Raw delivery leaves the signature out, and is never believed.
func TestRawDelivery(t *testing.T) {
	b := newBench(t)
	r := post(ses, file(t, "ses-bounce.json"))
	r.Header.Set("x-amz-sns-rawdelivery", "true")
	if code := b.call(r); code != http.StatusForbidden || len(b.outcomes.told) != 0 {
		t.Errorf("answer %d", code)
	}
}

// A token of Mailgun is for one event: its repetition is taken, another one not,
// and a call that could not be recorded is taken later.
func TestMailgunTokens(t *testing.T) {
	b := newBench(t)
	failed := file(t, "mailgun-failed.json")
	reordered := `{"recipient":"gone@example.net","id":"x","event":"complained"}`
	same := `{ "event":"complained", "id":"x", "recipient":"gone@example.net" }`
	call := func(event, token string) int { return b.call(post(mailgun, signMailgunToken(event, now, token))) }
	b.outcomes.err = io.ErrUnexpectedEOF
	if code := call(failed, "a"); code != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d", code)
	}
	b.outcomes.err = nil
	for name, test := range map[string]struct {
		event, token string
		want         int
	}{
		"1 the same again":         {failed, "a", http.StatusOK},
		"2 the token of another":   {strings.Replace(failed, "gone@", "victim@", 1), "a", http.StatusForbidden},
		"3 its own token":          {strings.Replace(failed, "gone@", "victim@", 1), "b", http.StatusOK},
		"4 written in another way": {reordered, "c", http.StatusOK},
	} {
		if code := call(test.event, test.token); code != test.want {
			t.Errorf("%s: answer %d, want %d", name, code, test.want)
		}
	}
	if code := call(same, "c"); code != http.StatusOK {
		t.Errorf("the same event in another order: %d", code)
	}
}

// Tokens are remembered for as long as their signatures are valid, and in bounded
// memory.
func TestTokensAreBounded(t *testing.T) {
	var s tokens
	one, two := [32]byte{1}, [32]byte{2}
	s.take("first", one, now)
	for hour := range 25 {
		s.take(time.Duration(hour).String(), one, now.Add(time.Duration(hour)*time.Hour))
	}
	if s.take("first", two, now.Add(tolerance+ahead)) {
		t.Error("forgotten while its signature is valid")
	}
	for i := range tokensKept {
		s.take("next "+time.Duration(i).String(), one, now)
	}
	if s.take("first", two, now) {
		t.Error("forgotten with the next generation")
	}
	for i := range 3 * tokensKept {
		s.take(time.Duration(i).String(), one, now)
	}
	if n := len(s.young) + len(s.old); n > 2*tokensKept {
		t.Errorf("%d tokens", n)
	}
}

// Nothing of a stranger's body is read where the header already says that it is
// one.
func TestStrangersAreNotRead(t *testing.T) {
	b := newBench(t)
	for _, vendor := range []string{sendGrid, postmark} {
		r := httptest.NewRequest(http.MethodPost, Prefix+vendor, unread{t})
		if code := b.call(r); code != http.StatusForbidden {
			t.Errorf("%s: answer %d", vendor, code)
		}
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}
