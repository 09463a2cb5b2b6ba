package mime

import (
	"bytes"
	"strings"
)

// Split splits a message or part at its first empty line, to be read and not to
// be relayed ([Reader] is for that): line ends may be CRLF or LF, and both
// results share the bytes of raw. One that does not begin with a field has no
// header; empty lines and the "From " line of an mbox before the header are
// passed over.
func Split(raw []byte) (Header, []byte) {
	pos := 0
	for pos < len(raw) {
		end := lineEnd(raw, pos)
		line := raw[pos:end]
		if len(bytes.TrimSpace(line)) == 0 {
			if pos > 0 || end == len(raw) { // an empty first line ends an empty header
				return ParseHeader(raw[:pos]), raw[end:]
			}
			return Header{}, raw[end:]
		}
		if !bytes.HasPrefix(line, []byte("From ")) && !bytes.HasPrefix(line, []byte(">From ")) {
			break
		}
		pos = end
	}
	if pos < len(raw) && !beginsWithField(raw[pos:]) {
		return Header{}, raw[pos:]
	}
	for at := pos; at < len(raw); {
		end := lineEnd(raw, at)
		if len(bytes.TrimRight(raw[at:end], "\r\n")) == 0 {
			return ParseHeader(raw[pos:at]), raw[end:]
		}
		at = end
	}
	return ParseHeader(raw[pos:]), nil
}

// beginsWithField looks at the first lines: one odd line does not unmake a header.
func beginsWithField(raw []byte) bool {
	for pos, n := 0, 0; pos < len(raw) && n < 3; n++ {
		end := lineEnd(raw, pos)
		if len(ParseHeader(raw[pos:end:end]).Fields()) > 0 {
			return true
		}
		pos = end
	}
	return false
}

// traceFields never begin a line of a text for people, only one of a header.
var traceFields = []string{"received:", "return-path:", "mime-version:", "message-id:", "dkim-signature:", "delivered-to:", "x-mailer:", "x-originating-ip:"}

// blockFields begin lines of a header, and of texts that quote a few of them.
var blockFields = []string{"from:", "to:", "subject:", "date:", "cc:", "reply-to:", "content-type:", "content-transfer-encoding:", "list-", "sender:", "x-"}

// HeaderIn says whether the line of a text that begins at pos is one of the
// header of a message that somebody put into the text, and where that header
// starts, which may be some lines before. A field alone makes none: texts for
// people quote them.
func HeaderIn(text string, pos int) (start int, ok bool) {
	if !isTrace(text[pos:]) || !manyFields(text[pos:]) {
		return 0, false
	}
	for pos > 0 { // back over the fields directly before
		start := strings.LastIndexByte(text[:pos-1], '\n') + 1
		line := strings.TrimRight(text[start:pos], "\r\n")
		if !hasFieldPrefix(line, blockFields) && !strings.HasPrefix(line, "\t") {
			break
		}
		pos = start
	}
	return pos, true
}

func isTrace(line string) bool { return hasFieldPrefix(line, traceFields) }

func hasFieldPrefix(line string, names []string) bool {
	if line == "" || isSpace(line[0]) {
		return false
	}
	for _, name := range names {
		if len(line) >= len(name) && strings.EqualFold(line[:len(name)], name) {
			return true
		}
	}
	return false
}

// manyFields says whether three fields begin a text within two dozen lines
// without a gap.
func manyFields(text string) bool {
	fields, lines := 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || lines > 24 {
			break
		}
		if hasFieldPrefix(line, traceFields) || hasFieldPrefix(line, blockFields) {
			fields++
		}
		lines++
	}
	return fields >= 3
}
