package listunsub

import (
	"bytes"
	"strings"
)

// lintField is a header field as it stands in the message.
type lintField struct {
	name  string // lower case
	shown string // as written
	raw   string // all after the colon; line ends are "\n", the last one is cut off
	line  int    // where it begins, from 1
}

// splitHeader returns the fields up to the first empty line. Lines that belong
// to no field (an mbox line, text without a colon) are left out.
//
// The gateway has a reader of its own, which this library cannot use: it is for
// programs without a gateway, too, and its findings name lines.
func splitHeader(message []byte) []lintField {
	var fields []lintField
	var raw strings.Builder
	open := false
	finish := func() {
		if open {
			fields[len(fields)-1].raw = raw.String()
		}
		open = false
		raw.Reset()
	}
	for number := 1; len(message) > 0; number++ {
		var line []byte
		line, message = cutLine(message)
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if open {
				raw.WriteByte('\n')
				raw.Write(line)
			}
			continue
		}
		finish()
		name, value, ok := strings.Cut(string(line), ":")
		name = strings.TrimRight(name, " \t")
		if !ok || name == "" || !isPrintable(name) {
			continue
		}
		fields = append(fields, lintField{name: strings.ToLower(name), shown: name, line: number})
		open = true
		raw.WriteString(value)
	}
	finish()
	return fields
}

// cutLine returns the first line without its end, CRLF or LF, and the rest.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}
