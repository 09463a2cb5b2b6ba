package diagnosis

import (
	"os"
	"strings"
	"testing"
)

// weight is what a finding counts for an address: hard, soft or none. Where
// nothing is said about the address or its mailbox, it does not count.
func weight(c Class, cause Cause) string {
	switch {
	case c == Hard:
		return "hard"
	case cause == CauseAddress, cause == CauseMailbox:
		return "soft"
	}
	return "none"
}

// TestReplies: each line of testdata/replies.tsv, as the reply itself and in a
// report of Postfix. A soft one that is found hard, or a none that counts, would
// stop mail to people who are there.
func TestReplies(t *testing.T) {
	table, err := os.ReadFile("testdata/replies.tsv")
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for line := range strings.Lines(string(table)) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(c) != 4 {
			t.Fatalf("%d columns: %s", len(c), line)
		}
		n[c[0]]++
		status, reply := codesIn(c[2])
		class, cause, why := Classify(status, reply, c[2][3:])
		if got := weight(class, cause); got != c[0] {
			t.Errorf("%s: %q is %s, want %s (%s): %s", c[1], c[2], got, c[0], c[3], why)
		}
		to := "ada@dest.example"
		if a := addressIn(c[2]); strings.HasPrefix(a, "ada@") {
			to = a
		}
		report := strings.NewReplacer("ada@dest.example", to, "STATUS", firstOf(status, c[2][:1]+".0.0"), "REPLY", c[2]).Replace(replyReport)
		f := Read([]byte(report), true).Findings[0]
		if got := weight(f.Class, f.Cause); got != c[0] {
			t.Errorf("%s in a report: %q is %s, want %s (%s): %s", c[1], c[2], got, c[0], c[3], f.Why)
		}
	}
	if n["hard"] < 80 || n["soft"] < 50 || n["none"] < 50 || n["hard"]+n["soft"]+n["none"] < 206 {
		t.Error("too few replies", n)
	}
}

const replyReport = `From: MAILER-DAEMON@mx.relay.example (Mail Delivery System)
To: b+token@lists.sender.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

<ada@dest.example>: host mx.dest.example[192.0.2.9] said: REPLY (in reply to RCPT TO command)

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.relay.example

Final-Recipient: rfc822; ada@dest.example
Action: failed
Status: STATUS
Remote-MTA: dns; mx.dest.example
Diagnostic-Code: smtp; REPLY
--B--
`

// TestBodies: each text of testdata/bodies.txt, as a report from the null
// reverse-path. "soft" is at least soft where the address is dead.
func TestBodies(t *testing.T) {
	all, err := os.ReadFile("testdata/bodies.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range strings.Split(string(all), "\n=== ")[1:] {
		head, text, _ := strings.Cut(one, "\n")
		c := strings.Split(head, " | ")
		if len(c) != 4 {
			t.Fatal(head)
		}
		raw := "From: " + c[1] + "\nTo: b+token@lists.sender.example\nSubject: " + c[2] + "\nMIME-Version: 1.0\n\n" + text
		r := Read([]byte(raw), true)
		f := r.Findings[0]
		got := weight(f.Class, f.Cause)
		atLeast := c[0] == "soft" && got == "hard" && strings.Contains(c[3], "at least soft")
		if got != c[0] && !atLeast || f.Kind != Bounce || f.Recipient != "ada@dest.example" || len(r.Findings) != 1 {
			t.Errorf("%s: %s, want %s: %+v", c[3], got, c[0], r.Findings)
		}
	}
}
