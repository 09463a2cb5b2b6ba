package mime

import (
	"strings"

	"golang.org/x/net/html"
)

// maxOpen is how many elements inside each other are told apart. Browsers have
// such a limit, too.
const maxOpen = 512

// HTMLText returns the text of a page that a reader sees, at most limit bytes of
// it: paragraphs, rows and the like are lines, all mark-up goes. What is never
// shown (style, script, head, title, template, comments, elements with the
// attribute hidden) is left out. It takes memory and time by the length of
// markup, however deep its elements are.
func HTMLText(markup string, limit int) string {
	p := page{hidden: -1, special: -1}
	return p.read(markup, limit)
}

// HTMLAnswer is HTMLText for an answer somebody wrote: what it quotes (blockquote,
// and the elements in which mail programs put it) has "> " before each line, as in
// a plain text, and line ends of the markup are spaces, as browsers show them.
func HTMLAnswer(markup string, limit int) string {
	p := page{hidden: -1, special: -1, answer: true}
	return p.read(markup, limit)
}

func (p *page) read(markup string, limit int) string {
	z := html.NewTokenizer(strings.NewReader(markup))
	for p.text.Len() < limit {
		switch z.Next() {
		case html.ErrorToken:
			return clip(p.text.String(), limit)
		case html.TextToken:
			p.write(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			if tag == "noscript" {
				z.NextIsNotRawText() // mail programs run no scripts
			}
			hidden, quotes := elements[tag]&unseen != 0, quotation(0)
			if tag == "blockquote" {
				quotes = quotesInside
			}
			for more && !hidden {
				var key, value []byte
				key, value, more = z.TagAttr()
				hidden = string(key) == "hidden"
				if p.answer {
					quotes = max(quotes, quotationOf(string(key), value))
				}
			}
			p.start(tag, hidden, quotes)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		}
	}
	return clip(p.text.String(), limit)
}

// element is what has to be known about a kind of element.
type element int

const (
	void    element = 1 << iota // has no content and no end
	line                        // stands on lines of its own
	special                     // an end tag of one that is not does not close it
	unseen                      // is not shown
	meta                        // may stand in head, and does not end it
)

var elements = map[string]element{
	"area": void, "br": void | line, "embed": void, "hr": void | line, "img": void, "input": void, "source": void, "track": void, "wbr": void,
	"base": void | meta, "col": void, "link": void | meta, "meta": void | meta,
	"style": special | unseen | meta, "script": special | unseen | meta, "title": special | unseen | meta, "template": special | unseen | meta,
	"head": special | unseen, "iframe": special | unseen, "noembed": special | unseen, "noframes": special | unseen | meta,
	"html": special, "body": special, "noscript": special | meta, "object": special, "select": special, "textarea": special, "button": special,
	"p": special | line, "div": special | line, "ul": special | line, "ol": special | line, "li": special | line, "dl": special | line,
	"dt": special | line, "dd": special | line, "table": special | line, "caption": special | line, "thead": special, "tbody": special, "tfoot": special,
	"tr": special | line, "td": special | line, "th": special | line, "blockquote": special | line, "pre": special | line, "center": special | line,
	"h1": special | line, "h2": special | line, "h3": special | line, "h4": special | line, "h5": special | line, "h6": special | line,
	"address": special | line, "article": special | line, "aside": special | line, "section": special | line, "header": special | line,
	"footer": special | line, "main": special | line, "nav": special | line, "figure": special | line, "form": special | line, "fieldset": special | line,
}

// page is what is known about a page that is read tag by tag. A tree of it would
// take time and memory by the square of what a stranger sends.
type page struct {
	text   strings.Builder
	open   []openElement // elements, the outermost first
	hidden int           // which of them is not shown; -1: all are
	answer bool          // quotations are marked
	quotes int           // how many quotations are open

	// The innermost element of each name, and of the special ones, are known, since
	// no tag may cost a walk over all that are open.
	named   map[string]int
	special int // -1: there is none
}

func (p *page) write(text []byte) {
	switch {
	case p.hidden >= 0:
	case p.answer:
		p.text.WriteString(strings.NewReplacer("\r", "", "\n", " ").Replace(string(text)))
	default:
		p.text.Write(text)
	}
}

type openElement struct {
	name   string
	kind   element
	quotes bool

	sameName, special int // the next element outside it of the sort, or -1
}

func (p *page) start(name string, hidden bool, quotes quotation) {
	if top := len(p.open) - 1; top >= 0 && p.open[top].name == "head" && elements[name]&meta == 0 {
		p.closeFrom(top) // its end tag may be missing
	}
	p.closeImplied(name)
	p.breakLine(name)
	if p.answer && quotes == quotesOnwards {
		p.quote()
	}
	if elements[name]&void != 0 {
		return
	}
	if len(p.open) < maxOpen {
		quoted := p.answer && quotes == quotesInside
		p.push(name, quoted)
		if quoted {
			p.quote()
		}
	}
	if hidden && p.hidden < 0 {
		p.hidden = len(p.open) - 1
	}
}

func (p *page) push(name string, quotes bool) {
	if p.named == nil {
		p.named = map[string]int{}
	}
	e := openElement{name: name, kind: elements[name], quotes: quotes, sameName: -1, special: p.special}
	if i, ok := p.named[name]; ok {
		e.sameName = i
	}
	p.named[name] = len(p.open)
	if e.kind&special != 0 {
		p.special = len(p.open)
	}
	p.open = append(p.open, e)
}

// end closes the innermost element of a name; an inline one not beyond the special
// one that it is in.
func (p *page) end(name string) {
	if i, ok := p.named[name]; ok && (elements[name]&special != 0 || i > p.special) {
		p.closeFrom(i)
	}
	p.breakLine(name)
}

func (p *page) closeFrom(i int) {
	for len(p.open) > i {
		e := p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		p.special = e.special
		if e.sameName >= 0 {
			p.named[e.name] = e.sameName
		} else {
			delete(p.named, e.name)
		}
		if e.quotes {
			p.quotes--
			if p.hidden < 0 && e.kind&line == 0 {
				p.text.WriteByte('\n')
			}
		}
	}
	if p.hidden >= i {
		p.hidden = -1
	}
}

// closeImplied closes the elements that end where another one begins.
func (p *page) closeImplied(name string) {
	for p.special >= 0 && endsBefore(p.open[p.special].name, name) {
		p.closeFrom(p.special)
	}
}

// endsBefore says whether an element that is open ends where next begins.
func endsBefore(open, next string) bool {
	switch open {
	case "p":
		return elements[next]&line != 0 && next != "br"
	case "li":
		return next == "li"
	case "dt", "dd":
		return next == "dt" || next == "dd"
	case "td", "th":
		return next == "td" || next == "th" || next == "tr" || next == "tbody" || next == "tfoot"
	case "tr":
		return next == "tr" || next == "tbody" || next == "tfoot"
	}
	return false
}

// quote opens a quotation.
func (p *page) quote() {
	p.quotes++
	p.breakLine("blockquote")
}

func (p *page) breakLine(name string) {
	if p.hidden < 0 && elements[name]&line != 0 {
		p.text.WriteByte('\n')
		if p.quotes > 0 {
			p.text.WriteString("> ")
		}
	}
}
