package terminal

import (
	"os"
	"strings"
	"testing"
)

func TestScreen(t *testing.T) {
	var out, messages strings.Builder
	s := Screen{Out: &out, Err: &messages}
	s.Print("%s %d", s.Paint("one", Red), 1)
	s.Say("two")
	s.Colours = true
	s.Print("%s", s.Paint("three", Bold))
	if out.String() != "one 1\n\x1b[1mthree\x1b[0m\n" || messages.String() != "two\n" {
		t.Errorf("%q, %q", out.String(), messages.String())
	}
}

// The null device is a character device as terminals are, and no terminal.
func TestIs(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if Is(f) {
		t.Error("the null device is a terminal")
	}
}
