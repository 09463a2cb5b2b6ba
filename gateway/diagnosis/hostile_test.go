package diagnosis

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

const reportHead = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: b+1@sender.example\nSubject: failure\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\n\n"

// hostile are messages that are made to hurt, with how many findings and which
// kind they give.
func hostile() map[string]struct {
	raw      []byte
	kind     Kind
	findings int
} {
	type want = struct {
		raw      []byte
		kind     Kind
		findings int
	}
	var deep, many, bare, text, parts bytes.Buffer
	deep.WriteString("Subject: x\n")
	for i := range 100 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	deep.WriteString("Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n")
	many.WriteString(reportHead + "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n")
	bare.WriteString(reportHead + "--B\nContent-Type: text/plain\n\nmail delivery failed\n\n--B\nContent-Type: message/delivery-status\n\n")
	text.WriteString("Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nThis is the qmail-send program.\n\n")
	for i := range 10_000 {
		fmt.Fprintf(&many, "Final-Recipient: rfc822; u%d@d.example\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 no\n\n", i)
		fmt.Fprintf(&bare, "Final-Recipient: rfc822; u%d@d.example\nStatus: 5.0.0\n\n", i)
		fmt.Fprintf(&text, "<u%d@d.example>:\nno such user %d\n\n", i, i)
	}
	parts.WriteString(strings.Replace(reportHead, "report;", "mixed;", 1))
	for range 20_000 {
		parts.WriteString("--B\nContent-Type: text/plain\n\nx\n")
	}
	line := strings.Repeat("user unknown @ <a@b 5.1.1 550 * ", 1<<15)
	return map[string]want{
		"nothing":              {nil, Other, 1},
		"nested 100 deep":      {deep.Bytes(), Other, 1},
		"10,000 recipients":    {many.Bytes(), Bounce, maxRecipients},
		"10,000 without cause": {bare.Bytes(), Bounce, maxRecipients},
		"10,000 in the text":   {text.Bytes(), Bounce, maxRecipients},
		"20,000 parts":         {parts.Bytes(), Bounce, 1},
		"line of 1 MiB":        {[]byte("Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nSubject: failure notice\n\n" + line), Bounce, 1},
		"field of 1 MiB":       {[]byte("Return-Path: <>\nSubject: " + line + "\n\nhello"), Bounce, 1},
		"only at signs":        {[]byte("Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nSubject: failure notice\n\n" + strings.Repeat("@", 1<<20)), Bounce, 1},
		"open tags":            {[]byte("Return-Path: <>\nContent-Type: text/html\n\n" + strings.Repeat("<style><!--", 90_000)), Bounce, 1},
		"only delimiters":      {[]byte(reportHead + strings.Repeat("--B\n", 1<<18)), Bounce, 1},
	}
}

func TestHostile(t *testing.T) {
	for name, tt := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := Read(tt.raw, false)
			t.Logf("took %v", time.Since(start))
			if len(r.Findings) != tt.findings || r.Findings[0].Kind != tt.kind {
				t.Errorf("%d findings, the first %+v", len(r.Findings), r.Findings[0])
			}
		})
	}
}

// What is behind the first MiB is not looked at.
func TestLimit(t *testing.T) {
	raw := []byte("From: a@b.example\nSubject: x\n\n" + strings.Repeat("nothing\n", MaxSize/8) + "Feedback-Type: abuse\nVersion: 1\n")
	if f := Read(raw, false).Findings[0]; f.Kind != Other {
		t.Errorf("%+v", f)
	}
}

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		status, reply, text string
		class               Class
		cause               Cause
	}{
		{"5.1.1", "550", "", Hard, CauseAddress},
		{"", "550", "5.1.1 <a@b.example>: user unknown", Hard, CauseAddress},
		{"", "550", "No such user here", Hard, CauseAddress},
		{"", "556", "", Hard, CauseAddress},
		{"5.1.10", "550", "recipient not found", Hard, CauseAddress},
		{"5.1.6", "551", "", Hard, CauseAddress},
		{"", "550", "User unknown in relay recipient table", Hard, CauseAddress},
		{"5.1.2", "550", "host unknown", Hard, CauseAddress},
		{"", "550", "", Undecided, ""},
		{"", "", "", Undecided, ""},
		{"", "250", "OK", Undecided, ""},
		{"5.1.3", "501", "", Soft, CauseAddress},
		{"5.2.1", "550", "", Soft, CauseMailbox},
		{"", "550", "Requested action not taken: mailbox unavailable", Hard, CauseAddress},
		{"5.2.0", "550", "Requested action not taken: mailbox unavailable", Soft, CauseAddress},
		{"", "554", "Requested action not taken: mailbox unavailable", Soft, CauseAddress},
		{"", "550", "mailbox unavailable", Soft, CauseAddress},
		{"5.4.1", "550", "Recipient address rejected: Access denied", Soft, CauseAddress},
		{"5.1.1", "450", "user unknown", Soft, CauseAddress},
		{"4.1.1", "550", "user unknown", Soft, CauseAddress},
		{"5.7.1", "550", "user unknown", Hard, CauseAddress},
		{"5.7.1", "550", "invalid recipient", Soft, CauseAddress},
		{"5.7.23", "550", "user unknown", Undecided, CauseSender},
		{"5.1.1", "550", "blocked using a block list; user unknown", Undecided, CauseSender},
		{"5.1.1", "550", "5.7.1 no such user", Hard, CauseAddress},
		{"5.1.8", "553", "domain of sender address does not exist", Undecided, CauseSender},
		{"", "550", "sender address rejected: domain not found", Undecided, CauseSender},
		{"", "552", "mailbox full", Soft, CauseMailbox},
		{"", "552", "message too large", Soft, CauseMessage},
		{"", "554", "virus found", Soft, CauseMessage},
		{"", "550", "relaying denied", Soft, CauseSender},
		{"", "421", "too many connections", Soft, CauseSender},
		{"", "451", "greylisted", Soft, CauseSender},
		{"4.4.2", "", "connection timed out", Soft, CauseNetwork},
		{"", "554", "5.4.6 too many hops", Soft, CauseNetwork},
		{"", "550", "<user.unknown@nosuchuser.example> is what you wrote", Undecided, ""},
	} {
		class, cause, why := Classify(tt.status, tt.reply, tt.text)
		if class != tt.class || cause != tt.cause || why == "" {
			t.Errorf("%s %s %q: %s %s (%s), want %s %s", tt.status, tt.reply, tt.text, class, cause, why, tt.class, tt.cause)
		}
	}
}
