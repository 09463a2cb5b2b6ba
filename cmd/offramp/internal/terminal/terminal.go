// Package terminal is what the commands show to the person at the keyboard.
package terminal

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Is says whether f is a terminal.
func Is(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Style is how a word is shown on a terminal.
type Style string

// Escape sequences of ECMA-48, section 8.3.117.
const (
	Bold   Style = "\x1b[1m"
	Dim    Style = "\x1b[2m"
	Red    Style = "\x1b[31m"
	Green  Style = "\x1b[32m"
	Yellow Style = "\x1b[33m"
	Cyan   Style = "\x1b[36m"
)

const plain = "\x1b[0m"

// Screen is where a command writes.
type Screen struct {
	Out, Err io.Writer // data; messages
	Colours  bool      // Out takes styles; false: it gets bare text
}

// Print writes a line of data.
func (s Screen) Print(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

// Say writes a message for people. A failure to write it changes nothing.
func (s Screen) Say(format string, args ...any) { fmt.Fprintf(s.Err, format+"\n", args...) }

// Paint decorates text.
func (s Screen) Paint(text string, st Style) string {
	if !s.Colours {
		return text
	}
	return string(st) + text + plain
}
