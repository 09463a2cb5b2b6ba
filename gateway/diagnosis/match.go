package diagnosis

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"offramp/gateway/mime"
)

// topic is what a phrase speaks of.
type topic int

const (
	dead       topic = iota // no such mailbox
	noHost                  // no such host or domain
	moved                   // gone to another address
	doubtful                // the address, but not surely dead
	mailbox                 // full, disabled, down
	content                 // size, spam, virus, form
	sender                  // policy, reputation, authentication, rate
	network                 // connection, DNS, system
	refusal                 // refused, no reason given
	delay                   // not delivered yet
	topicCount              // keep last
)

// phrase is words in a row. A word that ends in ~ matches all that begin so,
// and * for up to three words of any kind.
type phrase struct {
	words []string
	text  string // as it is shown
	about topic
}

// index finds phrases by their first word, or by the first bytes of a first
// word that matches all that begin so.
type index struct {
	whole map[string][]phrase
	stems map[string][]phrase
}

// stem is how many bytes of a word stems are found by; none is shorter.
const stem = 4

// group is a table of texts about one topic, one phrase in a line, in lower
// case and without accents, addresses and punctuation.
type group struct {
	about topic
	texts string
}

func newIndex(groups ...group) index {
	x := index{whole: map[string][]phrase{}, stems: map[string][]phrase{}}
	for _, g := range groups {
		for line := range strings.Lines(g.texts) {
			w := phraseWords(line)
			if len(w) == 0 {
				continue
			}
			table, key := x.whole, w[0]
			if strings.HasSuffix(key, "~") {
				table, key = x.stems, key[:stem]
			}
			table[key] = append(table[key], phrase{w, shown(line), g.about})
		}
	}
	return x
}

// shown is a phrase without the signs that only the search needs.
func shown(line string) string {
	return strings.NewReplacer("*", "...", "~", "").Replace(strings.TrimSpace(line))
}

// phraseWords folds a phrase as texts are folded and keeps its wild cards.
func phraseWords(line string) []string {
	var out []string
	for _, w := range strings.Fields(line) {
		if w == "*" {
			out = append(out, w)
			continue
		}
		bare, prefix := strings.CutSuffix(w, "~")
		folded := strings.Fields(fold(bare))
		if prefix && len(folded) > 0 {
			folded[len(folded)-1] += "~"
		}
		out = append(out, folded...)
	}
	return out
}

// hits is the first phrase found for each topic, "" where there is none.
type hits [topicCount]string

func (x index) find(text string) hits {
	var found hits
	words := strings.Fields(fold(withoutNames(clip(text, maxReason))))
	for i, w := range words {
		found.look(x.whole[w], words[i:])
		if len(w) >= stem {
			found.look(x.stems[w[:stem]], words[i:])
		}
	}
	return found
}

func (h *hits) look(phrases []phrase, words []string) {
	for _, p := range phrases {
		if h[p.about] == "" && matches(p.words, words) {
			h[p.about] = p.text
		}
	}
}

func matches(pattern, words []string) bool {
	for i, p := range pattern {
		if p == "*" {
			for skip := 0; skip <= 3 && skip <= len(words); skip++ {
				if matches(pattern[i+1:], words[skip:]) {
					return true
				}
			}
			return false
		}
		if len(words) == 0 {
			return false
		}
		if prefix, ok := strings.CutSuffix(p, "~"); ok {
			if !strings.HasPrefix(words[0], prefix) {
				return false
			}
		} else if p != words[0] {
			return false
		}
		words = words[1:]
	}
	return true
}

// fold makes a text comparable: lower case, compatibility forms and accents
// away, apostrophes gone, all other signs a space, and each character of a script
// that puts no spaces between words a word of its own.
func fold(text string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/4)
	if !mime.ASCII(text) {
		text = norm.NFKD.String(text)
	}
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out.WriteByte(byte(r))
		case r >= 'A' && r <= 'Z':
			out.WriteByte(byte(r) + 'a' - 'A')
		case r == '\'' || r == '’' || r == '`' || r == '´' || r == '‘':
		case r < 0x80:
			out.WriteByte(' ')
		case r == 'ß':
			out.WriteString("ss")
		case r == 'ł' || r == 'Ł':
			out.WriteByte('l')
		case r == 'ø' || r == 'Ø':
			out.WriteByte('o')
		case unicode.Is(unicode.Mn, r):
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			out.WriteRune(unicode.ToLower(r))
		default:
			out.WriteByte(' ')
		}
	}
	return out.String()
}

// withoutNames takes addresses, host names and links out of a text: a host that
// is called nospam, or a local part such as mailbox.full@, is not a reason. Names of
// well-known block lists stay as a word of their own.
func withoutNames(text string) string {
	if !strings.ContainsAny(text, "@.") {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for i := 0; i < len(text); {
		start := i
		dots, at, link := 0, false, false
		for i < len(text) && isNameOctet(text[i]) {
			switch {
			case text[i] == '@':
				at = true
			case text[i] == '.' && i > start && isWordOctet(text[i-1]) && i+1 < len(text) && isWordOctet(text[i+1]):
				dots++
			case text[i] == ':' && strings.HasPrefix(text[i:], "://"):
				link = true
			}
			i++
		}
		word := text[start:i]
		switch {
		case at || link || dots > 0 && isHost(strings.Trim(word, ".:-=/"), dots):
			if blockList(word) {
				out.WriteString(" blocklist ")
			}
			out.WriteByte(' ')
		default:
			out.WriteString(word)
		}
		if i < len(text) && i == start {
			out.WriteByte(text[i])
			i++
		}
	}
	return out.String()
}

// isNameOctet: what may stand in an address, a host name or a link. Bytes over
// 127 do not, so that scripts without spaces are not taken for names.
func isNameOctet(c byte) bool {
	return isWordOctet(c) || strings.IndexByte("@.-+=/:%&?~!#$*", c) >= 0
}

// isHost distinguishes a host name from two sentences without a space between them.
func isHost(word string, dots int) bool {
	last := strings.ToLower(word[strings.LastIndexByte(word, '.')+1:])
	if len(last) > 2 && dots < 2 {
		switch last {
		case "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "example", "test", "invalid", "local", "localdomain":
			return true
		}
		return false
	}
	if strings.HasPrefix(strings.ToLower(word), "resolver.") {
		return false // a reason of Exchange
	}
	return dots >= 2 || !strings.Contains(" is it to of in we at on no be as or by do go if my so up us me an am he ", " "+last+" ")
}

func blockList(word string) bool {
	word = strings.ToLower(word)
	for _, name := range []string{"spamhaus", "spamcop", "sorbs", "barracudacentral", "abuseat", "surbl", "uribl", "dnsbl", "rbl.", "uceprotect", "senderbase", "senderscore", "invaluement", "spamrats", "mailspike", "nixspam", "proofpoint.com/dnsbl", "mxrate", "blacklist", "blocklist", "spamblock"} {
		if strings.Contains(word, name) {
			return true
		}
	}
	return false
}
