package trial

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// replaced is a message as a next hop passes it on that replaces some fields.
func replaced(data []byte, fields map[string]string) []byte {
	header, body, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	var out bytes.Buffer
	for name, value := range fields {
		fmt.Fprintf(&out, "%s: %s\r\n", name, value)
	}
	skip := false
	for line := range bytes.Lines(append(header, "\r\n"...)) {
		if line[0] != ' ' && line[0] != '\t' {
			skip = false
			for name := range fields {
				skip = skip || len(line) > len(name) && strings.EqualFold(string(line[:len(name)+1]), name+":")
			}
		}
		if !skip {
			out.Write(line)
		}
	}
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

// amazon answers as Amazon SES does to what it takes once only in a header.
func amazon(refused *atomic.Int64) func(sink.Stage, sink.Transaction) sink.Fault {
	return func(stage sink.Stage, tr sink.Transaction) sink.Fault {
		if stage != sink.Dot {
			return sink.Fault{}
		}
		header, _, _ := bytes.Cut(tr.Data, []byte("\r\n\r\n"))
		if bytes.Count(append([]byte("\r\n"), bytes.ToLower(header)...), []byte("\r\ndkim-signature:")) <= 1 {
			return sink.Fault{}
		}
		refused.Add(1)
		return sink.Fault{Reply: "554 Transaction failed: Duplicate header 'DKIM-Signature'."}
	}
}

// Behind a hop that takes one signature and replaces Message-ID and Date every
// signature that Offramp made is valid, with the keys that init makes.
func TestTortureAmazonSES(t *testing.T) {
	total := scale(60, 1000)
	var refused atomic.Int64
	s, err := sink.Start(sink.Options{Fault: amazon(&refused)})
	must(t, err)
	defer s.Close()
	p := setup(t, "smtp://"+s.Addr(), "NEXT_HOP_PROFILE=ses")
	p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
	p.start()
	client, err := dial(p.smtp)
	must(t, err)
	defer client.close()
	signed := "DKIM-Signature: v=1; a=rsa-sha256; d=app.example; s=x; h=from:to:date; bh=x; b=x\r\n"
	dropped := 0
	for i := range total {
		// Some come signed, once or twice, some lack what is replaced.
		own := strings.Repeat(signed, i%3)
		dropped += i % 3
		if i%2 == 0 {
			own += fmt.Sprintf("Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d@trial.example>\r\n", i)
		}
		must(t, client.send("news@trial.example", []string{fmt.Sprintf("r%d@dest.example", i)},
			[]byte(own+fmt.Sprintf("From: News <news@trial.example>\r\nTo: all@trial.example\r\nSubject: Issue %d\r\n\r\nHello %d\r\n", i, i))))
	}
	messages := s.Wait(total, time.Now().Add(2*time.Minute))
	if len(messages) != total || refused.Load() != 0 {
		t.Fatalf("%d of %d messages were taken, %d refused\n%s", len(messages), total, refused.Load(), p.log)
	}
	for i := range messages {
		messages[i].Data = replaced(messages[i].Data, map[string]string{
			"Message-ID": fmt.Sprintf("<%d@eu-west-1.amazonses.com>", i), "Date": "Sat, 28 Nov 2026 10:00:00 +0000",
			"Feedback-ID": "::1.eu-west-1.trial:AmazonSES",
		})
	}
	verifySignatures(t, p, messages)
	want := fmt.Sprintf("offramp_delivery_dropped_signatures_total %d\n", dropped)
	must(t, poll(20*time.Second, func() error {
		response, err := http.Get("http://" + p.admin + "/metrics")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err == nil && !strings.Contains(string(text), want) {
			err = fmt.Errorf("the metrics lack %q", want)
		}
		return err
	}))
}

// Our signatures survive a hop that replaces the List-* fields; the button is
// then the hop's.
func TestListFieldsReplacedBehindUs(t *testing.T) {
	python(t, "dkim")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	for profile, want := range map[string]string{"mailjet": "rsa ok", "generic": "rsa fails"} {
		t.Run(profile, func(t *testing.T) {
			p := setup(t, "smtp://"+s.Addr(), "NEXT_HOP_PROFILE="+profile)
			p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey
			p.start()
			client, err := dial(p.smtp)
			must(t, err)
			defer client.close()
			subject := "behind " + profile
			must(t, client.send("news@trial.example", []string{"ada@dest.example"},
				[]byte("From: News <news@trial.example>\r\nTo: ada@dest.example\r\nSubject: "+subject+"\r\n\r\nHello\r\n")))
			data := replaced(bearing(t, p, s, subject, "ada@dest.example"), map[string]string{
				"List-Unsubscribe": "<https://hop.example/unsub?m=1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Message-ID": "<1@hop.example>",
			})
			file := filepath.Join(t.TempDir(), "message")
			must(t, os.WriteFile(file, data, 0o600))
			out, err := exec.Command("/usr/bin/python3", "testdata/signatures.py", dkimRecords(t, map[string]string{"rsa": p.rsaKey}), file).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("signatures %q (%v), want %q\n%s", got, err, want, data)
			}
		})
	}
}
