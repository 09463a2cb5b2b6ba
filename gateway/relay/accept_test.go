package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/envelope"
	"offramp/store"
)

const plain = "From: News <news@shop.example>\r\nTo: a@x.example\r\nSubject: hi\r\nMessage-ID: <1@shop.example>\r\n\r\nHello\r\n"

func TestAcceptKeepsWhatCame(t *testing.T) {
	f := &fake{}
	r := newRelay(f)
	e := letter(t, "news@shop.example", "a@x.example", "B@X.example", "a@x.example")
	e.Recipients[0].Notify, e.Recipients[0].Original = "SUCCESS", "rfc822;a@old.example"
	e.EightBit, e.UTF8, e.RequireTLS, e.Return, e.EnvelopeID = true, true, true, "HDRS", "env-1"
	receipt, err := r.Accept(t.Context(), client, e, strings.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.commits) != 1 || f.woken != 1 {
		t.Fatalf("%d commits, woken %d times", len(f.commits), f.woken)
	}
	d := f.commits[0]
	if want := (Receipt{QueueID: d.message.ID, Accepted: 2}); receipt != want || len(d.message.ID) != 16 {
		t.Errorf("receipt %+v, want %+v", receipt, want)
	}
	want := []store.Recipient{
		{Address: "a@x.example", Person: "a@x.example", Domain: "x.example", Notify: "SUCCESS", Original: "rfc822;a@old.example", State: store.Queued, Next: clock},
		{Address: "B@x.example", Person: "b@x.example", Domain: "x.example", State: store.Queued, Next: clock},
	}
	if diff := cmp.Diff(want, d.recipients); diff != "" {
		t.Error("recipients:", diff)
	}
	trace := "Date: Mon, 23 Nov 2026 18:00:00 +0000\r\nReceived: from shop.example ([192.0.2.1])\r\n\tby gate.example with ESMTPSA id " + d.message.ID + ";\r\n\tMon, 23 Nov 2026 18:00:00 +0000\r\n"
	m := store.Message{
		ID: d.message.ID, Received: clock, ReversePath: "news@shop.example", Client: "192.0.2.1", Login: "shop",
		MessageID: "<1@shop.example>", List: "shop.example", Mark: "list", Unmarked: true, Trace: []byte(trace), Size: 7,
		Header: []byte(plain[:strings.Index(plain, "Hello")]), EightBit: true, UTF8: true, RequireTLS: true, Return: "HDRS", EnvelopeID: "env-1",
	}
	if len(d.message.BodyHash) != 32 {
		t.Errorf("body hash of %d octets", len(d.message.BodyHash))
	}
	d.message.BodyHash = nil
	if diff := cmp.Diff(m, d.message); diff != "" {
		t.Error("message:", diff)
	}
	if d.body.String() != "Hello\r\n" {
		t.Errorf("body %q", d.body.String())
	}
}

