package queue

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/nexthop"
	"offramp/gateway/sink"
	"offramp/store"
)

var update = flag.Bool("update", false, "write the golden files again")

var acceptance = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestNotices(t *testing.T) {
	rejected := store.Status{Code: 550, Enhanced: "5.1.1", Text: "no such user here", Host: "mx.b.example [192.0.2.1]"}
	base := func() notice {
		m := news("q0")
		m.Received, m.Return = acceptance, "HDRS"
		return notice{action: failed, message: &m, hostname: "out.example.com", now: acceptance.Add(time.Hour), until: acceptance.Add(120 * time.Hour), id: "q9",
			recipients: []store.Recipient{{Address: "a@b.example", Original: "rfc822;first@b.example", Status: rejected}}}
	}
	cases := map[string]func(*notice){
		// two recipients, one refused and one that no connection could be had for
		"failed": func(n *notice) {
			n.message.EnvelopeID = "env 1"
			n.recipients = append(n.recipients, store.Recipient{Address: "c@d.example", Status: store.Status{Enhanced: "5.1.2", Text: "the domain d.example does not exist or takes no mail"}})
		},
		// RET=FULL
		"full": func(n *notice) { n.body = []byte("Hi\r\n") },
		// RFC 6533: an internationalized message and sender
		"utf8": func(n *notice) {
			n.message.UTF8, n.message.ReversePath = true, "jörg@example.com"
			n.message.Header = []byte("From: jörg@example.com\r\nSubject: grüße\r\n\r\n")
			n.recipients[0].Address = "ädä@b.example"
		},
		// a header beyond US-ASCII of a message that is not internationalized: the
		// notification takes no 8BITMIME
		"latin1": func(n *notice) {
			n.message.Header = []byte("From: a@example.com\r\nSubject: gr\xfc\xdfe = greetings\r\n\r\n")
		},
		// RFC 3461: original recipients of other types, and beyond US-ASCII
		"original": func(n *notice) {
			for _, original := range []string{"x400;/C=de/ADMD=x/", "utf-8;jörg@b.example", "rfc822;jörg@b.example"} {
				n.recipients = append(n.recipients, store.Recipient{Address: "a@b.example", Original: original, Status: rejected})
			}
		},
		// NOTIFY=DELAY, NOTIFY=SUCCESS at a hop without DSN
		"delayed": func(n *notice) {
			n.action, n.recipients[0].Status = delayed, store.Status{Code: 450, Enhanced: "4.2.1", Text: "busy", Host: "mx.b.example"}
		},
		"relayed": func(n *notice) {
			n.action, n.recipients[0].Status = relayed, store.Status{Code: 250, Text: "queued", Host: "mx.b.example"}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			n := base()
			change(&n)
			b, err := n.compose()
			if err != nil {
				t.Fatal(err)
			}
			if b.Message.ReversePath != "" || len(b.Recipients) != 1 || b.Recipients[0].Address != n.message.ReversePath || b.Recipients[0].Domain != "example.com" {
				t.Errorf("envelope: %+v %+v", b.Message, b.Recipients)
			}
			if b.Message.Size != int64(len(b.Body)) || b.Message.List != "" {
				t.Errorf("message: %+v", b.Message)
			}
			golden(t, "testdata/dsn/"+name+".eml", append(bytes.Clone(b.Message.Header), b.Body...))
		})
	}
}

