package footer

import (
	"bytes"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// How far from a link what it is for may be said, in bytes of text.
const (
	nearBefore   = 160
	nearAfter    = 80
	maxLabel     = 300 // of a link, that are looked at
	longestLocal = 320 // bytes before the at sign of an address; RFC 5321 allows 64
	shortLabel   = 60  // of a link that says what it is for beside it: "here"
)

// linkScan looks for a way out that is there already, among links and the text
// around them. Text is UTF-8.
type linkScan struct {
	ours  string // how links to the recipients' listener begin
	found bool

	inside bool   // of a link that leads somewhere
	dead   bool   // inside of one that leads nowhere
	label  []byte // its text
	before []byte // the last text before the link, or before what is read
	after  int    // bytes that may still tell what the last link was for
	behind []byte // they
}

// begin takes the begin of an element.
func (s *linkScan) begin(tag atom.Atom, href string) {
	if tag != atom.A && tag != atom.Area || s.found {
		return
	}
	s.end()
	s.label, s.dead = s.label[:0], false
	if !leads(href) {
		s.dead = href != ""
		return
	}
	s.settle()
	s.inside = true
	s.found = s.wayOut(href)
}

// block takes the begin or end of what stands on lines of its own, such as a
// paragraph: what a link before it is for is not said behind it.
func (s *linkScan) block() {
	if !s.inside {
		s.settle()
	}
}

// leads says whether a browser or mail client can do anything with a link: what
// a tool left unfilled is none.
func leads(href string) bool {
	href = strings.ToLower(strings.TrimSpace(href))
	for _, mark := range [...]string{"{{", "{%", "${", "[[", "*|", "|*", "%%", "<%", "<?", "##"} {
		if strings.Contains(href, mark) {
			return false
		}
	}
	for _, scheme := range [...]string{"http://", "https://", "//", "mailto:"} {
		if rest, ok := strings.CutPrefix(href, scheme); ok {
			return rest != "" && !strings.ContainsAny(rest[:1], "{[%*#<$|")
		}
	}
	return false
}

// joined leaves out what separates the words of an address.
var joined = strings.NewReplacer("-", "", "_", "", "%20", "", " ", "")

// wayOut says whether an address itself tells that it ends the mail.
func (s *linkScan) wayOut(href string) bool {
	href = strings.TrimSpace(href)
	if s.ours != "" && len(href) > len(s.ours) && strings.EqualFold(href[:len(s.ours)], s.ours) {
		if path := href[len(s.ours):]; strings.HasPrefix(path, "/u/") || strings.HasPrefix(path, "/p/") {
			return true
		}
	}
	if plain, err := url.QueryUnescape(href); err == nil {
		href = plain
	}
	return urlWords.in(joined.Replace(strings.ToLower(href)))
}

// text takes text that is shown.
func (s *linkScan) text(p []byte) {
	if s.found || s.dead {
		return
	}
	if s.inside {
		s.label = append(s.label, p[:min(len(p), maxLabel-len(s.label))]...)
		return
	}
	if s.after > 0 {
		n := min(len(p), s.after)
		s.behind = append(s.behind, p[:n]...)
		if s.after -= n; s.after == 0 {
			s.settle()
		}
	}
	if len(p) > nearBefore {
		p = p[len(p)-nearBefore:]
	}
	s.before = append(s.before, p...)
	if over := len(s.before) - nearBefore; over > 0 {
		s.before = s.before[:copy(s.before, s.before[over:])]
	}
}

// end takes the end of a link.
func (s *linkScan) end() {
	s.dead = false
	if !s.inside || s.found {
		return
	}
	s.inside = false
	label := fold(s.label)
	short := len(label) <= shortLabel
	if s.found = phrases.in(label) || short && phrases.in(fold(s.before)); s.found {
		return
	}
	if s.behind = s.behind[:0]; short {
		s.after = nearAfter
	}
	s.before = append(s.before[:0], s.label...)
}

// settle decides by what stood behind the last link.
func (s *linkScan) settle() {
	s.found = s.found || len(s.behind) > 0 && phrases.in(fold(s.behind))
	s.behind, s.after = s.behind[:0], 0
}

func (s *linkScan) close() {
	s.end()
	s.settle()
}

// fold writes text as phrases are written: lower case, one space for any white
// space, nothing that is not seen.
func fold(p []byte) string {
	var out strings.Builder
	out.Grow(len(p))
	space := false
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		p = p[n:]
		switch {
		case r == utf8.RuneError || r == '\u00ad' || unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsSpace(r):
			space = out.Len() > 0
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// ownInPlain says whether plain text has a way out already. Text is UTF-8.
func ownInPlain(text []byte, ours string) bool {
	s := linkScan{ours: ours}
	for len(text) > 0 {
		i := nextAddress(text)
		if i < 0 {
			s.passage(text)
			break
		}
		s.passage(text[:i])
		n := i + len(strings.TrimRight(word(text[i:]), ".,;:!?)>]}'\""))
		address := string(text[i:max(n, i+1)])
		text = text[i+len(address):]
		if !strings.Contains(address, "://") && !strings.HasPrefix(address, "mailto:") {
			address = "https://" + address
		}
		s.begin(atom.A, address)
		s.text([]byte("-"))
		if s.end(); s.found {
			return true
		}
		s.before = s.before[:0]
	}
	s.close()
	return s.found
}

// passage takes plain text between addresses. An empty line ends a paragraph.
func (s *linkScan) passage(text []byte) {
	first := true // the rest of the line of an address
	for line := range bytes.Lines(text) {
		if !first && len(bytes.TrimSpace(line)) == 0 {
			s.block()
		}
		s.text(line)
		first = false
	}
}

// word is what stands before white space or an angle bracket.
func word(text []byte) string {
	const longest = 2000
	text = text[:min(len(text), longest)]
	for i, c := range text {
		if c <= ' ' || c == '<' || c == '>' || c == '"' {
			return string(text[:i])
		}
	}
	return string(text)
}

// nextAddress returns where the next web or mail address begins, or -1.
func nextAddress(text []byte) int {
	for i := range text {
		switch c := text[i]; {
		case c == 'h' || c == 'H' || c == 'w' || c == 'W' || c == 'm' || c == 'M':
			if i > 0 && (isLetter(text[i-1])) {
				continue
			}
			for _, begin := range [...]string{"http://", "https://", "www.", "mailto:"} {
				if len(text)-i > len(begin) && strings.EqualFold(string(text[i:i+len(begin)]), begin) {
					return i
				}
			}
		case c == '@' && i > 0 && i+1 < len(text) && isLetter(text[i-1]) && isLetter(text[i+1]):
			for end := i - longestLocal; i > 0 && i > end && text[i-1] > ' ' && strings.IndexByte(`<>()[],;:"`, text[i-1]) < 0; {
				i--
			}
			return i
		}
	}
	return -1
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
