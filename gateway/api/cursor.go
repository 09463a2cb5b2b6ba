package api

import (
	"encoding/base64"
	"strconv"
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

var errCursor = badRequest("cursor must be one that a page of this route has given.")

// position reads what [cursorOf] wrote; none: "".
func (p CursorParam) position(kind string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	position, ok := strings.CutPrefix(string(raw), kind+":")
	if p.Cursor != "" && (err != nil || !ok) {
		return "", errCursor
	}
	return position, nil
}

// number is a position that is a number; none: 0.
func (p CursorParam) number(kind string) (int64, error) {
	text, err := p.position(kind)
	if text == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errCursor
	}
	return n, nil
}