// What a hop says cannot break the part for programs.
func TestNoticeOfOddReply(t *testing.T) {
	for name, c := range map[string]struct {
		status string
		text   string
		utf8   bool
		want   string
	}{
		"beyond ASCII":   {"5.1.1", "Größe \x1b[31m\xff", false, "Status: 5.1.1\r\nRemote-MTA: dns; h\r\nDiagnostic-Code: smtp; 550 5.1.1 Gr??e ?[31m?\r\n"},
		"the same, UTF8": {"5.1.1", "Größe", true, "Diagnostic-Code: smtp; 550 5.1.1 Größe\r\n"},
		"no code":        {"", "no", false, "Status: 5.0.0\r\nRemote-MTA: dns; h\r\nDiagnostic-Code: smtp; 550 no\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			m := news("q0")
			m.Received, m.UTF8 = acceptance, c.utf8
			st := store.Status{Code: 550, Enhanced: c.status, Text: nexthop.OneLine(c.text, nexthop.MaxText), Host: "h"}
			n := notice{action: failed, message: &m, hostname: "h.example", now: acceptance, recipients: []store.Recipient{{Address: "a@b.example", Status: st}}}
			if got := string(n.fields()); !strings.Contains(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestNoticeIsReadByOthers: net/mail and mime/multipart find the three parts.
func TestNoticeIsReadByOthers(t *testing.T) {
	m := news("q0")
	m.Received = acceptance
	m.Header = []byte("From: a@example.com\r\nX-Long: " + strings.Repeat("x\r\n ", 40<<10) + "y\r\nSubject: cut off\r\n\r\n")
	n := notice{action: failed, message: &m, hostname: "h.example", now: acceptance, recipients: []store.Recipient{{Address: "a@b.example"}}}
	b, err := n.compose()
	if err != nil {
		t.Fatal(err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(append(bytes.Clone(b.Message.Header), b.Body...)))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Fatalf("%s %v %v", kind, params, err)
	}
	var kinds []string
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, p.Header.Get("Content-Type"))
	}
	if got := strings.Join(kinds, ", "); got != "text/plain; charset=utf-8, message/delivery-status, text/rfc822-headers" {
		t.Errorf("parts: %s", got)
	}
	if len(b.Body) > fullLimit+4096 {
		t.Errorf("%d bytes for a header of %d", len(b.Body), len(m.Header))
	}
	if strings.Contains(string(b.Body), "X-Offramp-List") {
		t.Error("control fields are returned")
	}
}

// TestFailuresAreReportedTogether: one bounce for a message, not for NEVER,
// none for the null reverse-path, and each failure an event.
func TestFailuresAreReportedTogether(t *testing.T) {
	s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		if at == sink.Rcpt && strings.HasPrefix(tx.Recipient, "bad") {
			return sink.Fault{Reply: "550 5.1.1 no such user " + tx.Recipient}
		}
		return sink.Fault{}
	}})
	h := newFixture(t, hopTo(s), nil)
	recipients := to("bad1@b.example", "good@b.example", "bad2@b.example")
	recipients = append(recipients, store.Recipient{Address: "bad3@b.example", Notify: "NEVER"}, store.Recipient{Address: "bad4@b.example", Notify: "SUCCESS"})
	m := news("q1")
	m.Return = "FULL"
	h.spool.put(m, "All of it\r\n", recipients...)
	null := news("q2")
	null.ReversePath = ""
	h.spool.put(null, "Hi\r\n", to("bad5@b.example")...)
	h.run()
	within(t, 5*time.Second, "queue empty", func() bool { return len(h.spool.left()) == 0 })
	var bounces []string
	for _, m := range s.Messages() {
		if m.ReversePath == "" {
			bounces = append(bounces, string(m.Data))
		}
	}
	if len(bounces) != 1 {
		t.Fatalf("%d bounces, want 1", len(bounces))
	}
	if b := bounces[0]; !strings.Contains(b, "; bad1@b.example") || !strings.Contains(b, "; bad2@b.example") ||
		strings.Contains(b, "bad3") || strings.Contains(b, "bad4") || !strings.Contains(b, "All of it") || strings.Contains(b, "List-Unsubscribe") {
		t.Errorf("bounce:\n%s", b)
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	if len(h.people.events) != 5 {
		t.Errorf("%d events, want 5", len(h.people.events))
	}
	if log := h.log.String(); strings.Contains(log, "bad1@b.example") || !strings.Contains(log, "null reverse-path failed") {
		t.Errorf("log:\n%s", log)
	}
}

// TestLongLinesInABounce: what it returns has none behind us either.
func TestLongLinesInABounce(t *testing.T) {
	long := strings.Repeat("word ", 300)
	for _, ret := range []string{"HDRS", "FULL"} {
		s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
			if at == sink.Rcpt && strings.HasPrefix(tx.Recipient, "bad") {
				return sink.Fault{Reply: "550 5.1.1 no such user"}
			}
			return sink.Fault{}
		}})
		h := newFixture(t, hopTo(s), nil)
		m := news("q1")
		m.Return, m.Header = ret, []byte("From: a@example.com\r\nX-Long: "+long+"\r\n\r\n")
		h.spool.put(m, long+"\r\n", to("bad@b.example")...)
		h.run()
		within(t, 5*time.Second, "bounced", func() bool { return len(s.Messages()) == 1 && len(h.spool.left()) == 0 })
		for line := range strings.Lines(string(s.Messages()[0].Data)) {
			if len(line) > 1000 {
				t.Errorf("%s: a line of %d bytes", ret, len(line))
			}
		}
	}
}

func TestWants(t *testing.T) {
	for _, c := range []struct {
		notify, word string
		want         bool
	}{
		{"", "FAILURE", true}, {"", "DELAY", false}, {"", "SUCCESS", false}, {"NEVER", "FAILURE", false},
		{"SUCCESS,FAILURE", "FAILURE", true}, {"success, failure", "FAILURE", true}, {"SUCCESS", "FAILURE", false},
	} {
		if got := wants(c.notify, c.word); got != c.want {
			t.Errorf("wants(%q, %q) = %v", c.notify, c.word, got)
		}
	}
}

// TestPanicInABounce: it is noted, and the bounces of other messages go out.
func TestPanicInABounce(t *testing.T) {
	h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"smtp://hop.example"}}}, nil)
	for _, id := range []string{"q1", "q2"} {
		m := news(id)
		m.Return = "FULL" // so that the body is read
		h.spool.put(m, "Hi\r\n", store.Recipient{Address: "a@b.example", State: store.Failed})
	}
	h.spool.panicOn = "q1"
	h.queue.reportAll(t.Context(), t.Context())
	if len(h.spool.bounces) != 1 || h.stats.Panics.Load() != 1 {
		t.Errorf("%d bounces, %d panics", len(h.spool.bounces), h.stats.Panics.Load())
	}
}
