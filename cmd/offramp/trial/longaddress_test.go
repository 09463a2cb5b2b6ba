package trial

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/sink"
)

// longPerson is erasedPerson with an address of 120 bytes.
const longPerson = "Zerlinda.Quittenbaum.von-der-Heide+newsletter-2026@mail.students.department-of-histo.university-of-xylophon.city.example"

// A person whose address does not fit into an opt-out address opts out by mail, has
// bounces, is lost with an older copy of the data, comes back, and is erased.
func TestPersonWithALongAddress(t *testing.T) {
	if len(longPerson) != 120 {
		t.Fatalf("%d bytes", len(longPerson))
	}
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr(), "FEEDBACK_DOMAIN=bounce.trial.example")
	const witness = "witness@dest.example"
	first := sendAndWait(t, p, s, longPerson, witness)
	leave := between(field(first.Data, "List-Unsubscribe"), "mailto:", "?")
	ways := []string{leave, first.ReversePath}
	for _, address := range ways {
		if local, _, _ := strings.Cut(address, "@"); len(local) > 64 || !strings.HasSuffix(address, "@bounce.trial.example") {
			t.Fatalf("no way back: %q", ways)
		}
	}
	forged := leave[:20] + string("ab"[strings.IndexByte("ba", leave[20])&1]) + leave[21:]
	answers := func(when, want string) {
		t.Helper()
		c, err := dial(p.smtp)
		must(t, err)
		defer c.close()
		_, err = c.command("MAIL FROM:<someone@dest.example>")
		must(t, err)
		for _, address := range append(ways, strings.ToUpper(leave), strings.Replace(leave, "+", "%2B", 1)) {
			if reply, err := c.command("RCPT TO:<" + address + ">"); err != nil || !strings.HasPrefix(reply, want) {
				t.Errorf("%s: %s is answered %q, %v", when, address, reply, err)
			}
		}
		if reply, err := c.command("RCPT TO:<" + forged + ">"); err != nil || !strings.HasPrefix(reply, "550 5.1.1") {
			t.Errorf("%s: a forged one is answered %q, %v", when, reply, err)
		}
	}
	mail := func(from, to, data string) {
		t.Helper()
		c, err := dial(p.smtp)
		must(t, err)
		defer c.close()
		must(t, c.send(from, []string{to}, []byte(data)))
	}
	const request, bounce = "Subject: unsubscribe\r\n\r\n", "From: MAILER-DAEMON@dest.example\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Reporting-MTA: dns; mx.dest.example\r\n\r\nFinal-Recipient: rfc822; " + longPerson + "\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b--\r\n"
	answers("mailed", "250")
	mail("", first.ReversePath, bounce)
	if e := p.awaitEvent(longPerson, "bounced", 1); e.Way != "mail" || !strings.Contains(e.Detail, "5.2.2") {
		t.Errorf("bounce: %+v", e)
	}

	// A copy of the data from before the first message is put back.
	p.stop()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(p.env["DATA_DIR"], "offramp.db"))
	must(t, err)
	gone, err := db.Exec("DELETE FROM codes")
	must(t, err)
	if n, err := gone.RowsAffected(); err != nil || n != 1 {
		t.Errorf("%d codes for one long address, %v", n, err)
	}
	must(t, db.Close())
	p.start()
	answers("restored", "451")
	second := sendAndWait(t, p, s, longPerson)
	if second.ReversePath != first.ReversePath {
		t.Errorf("reverse-path %s, and before %s", second.ReversePath, first.ReversePath)
	}
	answers("mailed again", "250")
	if out, code := p.run("token", "inspect", leave); code != 0 || !strings.Contains(out, longPerson) {
		t.Errorf("token inspect: exit %d %s", code, out)
	}

	mail("someone@dest.example", strings.ToLower(leave), request)
	count := deliveriesTo(s, longPerson)
	sendAndWait(t, p, s, witness, longPerson)
	if deliveriesTo(s, longPerson) != count {
		t.Error("mail after the opt-out was delivered")
	}
	if e := p.awaitEvent(longPerson, "dropped", 1); e.Reason != "unsubscribed" {
		t.Errorf("dropped: %+v", e)
	}

	data := p.env["DATA_DIR"]
	if before := strings.Join(traces(t, data), " "); !strings.Contains(before, "offramp.db") {
		t.Fatalf("before the erasure: %s", before)
	}
	p.eraseByPage(s, longPerson, sealed(p, "trial.example", longPerson)+"?view=erase")
	count = deliveriesTo(s, longPerson)
	events := len(p.eventsOf(longPerson))
	answers("erased", "250")
	mail("someone@dest.example", leave, request)
	mail("", first.ReversePath, bounce)
	if after := p.eventsOf(longPerson); len(after) != events {
		t.Errorf("after the erasure: %+v", after)
	}
	sendAndWait(t, p, s, witness, longPerson)
	if deliveriesTo(s, longPerson) != count {
		t.Error("mail after the erasure was delivered")
	}
	answers("erased and mailed again", "250")
	p.stop()
	for _, found := range traces(t, data) {
		t.Errorf("after the erasure: %s", found)
	}
}