// TestOneLogLine shows that a message leaves one line, without an address.
func TestOneLogLine(t *testing.T) {
	f := &fake{}
	r := newRelay(f)
	var log bytes.Buffer
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	receipt, err := r.Accept(t.Context(), client, letter(t, "news@shop.example", "anna@x.example"), strings.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	line := log.String()
	for _, want := range []string{"queue_id=" + receipt.QueueID, "message_id=<1@shop.example>", "from=n•••@s•••.example", "recipients=1", "list=shop.example", "mark=list", "ip=192.0.2.1"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Count(line, "\n") != 1 || strings.Contains(line, "anna") || strings.Contains(line, "news@") {
		t.Errorf("logged %s", line)
	}
}

func TestPlaceholdersAreNotedOnlyInListMail(t *testing.T) {
	const body = "Leave: {{offramp.unsubscribe_url}}\r\n"
	for _, tt := range []struct {
		header string
		parts  int
		hash   int
	}{
		{"From: a@shop.example\r\n", 1, 32},
		{"From: a@shop.example\r\nX-Offramp-List: transactional\r\n", 0, 0},
	} {
		f := &fake{}
		if _, err := newRelay(f).Accept(t.Context(), client, letter(t, "a@shop.example", "b@x.example"), strings.NewReader(tt.header+"\r\n"+body)); err != nil {
			t.Fatal(err)
		}
		m := f.commits[0].message
		if len(m.Parts) != tt.parts || len(m.BodyHash) != tt.hash {
			t.Errorf("%q: %d parts, hash of %d octets", tt.header, len(m.Parts), len(m.BodyHash))
		}
	}
}

func TestDrops(t *testing.T) {
	for _, tt := range []struct {
		name       string
		suppressed string
		gone       []string
		want       Receipt
		err        error
		commits    int
		order      string
	}{
		{"nobody dropped", "", nil, Receipt{Accepted: 2}, nil, 1, "commit"},
		{"one dropped", "", []string{"a@x.example"}, Receipt{Accepted: 1, Dropped: 1}, nil, 1, "events commit"},
		{"one dropped, reject", SuppressedReject, []string{"a@x.example"}, Receipt{Accepted: 1, Dropped: 1}, nil, 1, "events commit"},
		{"all dropped", "", []string{"a@x.example", "b@x.example"}, Receipt{Dropped: 2}, nil, 0, "events"},
		{"all dropped, reject", SuppressedReject, []string{"a@x.example", "b@x.example"}, Receipt{}, ErrAllSuppressed, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{verdicts: map[string]store.Reason{}}
			for _, key := range tt.gone {
				f.verdicts[key] = store.ReasonUnsubscribed
			}
			r := newRelay(f)
			r.Suppressed = tt.suppressed
			got, err := r.Accept(t.Context(), client, letter(t, "n@shop.example", "A@x.example", "b@x.example", "A@x.example"), strings.NewReader(plain))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			id := got.QueueID
			if got.QueueID = ""; got != tt.want || (tt.err == nil) != (id != "") {
				t.Errorf("receipt %+v with id %q, want %+v", got, id, tt.want)
			}
			if order := strings.Join(f.order, " "); order != tt.order || len(f.commits) != tt.commits {
				t.Errorf("order %q, want %q", order, tt.order)
			}
			if tt.err == nil && len(tt.gone) > 0 {
				want := store.Event{
					Time: clock, Kind: store.EventDropped, Recipient: "a@x.example", List: "shop.example", Way: store.Relay,
					Reason: store.ReasonUnsubscribed, QueueID: id, MessageID: "<1@shop.example>", IP: "192.0.2.1", Who: "shop", Detail: "from shop.example", Once: id + " 0",
				}
				if diff := cmp.Diff(want, f.events[0]); diff != "" {
					t.Error("event:", diff)
				}
			}
			if len(f.events) != got.Dropped {
				t.Errorf("%d events for %d drops", len(f.events), got.Dropped)
			}
		})
	}
}

// padded returns a message of exactly n octets.
func padded(n int) string {
	const head = "From: a@shop.example\r\n\r\n"
	return head + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef\r\n", n/50+1)[:n-len(head)-2] + "\r\n"
}

func TestLimits(t *testing.T) {
	const size = 100 << 10
	fields := func(n int) string { return strings.Repeat("X-A: b\r\n", n-1) + "From: a@b.example\r\n\r\nx\r\n" }
	received := func(n int) string {
		return strings.Repeat("received: from a by b; Mon, 02 Jan 2006 15:04:05 -0700\r\n", n) + "From: a@b.example\r\n\r\nx\r\n"
	}
	for _, tt := range []struct {
		name string
		data string
		err  error
	}{
		{"exactly the size", padded(size), nil},
		{"one octet more", padded(size + 1), ErrTooLarge},
		{"size reached inside the header", "From: a@b.example\r\n" + strings.Repeat("X: "+strings.Repeat("y", 900)+"\r\n", 200) + "\r\nx\r\n", ErrTooLarge},
		{"all fields", fields(1000), nil},
		{"one field more", fields(1001), ErrHeaderTooLarge},
		{"largest field", "From: a@b.example\r\nX: " + strings.Repeat("y", 64<<10-5) + "\r\n\r\nx\r\n", nil},
		{"field too large", "From: a@b.example\r\nX: " + strings.Repeat("y", 64<<10-4) + "\r\n\r\nx\r\n", ErrHeaderTooLarge},
		{"header too large", "From: a@b.example\r\n" + strings.Repeat("X: "+strings.Repeat("y", 900)+"\r\n", 80) + "\r\nx\r\n", ErrHeaderTooLarge},
		{"hops", received(50), nil},
		{"loop", received(51), ErrLoop},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{}
			r := newRelay(f)
			r.MaxMessageSize, r.MaxHeaderSize = size, 70<<10
			if tt.err == ErrTooLarge {
				r.MaxHeaderSize = 512 << 10
			}
			_, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(tt.data))
			if !errors.Is(err, tt.err) || (tt.err == nil && err != nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if kept := len(f.commits) == 1; kept != (tt.err == nil) {
				t.Errorf("kept: %v", kept)
			}
			if tt.err != nil && (!Permanent(err) || r.Stats.Refused.Load() != 1) {
				t.Errorf("not counted as refused: %v", err)
			}
		})
	}
}

