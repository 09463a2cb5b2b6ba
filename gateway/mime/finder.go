package mime

import "strings"

// finder looks for placeholders in what a walker comes by.
type finder struct {
	only  bool // nothing that it finds can be replaced
	parts []Part
	left  bool // a placeholder was found that stays

	open    bool // a text is being read; part.Offset is set
	fixed   bool // and it is left alone
	part    Part
	match   matcher
	qp      *qpDecoder
	b64     *base64Decoder
	sealed  *sealedFinder // of the multipart/signed that is being read
	skip    bool          // what is being read hides all text
	between matcher       // what is no text: what stands around parts, parts of other types
	plain   *qpDecoder    // feeds it
}

// sealedFinder goes through a multipart that nothing is changed in.
type sealedFinder struct {
	walker walker
	found  finder
}

func newSealedFinder(h Header) *sealedFinder {
	s := &sealedFinder{found: finder{only: true}}
	s.walker.visit, s.walker.sealed = &s.found, true
	s.walker.begin(h, false, "text/plain")
	return s
}

func (s *sealedFinder) write(p []byte) {
	if rest := s.walker.write(p); len(rest) > 0 {
		s.found.read(rest)
	}
}

func (s *sealedFinder) left() bool {
	s.walker.close()
	return s.found.leftAny()
}

func (f *finder) enter(e entity) bool {
	f.skip = false
	if e.media == "multipart/signed" && !e.multipart && !f.only {
		f.sealed = newSealedFinder(e.header)
		return true
	}
	text := strings.HasPrefix(e.media, "text/")
	if e.multipart || !text {
		f.skip = !e.multipart && e.encoding == "base64"
		return false
	}
	charset := strings.ToLower(e.param("charset"))
	html := e.media == "text/html" || e.media == "text/x-amp-html"
	f.fixed = f.only || e.doubled || e.media != "text/plain" && !html ||
		e.disposition != "" && e.disposition != "inline" || !holdsASCII(charset)
	f.match = matcher{}
	switch e.encoding {
	case "7bit", "8bit", "binary":
	case "quoted-printable":
		f.qp = &qpDecoder{emit: f.match.feed}
	case "base64":
		f.b64 = &base64Decoder{emit: f.match.feed}
	default:
		return false
	}
	f.open = true
	f.part = Part{Offset: e.offset, Encoding: e.encoding, HTML: html, Charset: charset}
	return true
}

func (f *finder) read(p []byte) {
	switch {
	case f.sealed != nil:
		f.sealed.write(p)
	case !f.open:
		f.look(p)
	case f.qp != nil:
		f.qp.decode(p)
	case f.b64 != nil:
		f.b64.decode(p)
	default:
		f.match.feed(p)
	}
}

// look searches what is no text. It may be quoted-printable all the same: the
// parts of a message inside the message are.
func (f *finder) look(p []byte) {
	if f.skip {
		return
	}
	if f.plain == nil {
		f.plain = &qpDecoder{emit: f.between.feed}
	}
	f.plain.decode(p)
}

func (f *finder) leave(off int64) {
	if f.sealed != nil {
		f.left = f.left || f.sealed.left()
		f.sealed = nil
		return
	}
	part, whole := f.part, true
	part.Length = off - part.Offset
	if f.qp != nil {
		f.qp.finish()
	}
	if f.b64 != nil {
		f.b64.finish()
		part.Length = f.b64.last // line ends behind it stay as they are
		whole = !f.b64.bad
	}
	f.match.finish()
	switch replaced := !f.fixed && !f.match.pgp && whole; {
	case f.match.found && replaced:
		f.parts = append(f.parts, part)
		f.left = f.left || f.match.odd
	case f.match.found || f.match.odd:
		f.left = true
	}
	f.open, f.qp, f.b64 = false, nil, nil
}

func (f *finder) unread(header []byte) { f.look(header) }

func (f *finder) abandon() {
	f.left = f.left || len(f.parts) > 0
	f.parts, f.open, f.skip = nil, false, false
}

// leftAny says whether a placeholder stays, at the end of the body.
func (f *finder) leftAny() bool {
	if f.plain != nil {
		f.plain.finish()
		f.between.finish()
	}
	return f.left || f.between.found || f.between.odd
}
