package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"offramp/cmd/offramp/internal/terminal"
)

// print writes data for people.
func (a *app) print(format string, args ...any) { a.screen().Print(format, args...) }

// say writes a message for people.
func (a *app) say(format string, args ...any) { a.screen().Say(format, args...) }

// paint decorates s where stdout takes it.
func (a *app) paint(s string, st terminal.Style) string { return a.screen().Paint(s, st) }

// screen is where the command writes: styled where stdout is a terminal and
// NO_COLOR does not forbid it (no-color.org: set and not empty).
func (a *app) screen() terminal.Screen {
	return terminal.Screen{Out: a.stdout, Err: a.stderr, Colours: a.tty && a.env["NO_COLOR"] == "" && a.env["TERM"] != "dumb"}
}

// printJSON writes one indented JSON value.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printLine writes one JSON value on one line.
func (a *app) printLine(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printTable writes rows in columns; the first row is the heading.
func (a *app) printTable(rows [][]string) error { return writeTable(a.stdout, rows) }

func writeTable(out io.Writer, rows [][]string) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// The blanks that pad empty cells at the end of a row go last: without the
	// cells, the columns before them would not line up.
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	return nil
}

// printable replaces control characters, so that what strangers wrote cannot
// steer the terminal it is shown on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// plural counts things for people: "1 message", "1,204 messages". more is the
// word for several where it is not one with an s.
func plural[N int | int64](n N, one string, more ...string) string {
	word := one
	if n != 1 {
		word += "s"
		if len(more) > 0 {
			word = more[0]
		}
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " " + word
}

// shellQuote writes a word so that a shell takes it for one.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%_+=:,./-", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
