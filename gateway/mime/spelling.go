package mime

// A placeholder is an address that no tool changes, or a name in braces. Both come
// back from editors and template engines in other spellings: percent-encoded, as
// HTML references, with white space inside, with a scheme before it, and with its
// underscore escaped.

// placeholderName is in every spelling, but for the case of its letters.
const placeholderName = "offramp."

const (
	// maxSpelling is more than a spelling takes, and maxOpening more than what stands
	// in one before the name.
	maxSpelling, maxOpening = 192, 96
)

const maxInside = 4 // pieces of white space behind the opening braces, and before the closing ones

// The ways to write one character. None is the beginning of another.
var (
	openings    = []string{"{", "%7b", "%257b", "&#123;", "&#x7b;", "&lbrace;", "&lcub;"}
	closings    = []string{"}", "%7d", "%257d", "&#125;", "&#x7d;", "&rbrace;", "&rcub;"}
	blanks      = []string{" ", "\t", "+", "%20", "%2520", "%c2%a0", "&nbsp;", "&#32;", "&#160;", "&#xa0;", "\u00a0", "\xa0"}
	underscores = []string{"_", `\_`, "%5f", "%255f", "&#95;", "&#x5f;", "&lowbar;"}
	slashes     = []string{"/", "&#47;", "&#x2f;", "&sol;"}
	schemes     = []string{"https:", "http:"}
)

// targets are what a placeholder leads to, and placeholders their names in braces.
var (
	targets      = []string{"unsubscribe", "preferences"}
	placeholders = [...]string{UnsubscribeURL, PreferencesURL}
)

// placeholderHost is the host of the address. No such host can exist (RFC 6761
// section 6.4), so nobody is led anywhere when it stays.
const placeholderHost = placeholderName + "invalid"

// begins says whether a placeholder may begin with a byte.
func begins(c byte) bool { return c == '{' || c == '%' || c == '&' || c == 'h' || c == 'H' }

// speller reads a spelling from the front of text. Once it ran out of text,
// short is true and nothing else counts.
type speller struct {
	rest  string
	short bool
}

// spelled returns the placeholder that text begins with and the length of its
// spelling; begun is true where text is too short to tell.
func spelled(text string) (placeholder string, n int, begun bool) {
	s := speller{rest: text}
	scheme := s.scheme() && (s.scheme() || !s.short) // editors put one before what they take for no address
	target := -1
	switch {
	case s.short:
	case s.one(openings):
		target = s.inBraces()
	case scheme && !s.short:
		target = s.address()
	}
	if s.short {
		return "", 0, true
	}
	if target < 0 {
		return "", 0, false
	}
	return placeholders[target], len(text) - len(s.rest), false
}

// take takes text in any case.
func (s *speller) take(text string) bool {
	n := min(len(text), len(s.rest))
	switch {
	case s.short || !equalFold([]byte(s.rest[:n]), text[:n]):
		return false
	case n < len(text):
		s.short = true
		return false
	}
	s.rest = s.rest[n:]
	return true
}

// pick takes one of several texts and returns which, or -1.
func (s *speller) pick(texts []string) int {
	if s.short {
		return -1
	}
	short := false
	for i, text := range texts {
		if s.take(text) {
			return i
		}
		short, s.short = short || s.short, false
	}
	s.short = short
	return -1
}

func (s *speller) one(texts []string) bool { return s.pick(texts) >= 0 }

func (s *speller) twice(texts []string) bool {
	for range 2 {
		if !s.one(texts) {
			return false
		}
	}
	return true
}

// scheme takes a scheme with its slashes, or nothing.
func (s *speller) scheme() bool {
	before := s.rest
	if s.one(schemes) && s.twice(slashes) {
		return true
	}
	s.rest = before
	return false
}

// inBraces takes what follows the first brace, and returns the target.
func (s *speller) inBraces() int {
	if !s.one(openings) {
		return -1
	}
	s.space()
	if !s.take(placeholderName) {
		return -1
	}
	target := s.pick(targets)
	if target < 0 || !s.one(underscores) || !s.take("url") {
		return -1
	}
	if s.space(); !s.twice(closings) {
		return -1
	}
	return target
}

func (s *speller) space() {
	for range maxInside {
		if !s.one(blanks) {
			return
		}
	}
}

// address takes the address behind its scheme, and returns the target.
func (s *speller) address() int {
	if !s.take(placeholderHost) || !s.one(slashes) {
		return -1
	}
	return s.pick(targets)
}
