package mime

import (
	"bytes"
	"strings"
)

// maxText is the most bytes of a text part, encoded, that is read as a whole.
const maxText = 2 << 20

// Text is a text part that a reader is shown, with its content at hand.
type Text struct {
	Media    string // text/plain, text/html or text/x-amp-html
	Charset  string // lower case; empty: us-ascii
	Encoding string // 7bit, 8bit, binary, quoted-printable or base64
	Offset   int64  // of the content within the body
	Raw      []byte // the content as it stands there; valid during the call
	// Sealed says that nothing may be put in, and nothing was read: an encoding
	// that is unknown or not clean, MIME fields that come twice, a charset
	// without ASCII, text signed or encrypted inline, more than 2 MiB.
	Sealed bool

	bare bool // it is empty, and the line end before the delimiter is that of its header
}

// Texts finds the text parts of a body that its reader is shown, and gives each
// to Each once it was read. The body is written to it as it streams by. Not
// looked into are attachments, messages inside the message, and multipart/signed
// and multipart/encrypted with all they hold. In memory is one part at a time.
type Texts struct {
	Each func(Text)
	// Abandoned says after Close that the parts were too many, or too deep in
	// each other, to be sure of any.
	Abandoned bool

	walker walker
	open   bool
	text   Text
	raw    []byte
}

// NewTexts returns Texts for the body of the message with header h.
func NewTexts(h Header, each func(Text)) *Texts {
	t := &Texts{Each: each}
	t.walker.visit = t
	t.walker.begin(h, false, "text/plain")
	return t
}

// Write takes the next piece of the body. It never fails.
func (t *Texts) Write(p []byte) (int, error) {
	t.walker.write(p)
	return len(p), nil
}

// Close ends the body.
func (t *Texts) Close() { t.walker.close() }

func (t *Texts) enter(e entity) bool {
	switch e.media {
	case "text/plain", "text/html", "text/x-amp-html":
	default:
		return false
	}
	if e.disposition != "" && e.disposition != "inline" || e.isFile() {
		return false
	}
	t.text = Text{Media: e.media, Charset: strings.ToLower(e.param("charset")), Encoding: e.encoding, Offset: e.offset}
	t.raw, t.open = t.raw[:0], true
	switch e.encoding {
	case "7bit", "8bit", "binary", "quoted-printable", "base64":
	default:
		t.text.Sealed = true
	}
	t.text.Sealed = t.text.Sealed || e.doubled || !holdsASCII(t.text.Charset) || e.part && e.header.Broken()
	return true
}

// isFile says whether a part has the name of a file: clients show it as an
// attachment, also where it is to be shown inline.
func (e entity) isFile() bool {
	_, params, _ := strings.Cut(e.header.Get("Content-Disposition"), ";")
	return content{params: params}.param("filename") != "" || e.param("name") != ""
}

func (t *Texts) read(p []byte) {
	if !t.open || t.text.Sealed {
		return
	}
	if len(t.raw)+len(p) > maxText {
		t.text.Sealed, t.raw = true, t.raw[:0]
		return
	}
	t.raw = append(t.raw, p...)
}

func (t *Texts) leave(off int64) {
	t.open = false
	text := t.text
	if !text.Sealed {
		text.Raw = t.raw[:min(int64(len(t.raw)), max(0, off-text.Offset))]
		text.bare = off < text.Offset
		text.Sealed = bytes.Contains(text.Raw, []byte("-----BEGIN PGP "))
	}
	if text.Sealed {
		text.Raw = nil
	}
	t.Each(text)
}

func (t *Texts) unread([]byte) {}

func (t *Texts) abandon() { t.open, t.Abandoned = false, true }

// Decoded returns the content without its transfer encoding; ok is false where
// it is base64 that is not clean.
func (t Text) Decoded() (content []byte, ok bool) {
	var out bytes.Buffer
	emit := func(p []byte) { out.Write(p) }
	switch t.Encoding {
	case "quoted-printable":
		d := qpDecoder{emit: emit}
		d.decode(t.Raw)
		d.finish()
	case "base64":
		d := base64Decoder{emit: emit}
		d.decode(t.Raw)
		d.finish()
		return out.Bytes(), !d.bad
	default:
		return t.Raw, true
	}
	return out.Bytes(), true
}
