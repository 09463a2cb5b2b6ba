package smtpd

import (
	"fmt"
	"strings"
)

// faults takes what go-smtp logs: the end of connections, and panics with
// their stack.
type faults struct {
	s *Server
	d *dialogue
}

// Printf logs a line.
func (f faults) Printf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if strings.HasPrefix(format, "panic ") && !f.late(text) {
		f.s.panicked(f.d.conn, text)
		return
	}
	f.s.Log.Debug("session ended", "ip", f.d.addr.String(), "error", text)
}

// panicked logs a panic.
func (s *Server) panicked(c *conn, text string) {
	s.Stats.Panics.Add(1)
	s.Log.Error("session ended by a panic", "ip", c.addr.String(), "error", text)
}

// Println logs a line.
func (f faults) Println(v ...any) { f.Printf("%s", fmt.Sprint(v...)) }

// late says whether a panic is the one of go-smtp when a client vanishes after
// a chunk of BDAT that had no bytes: the goroutine for the message then finds
// no session any more. None of our code has run.
func (f faults) late(text string) bool {
	select {
	case <-f.d.done:
		return !strings.Contains(text, "offramp/gateway/")
	default:
		return false
	}
}
