package smtpd

import (
	"fmt"
	"strings"
)

// faults takes what go-smtp logs: the end of connections, and panics with
// their stack.
type faults struct {
	s *Server
	c *conn
}

// Printf logs a line.
func (f faults) Printf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if strings.HasPrefix(format, "panic ") && !f.late(text) {
		f.s.Stats.Panics.Add(1)
		f.s.Log.Error("session ended by a panic", "ip", f.c.addr.String(), "error", text)
		return
	}
	f.s.Log.Debug("session ended", "ip", f.c.addr.String(), "error", text)
}

// Println logs a line.
func (f faults) Println(v ...any) { f.Printf("%s", fmt.Sprint(v...)) }

// late says whether a panic is the one of go-smtp when a client vanishes after
// a chunk of BDAT that had no bytes: the goroutine for the message then finds
// no session any more. None of our code has run.
func (f faults) late(text string) bool {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return f.c.closed && !strings.Contains(text, "offramp/gateway/")
}
