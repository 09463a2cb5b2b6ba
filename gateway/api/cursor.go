package api

import (
	"encoding/base64"
	"strings"
)

// CursorParam is where a page begins.
type CursorParam struct {
	Cursor string `query:"cursor" doc:"The cursor of the page before; the other parameters stay the same. Left out: from the beginning."`
}

// cursorOf writes a position in the pages of one kind. What it looks like is
// nobody's business, so that it may change.
func cursorOf(kind, position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + position))
}

// position reads what [cursorOf] wrote; none: "".
func (p CursorParam) position(kind string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	position, ok := strings.CutPrefix(string(raw), kind+":")
	if p.Cursor != "" && (err != nil || !ok) {
		return "", badRequest("cursor must be one that a page of this route has given.")
	}
	return position, nil
}
