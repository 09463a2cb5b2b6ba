package footer

import (
	"bytes"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const maxTag = 35 // bytes of a language tag (RFC 5646 section 4.4.1)

// page is what was found out about an HTML part.
type page struct {
	at      int    // where the line goes, in the decoded content
	closers string // end tags of what is open there
	own     bool   // it has a way out already
	lang    string // of its html element
	fits    bool   // at is known
}

// htmlScan reads HTML as browsers do, as far as it matters to where a line at
// its end is seen.
type htmlScan struct {
	original []byte
	charset  string
	source   []byte // the same with nothing in it that looks like ASCII and is not
	links    linkScan
	stack    stack
	raw      int  // begin of the element whose text is being read; -1: none
	rawOpen  page // as it was there
	body     page // at the end tag of body, or of html
	ended    bool // body was set
	later    bool // something is shown behind it
	lang     string
	frames   bool
}

// readHTML reads a decoded part. It is in a charset that has ASCII as it is.
func readHTML(source []byte, charset string, ours string) page {
	s := htmlScan{original: source, charset: charset, source: plainASCII(source, charset), raw: -1, links: linkScan{ours: ours}}
	z := html.NewTokenizer(bytes.NewReader(s.source))
	at := 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		size := len(z.Raw())
		s.token(z, kind, at, size)
		at += size
	}
	s.links.close()
	out := s.place(at)
	out.own, out.lang = s.links.found, s.lang
	out.fits = out.fits && !s.frames
	return out
}

func (s *htmlScan) token(z *html.Tokenizer, kind html.TokenType, at, size int) {
	switch kind {
	case html.TextToken:
		if s.raw >= 0 {
			return
		}
		text := s.source[at : at+size]
		s.later = s.later || len(bytes.TrimSpace(text)) > 0
		s.links.text(s.shown(at, at+size))
	case html.StartTagToken, html.SelfClosingTagToken:
		s.start(z, at, kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		name, _ := z.TagName()
		s.finish(atom.Lookup(name), at)
	case html.CommentToken:
		// One that never ends hides all that follows: the line goes before it.
		if at+size == len(s.source) && !bytes.HasSuffix(s.source, []byte("-->")) && bytes.HasPrefix(s.source[at:], []byte("<!--")) {
			s.raw, s.rawOpen = at, s.here(at)
		}
	}
}

// here is the place at, with all that is open.
func (s *htmlScan) here(at int) page {
	p := page{at: at}
	p.closers, p.fits = s.stack.closers()
	return p
}

func (s *htmlScan) start(z *html.Tokenizer, at int, selfClosing bool) {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	href, label := s.attributes(z, tag, more)
	if breaks(tag) {
		s.links.block()
	}
	s.links.begin(tag, href)
	if s.links.text([]byte(label)); tag == atom.Area {
		s.links.end()
	}
	switch tag {
	case atom.Html, atom.Body:
		return
	case atom.Head, atom.Meta, atom.Link, atom.Base:
	default:
		s.later = true
	}
	s.frames = s.frames || tag == atom.Frameset || tag == atom.Plaintext
	switch tag {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Track, atom.Wbr, 0:
		return // void, or of no known name
	case atom.Script, atom.Style, atom.Title, atom.Textarea, atom.Iframe, atom.Noembed, atom.Noframes, atom.Xmp:
		if !s.stack.foreign() {
			s.raw, s.rawOpen = at, s.here(at)
			return
		}
		z.NextIsNotRawText()
	}
	if selfClosing && (s.stack.foreign() || tag == atom.Svg || tag == atom.Math) {
		return
	}
	s.stack.start(tag)
}

// attributes returns what a link refers to, and what an element says beside its
// text.
func (s *htmlScan) attributes(z *html.Tokenizer, tag atom.Atom, more bool) (href, label string) {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "lang":
			if tag == atom.Html {
				s.lang = string(value[:min(len(value), maxTag)])
			}
		case "href":
			href = string(value)
		case "alt", "title", "aria-label":
			label = string(value[:min(len(value), maxLabel)])
		}
	}
	return href, label
}

// shown is text as the reader sees it, in UTF-8.
func (s *htmlScan) shown(from, to int) []byte {
	text := utf8Of(s.original[from:to], s.charset)
	if bytes.IndexByte(text, '&') < 0 {
		return text
	}
	return []byte(html.UnescapeString(string(text)))
}

func (s *htmlScan) finish(tag atom.Atom, at int) {
	if s.raw >= 0 {
		s.raw = -1 // the tokenizer gives no other end tag while it reads raw text
		return
	}
	switch tag {
	case 0:
		return
	case atom.Body, atom.Html:
		if tag == atom.Body || !s.ended {
			s.body, s.ended, s.later = s.here(at), true, false
		}
		return
	}
	if tag == atom.A {
		s.links.end()
	}
	if breaks(tag) {
		s.links.block()
	}
	s.stack.end(tag)
}

// place decides where the line goes; read is how far the tokens reached.
func (s *htmlScan) place(read int) page {
	switch {
	case s.ended && !s.later:
		return s.body
	case s.raw >= 0:
		return s.rawOpen
	case read < len(s.source):
		return page{} // it ends inside a tag
	}
	end := len(bytes.TrimRight(s.source, " \t\r\n"))
	return s.here(end)
}
