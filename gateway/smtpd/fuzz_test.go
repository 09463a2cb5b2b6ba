package smtpd

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzDialogue sends whole dialogues to a server. Whatever comes, it answers
// nothing but replies, ends when the client ends, and queues nothing that has
// no open transaction behind it.
func FuzzDialogue(f *testing.F) {
	for _, client := range clients(f) {
		f.Add(client)
	}
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 8\r\n"))
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 3\r\nx\r\nRSET\r\nBDAT 2 LAST\r\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		r := &fakeRelay{trusted: true}
		s := &Server{
			Hostname: "gate.example", Relay: r, Feedback: fakeFeedback{r}, MaxMessageSize: 4096, MaxRecipients: 10,
			Stats: &Stats{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Config: Config{Drain: 50 * time.Millisecond}, // a message whose next chunk never comes
		}
		if err := s.prepare(nil); err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		s.admit(t.Context(), far, false)
		near.SetDeadline(time.Now().Add(20 * time.Second))
		replies := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(near)
			replies <- b
		}()
		// The greeting of the client comes apart, as it must.
		greeting, rest, _ := bytes.Cut(data, []byte("\n"))
		near.Write(append(greeting, '\n'))
		near.Write(rest)
		near.Write([]byte("\r\n.\r\nQUIT\r\n"))
		// A pipe has no end in one direction: what waits for bytes is ended.
		s.drain(func() {})
		near.Close()
		for line := range strings.Lines(string(<-replies)) {
			if len(line) < 4 || line[0] < '2' || line[0] > '5' || !strings.HasSuffix(line, "\r\n") {
				t.Fatalf("%q is no reply", line)
			}
		}
		if n := s.Stats.Panics.Load(); n != 0 && !bytes.Contains(bytes.ToLower(data), []byte("panic")) {
			t.Fatalf("%d panics", n)
		}
		for _, m := range r.all() {
			if len(m.envelope.Recipients) == 0 || len(m.data) > 4097 {
				t.Fatalf("kept %+v", m)
			}
		}
		if s.Stats.Open.Load() != 0 {
			t.Fatal("connection still open")
		}
	})
}

// clients are what the clients of testdata/sessions send.
func clients(t testing.TB) (all [][]byte) {
	files, _ := filepath.Glob("testdata/sessions/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var client bytes.Buffer
		for line := range strings.Lines(string(text)) {
			step, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if step == "C:" {
				client.WriteString(rest + "\r\n")
			} else if s, err := strconv.Unquote(rest); step == "C!" && err == nil {
				client.WriteString(s)
			}
		}
		all = append(all, client.Bytes())
	}
	return all
}
