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
	if strings.HasPrefix(format, "panic ") {
		f.s.Stats.Panics.Add(1)
		f.s.Log.Error("a fault of Offramp ended a session", "ip", f.c.addr.String(), "error", text)
		return
	}
	f.s.Log.Debug("session ended", "ip", f.c.addr.String(), "error", text)
}

// Println logs a line.
func (f faults) Println(v ...any) { f.Printf("%s", fmt.Sprint(v...)) }
