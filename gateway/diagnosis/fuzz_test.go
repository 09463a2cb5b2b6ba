package diagnosis

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzRead: whatever comes, there is a finding, only a bounce has a class, no
// text is over its limit and the time is bounded.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*.eml"))
	for _, name := range files {
		if raw, err := os.ReadFile(name); err == nil {
			f.Add(raw, false)
		}
	}
	f.Add([]byte("From x\n\n--b\nContent-Type: text/plain\n\n"), true)
	f.Fuzz(func(t *testing.T, raw []byte, null bool) {
		start := time.Now()
		r := Read(raw, null)
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("took %v", took)
		}
		if len(r.Findings) == 0 || len(r.Text) > maxText || len(r.ReturnedText) > maxText {
			t.Fatal("no finding, or a text too long")
		}
		for _, found := range r.Findings {
			if (found.Kind == Bounce) != (found.Class != "") || found.Why == "" {
				t.Fatalf("%+v", found)
			}
			if found.Delayed && found.Class != Soft {
				t.Fatalf("delayed and not soft: %+v", found)
			}
			for _, s := range []string{found.Status, found.Reply, found.Recipient, found.FeedbackType, found.System, found.Why, found.Diagnostic} {
				if !utf8.ValidString(s) || len(s) > 1024 {
					t.Fatalf("%+v", found)
				}
			}
		}
	})
}

// FuzzStatus: the fields of a delivery status, however broken, name a bounded
// number of recipients.
func FuzzStatus(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n"))
	f.Add([]byte("Original-Recipient: rfc822;a+2Bb@c.example\nFinal-Recipient: rfc822;x\nFinal-Recipient: y\nStatus: 4.4.7 (expired)\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all := readStatus(raw)
		if len(all) > maxRecipients {
			t.Fatalf("%d recipients", len(all))
		}
		for _, r := range all {
			if len(r.diagnostic) > maxReason {
				t.Fatalf("a reason of %d octets", len(r.diagnostic))
			}
		}
	})
}

// FuzzComplaint: the fields of a report, however broken, make complaints and
// nothing else.
func FuzzComplaint(f *testing.F) {
	f.Add([]byte("Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: a@b.example\nOriginal-Rcpt-To: c@d.example\n"))
	f.Add([]byte("feedback-type:\n\tOPT-OUT-LIST\n\nRemoval-Recipient: <a@b.example>\n"))
	f.Fuzz(func(t *testing.T, fields []byte) {
		raw := append([]byte("Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n"), fields...)
		for _, found := range Read(raw, false).Findings {
			if found.Class != "" && found.Kind != Bounce || found.Kind == Complaint && found.FeedbackType == "" {
				t.Fatalf("%+v", found)
			}
		}
	})
}

// FuzzClassify: there is always a class and a reason, and a temporary code is
// never hard.
func FuzzClassify(f *testing.F) {
	f.Add("5.1.1", "550", "user unknown")
	f.Add("", "451", "try again later")
	f.Add("5.7.1", "", "5.1.1 550 <a@b.example> blocked \xff 用户不存在")
	f.Fuzz(func(t *testing.T, status, reply, text string) {
		class, _, why := Classify(status, reply, text)
		if class != Hard && class != Soft && class != Undecided || why == "" {
			t.Fatal(class, why)
		}
		if class == Hard && (len(reply) > 0 && reply[0] == '4' || len(status) > 0 && status[0] == '4') {
			t.Fatal("a temporary failure is hard")
		}
	})
}

func BenchmarkRead(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("testdata", "dsn-user-unknown.eml"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Read(raw, true)
	}
}
