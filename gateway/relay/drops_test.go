package relay

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"offramp/gateway/stream"
	"offramp/store"
)

// Transactional mail is hashed, to be signed, where there is a key for it; what a
// stranger brought never is.
func TestWhatIsSigned(t *testing.T) {
	const reset = "From: a@Shop.example\r\n\r\nx\r\n"
	signs := func(domain string) bool { return domain == "shop.example" }
	for name, tt := range map[string]struct {
		sign  string
		signs func(string) bool
		data  string
		hash  int
	}{
		"key":            {"", signs, reset, 32},
		"no keys":        {"", nil, reset, 0},
		"another domain": {"", signs, "From: a@other.example\r\n\r\nx\r\n", 0},
		"list mail only": {SignList, signs, reset, 0},
		"list mail":      {SignList, nil, "From: a@b.example\r\nList-Id: <l.b.example>\r\n\r\nx\r\n", 32},
		"untouched":      {"", signs, "From: a@shop.example\r\nAuto-Submitted: auto-replied\r\n\r\nx\r\n", 32},
		"passed on":      {"", signs, "Delivered-To: kim@shop.example\r\n" + reset, 0},
	} {
		f := &fake{}
		r := newRelay(f)
		r.Classifier, r.Sign, r.Signs = nil, tt.sign, tt.signs
		if _, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(tt.data)); err != nil {
			t.Fatal(err)
		}
		if n := len(f.commits[0].message.BodyHash); n != tt.hash {
			t.Errorf("%s: hash of %d bytes", name, n)
		}
	}
	f := &fake{}
	r := newRelay(f)
	r.Signs, r.Postmaster = signs, "boss@shop.example"
	e := letter(t, "x@stranger.example", "postmaster@shop.example")
	if _, err := r.AcceptPostmaster(t.Context(), Client{}, e, strings.NewReader(reset)); err != nil {
		t.Fatal(err)
	}
	if err := r.PassOn(t.Context(), e.Recipients[0].Address, "192.0.2.9", []byte(reset)); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.commits {
		if len(c.message.BodyHash) != 0 {
			t.Error("a stranger's message is hashed, and so it would be signed")
		}
	}
}

// A message that is refused since everybody opted out raises the alarm too.
func TestRefusalOfUnmarkedMailIsAnAlarm(t *testing.T) {
	f := &fake{verdicts: map[string]store.Reason{"anna@x.example": store.ReasonUnsubscribed}}
	r := newRelay(f)
	r.Suppressed = SuppressedReject
	c := &counting{}
	r.Traffic = c
	if _, err := r.Accept(t.Context(), client, letter(t, "n@shop.example", "anna@x.example"), strings.NewReader(plain)); !errors.Is(err, ErrAllSuppressed) {
		t.Fatal(err)
	}
	if r.Stats.DroppedUnmarked.Load() != 1 || c.recipients != 1 || c.dropped != 1 {
		t.Errorf("counted %d, traffic %+v", r.Stats.DroppedUnmarked.Load(), c)
	}
}

type counting struct{ recipients, dropped int }

func (c *counting) Add(_ *store.Message, _ stream.Decision, recipients, dropped int) {
	c.recipients += recipients
	c.dropped += dropped
}

// Each drop has a line of its own; one of mail without any mark of a list is an
// alarm, since nobody knows what it was.
func TestDropsAreLogged(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		reason       store.Reason
		alarm        bool
	}{
		{"no mark", "", store.ReasonUnsubscribed, true},
		{"no mark, dead address", "", store.ReasonBounced, false},
		{"marked", "List-Id: <l.shop.example>\r\n", store.ReasonUnsubscribed, false},
	} {
		f := &fake{verdicts: map[string]store.Reason{"anna@x.example": tt.reason}}
		r := newRelay(f)
		var log bytes.Buffer
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		receipt, err := r.Accept(t.Context(), client, letter(t, "n@shop.example", "anna@x.example", "b@x.example"), strings.NewReader(tt.header+plain))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		for _, want := range []string{"queue_id=" + receipt.QueueID, "to=a•••@x•••.example", "reason=" + string(tt.reason), "list="} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%s: no %s in %s", tt.name, want, lines[0])
			}
		}
		if alarm := strings.Contains(lines[0], "level=WARN"); len(lines) != 2 || alarm != tt.alarm || (r.Stats.DroppedUnmarked.Load() == 1) != tt.alarm {
			t.Errorf("%s: alarm %t, counted %d, logged\n%s", tt.name, alarm, r.Stats.DroppedUnmarked.Load(), log.String())
		}
	}
}
