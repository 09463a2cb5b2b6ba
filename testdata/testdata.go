// Package testdata holds the messages that `offramp demo` sends and that trials
// across rooms use.
package testdata

import (
	"bytes"
	"embed"
)

// Files holds the messages with the line ends of the repository (LF).
//
//go:embed *.eml
var Files embed.FS

// The messages.
const (
	Newsletter = "newsletter.eml" // bulk mail with a List-Id and both placeholders
	Reset      = "reset.eml"      // transactional: a password reset
)

// Message returns a message as it goes on the wire, with CRLF line ends.
func Message(name string) ([]byte, error) {
	raw, err := Files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")), nil
}
