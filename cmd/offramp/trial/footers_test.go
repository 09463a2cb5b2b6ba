package trial

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// Signatures over mail with the visible line verify: behind a Postfix, and where
// the message was encoded anew for a hop that takes 7-bit content alone.
func TestSignaturesHoldTheVisibleLine(t *testing.T) {
	letters := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "gateway", "footer", "testdata", "letters", "*.eml"))
	must(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		letters[file] = crlf(raw)
	}
	maps.Copy(letters, corpusFiles(t))
	for _, hop := range []string{"postfix", "7-bit"} {
		t.Run(hop, func(t *testing.T) {
			options := sink.Options{Extensions: []string{"8BITMIME", "SMTPUTF8"}}
			if hop == "7-bit" {
				options.Extensions = nil
			}
			s, err := sink.Start(options)
			must(t, err)
			defer s.Close()
			next := s.Addr()
			if hop == "postfix" {
				next = startPostfix(t, bracketed(s.Addr())).addr
			}
			p := setup(t, "smtp://"+next, "FOOTER=add")
			p.env["DKIM_KEYS"] = "example.org:rsa:" + p.rsaKey + ",example.org:ed:" + p.edKey + ",trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
			p.start()
			c, err := dial(p.smtp)
			must(t, err)
			defer c.close()
			for i, path := range slices.Sorted(maps.Keys(letters)) {
				must(t, c.send("news@trial.example", []string{"m" + itoa(i) + "@dest.example"}, letters[path]))
			}
			s.Wait(len(letters), time.Now().Add(2*time.Minute))
			var signed []sink.Message
			lines := 0
			for _, m := range s.Messages() {
				if bytes.Contains(m.Data, []byte("s=rsa;")) && bytes.Contains(m.Data, []byte("d=example.org;")) {
					signed = append(signed, m)
				}
				if body := m.Data[bytes.Index(m.Data, []byte("\r\n\r\n")):]; bytes.Contains(body, []byte("https://u.trial.example/p/")) {
					lines++
				}
			}
			t.Logf("%d messages, %d came, %d signed, %d with a line in plain sight", len(letters), len(s.Messages()), len(signed), lines)
			if len(signed) < 250 || lines < 150 {
				t.Errorf("%d signed, %d with the line: too few to say anything", len(signed), lines)
			}
			verifySignatures(t, p, signed, "example.org")
		})
	}
}