func TestBareNewlines(t *testing.T) {
	const data = "From: a@b.example\r\n\r\none\ntwo\rthree\r\n"
	f := &fake{}
	if _, err := newRelay(f).Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if got := f.commits[0].body.String(); got != "one\r\ntwo three\r\n" {
		t.Errorf("mended to %q", got)
	}
	r := newRelay(&fake{})
	r.BareNewline = BareReject
	if _, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(data)); !errors.Is(err, ErrBareNewline) {
		t.Errorf("error %v, want ErrBareNewline", err)
	}
}

// TestTrouble shows that nothing is kept or half kept when something fails, and
// that none of it is a refusal for good.
func TestTrouble(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*fake)
		data io.Reader
		is   error
	}{
		{"usage", func(f *fake) { f.usageErr = errFake }, nil, errFake},
		{"list", func(f *fake) { f.listErr = errFake }, nil, errFake},
		{"verdict", func(f *fake) { f.verdictErr = fmt.Errorf("x: %w", store.ErrUnavailable) }, nil, store.ErrUnavailable},
		{"event", func(f *fake) {
			f.eventErr = errFake
			f.verdicts = map[string]store.Reason{"c@d.example": store.ReasonManual}
		}, nil, errFake},
		{"write", func(f *fake) { f.writeErr = store.ErrFull }, nil, store.ErrFull},
		{"commit", func(f *fake) { f.commitErr = errFake }, nil, errFake},
		{"cut in the header", nil, io.MultiReader(strings.NewReader("From: a@b"), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		{"cut in the body", nil, io.MultiReader(strings.NewReader(plain), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{}
			if tt.set != nil {
				tt.set(f)
			}
			data := tt.data
			if data == nil {
				data = strings.NewReader(plain)
			}
			r := newRelay(f)
			_, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example", "e@d.example"), data)
			if !errors.Is(err, tt.is) || Permanent(err) {
				t.Errorf("error %v, want a temporary one that wraps %v", err, tt.is)
			}
			for _, d := range f.drafts {
				if d.ended != "abort" {
					t.Errorf("draft ended with %q", d.ended)
				}
			}
			if f.woken != 0 || r.Stats.Failed.Load() != 1 || r.Stats.Messages.Load() != 0 {
				t.Error("counted or woken as if it were accepted")
			}
		})
	}
}

// Damaged records of one person refuse nobody's mail: it waits, for them too.
func TestMailForDamagedRecordsIsAccepted(t *testing.T) {
	f := &fake{verdictErr: fmt.Errorf("x: %w", store.ErrUncertain)}
	if _, err := newRelay(f).Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example", "e@d.example"), strings.NewReader(plain)); err != nil {
		t.Fatal(err)
	}
	if len(f.commits) != 1 || len(f.commits[0].recipients) != 2 {
		t.Errorf("kept %+v", f.commits)
	}
}

func TestReceivedFromStrangers(t *testing.T) {
	for _, tt := range []struct{ name, helo, want string }{
		{"plain", "mx1.shop.example", "from mx1.shop.example ("},
		{"literal", "[192.0.2.1]", "from [192.0.2.1] ("},
		{"none", "", "from unknown ("},
		{"injection", "a\r\nBcc: x (", "from a??Bcc:?x?? ("},
		{"beyond ASCII", "bücher", "from b??cher ("},
		{"long", strings.Repeat("a", 300), "from " + strings.Repeat("a", 255) + " ("},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := trace(Client{Name: tt.helo}, "gate.example", "id", clock)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(got, []byte("Received: "+tt.want+"[unknown])\r\n\tby gate.example with ESMTP id id;\r\n")) {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestManyAtOnce is for the race detector: one Relay serves all sessions.
func TestManyAtOnce(t *testing.T) {
	f := &fake{}
	r := newRelay(f)
	r.Wake = nil
	body := strings.Repeat("0123456789\r\n", 10000)
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 20 {
				_, e := r.Accept(context.Background(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader("From: a@b.example\r\n\r\n"+body))
				err = errors.Join(err, e)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	ids := map[string]bool{}
	for _, d := range f.commits {
		ids[d.message.ID] = true
		if d.body.String() != body {
			t.Fatal("a body was mixed up")
		}
	}
	if len(ids) != 160 {
		t.Errorf("%d different ids for 160 messages", len(ids))
	}
}

func TestNoRecipients(t *testing.T) {
	if _, err := newRelay(&fake{}).Accept(t.Context(), client, envelope.Envelope{}, strings.NewReader(plain)); err == nil || Permanent(err) {
		t.Errorf("error %v", err)
	}
}
