package diagnosis

import (
	"slices"
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
	spurned                 // the same, and the words in it are no reasons by themselves
	unverified              // a check of the address failed
	vacant                  // the words of RFC 5321 for no such mailbox, which others use, too
	either                  // dead, or something else
	joined                  // several reasons, perhaps in words that are not known
	frame                   // part of the form, no reason: names of products, notes on enclosures
	mailbox                 // full, disabled, down
	content                 // size, spam, virus, form
	sender                  // policy, reputation, authentication, rate
	relays                  // mail is not passed on
	unserved                // the same, since nobody has that name: found beside dead, in no table
	network                 // connection, DNS, system
	passing                 // the same, for a while
	barred                  // not allowed, not said why
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
	or    bool // has a conjunction of its own
}

// index finds phrases by their first word, or by the first bytes of a first
// word that matches all that begin so.
type index struct {
	whole map[string][]phrase
	stems map[string][]phrase
}

// stem is how many bytes of a word stems are found by; none is shorter.
const stem = 4

// group is a table of texts about one topic, one phrase in a line, or several
// where a word has choices with bars between them, in lower case and without
// addresses, punctuation and accents, except umlauts: people also write ae, oe
// and ue for those.
type group struct {
	about topic
	texts string
}

func newIndex(groups ...group) index {
	x := index{whole: map[string][]phrase{}, stems: map[string][]phrase{}}
	for _, g := range groups {
		for line := range strings.Lines(g.texts) {
			for _, one := range expand(strings.Fields(line)) {
				for _, spelled := range spellings(one) {
					x.add(g.about, spelled)
				}
			}
		}
	}
	return x
}

func (x index) add(about topic, line string) {
	w := phraseWords(line)
	if len(w) == 0 {
		return
	}
	p := phrase{words: w, text: shown(line), about: about}
	for _, one := range w {
		p.or = p.or || conjunctions[one]
	}
	table, key := x.whole, w[0]
	if strings.HasSuffix(key, "~") {
		table, key = x.stems, key[:stem]
	}
	table[key] = append(table[key], p)
}

// expand returns a line once for each choice among words with a bar between them.
func expand(line []string) []string {
	for i, w := range line {
		if !strings.Contains(w, "|") {
			continue
		}
		var all []string
		for one := range strings.SplitSeq(w, "|") {
			all = append(all, expand(slices.Concat(line[:i], []string{one}, line[i+1:]))...)
		}
		return all
	}
	return []string{strings.Join(line, " ")}
}

// spellings returns a text, and where it has umlauts also with ae, oe and ue.
func spellings(text string) []string {
	if other := umlauts.Replace(text); other != text {
		return []string{text, other}
	}
	return []string{text}
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue")

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

// named says whether a dead address or domain is among them.
func (h hits) named() bool { return h[dead] != "" || h[noHost] != "" || h[moved] != "" }

func (x index) find(text string) hits {
	var found hits
	t := split(text)
	part := 0                 // where the text ends that i is in
	dead := -1                // where the last phrase of a dead address ended
	var ended [topicCount]int // where the last phrase of a topic ended; 0: there was none
	for i := 0; i < len(t.words); {
		if i >= part {
			part = t.part(i)
		}
		skip := 1
		if conjunctions[t.words[i]] {
			found[joined] = t.words[i]
		}
		after := dead == i
		for _, m := range x.matching(t.words[i:part]) {
			about := m.about
			if about.deadly() && about != moved && t.broken(i, m.length) {
				continue // "user not local; please try" is one
			}
			if about.deadly() && t.others(i) {
				about = sender
			}
			if about.deadly() {
				if !m.or && t.alternative(i, m.length, after, x) {
					about = either
				}
				dead = i + m.length
			}
			if found[about] == "" {
				found[about] = m.text
			}
			if other, ok := unserving[about]; ok {
				if ended[other] > 0 && t.close(ended[other], i) {
					found[unserved] = m.text
				}
				ended[about] = i + m.length
			}
			if m.hides() {
				skip = max(skip, m.length)
			}
		}
		i += skip
	}
	return found
}

// unserving are the topics that mean unserved side by side: "unable to relay, user unknown".
var unserving = map[topic]topic{dead: relays, relays: dead}

// match is a phrase that words begin with.
type match struct {
	phrase
	length int
}

// matching returns the phrases that words begin with: where one hides what is
// inside it, that one and longer ones that speak against a dead address.
func (x index) matching(words []string) []match {
	var all []match
	hiding := match{}
	for _, p := range x.at(words[0]) {
		n := matches(p.words, words)
		if n < 0 {
			continue
		}
		all = append(all, match{p, n})
		if p.hides() && n > hiding.length {
			hiding = match{p, n}
		}
	}
	if hiding.length == 0 {
		return all
	}
	seen := []match{hiding}
	for _, m := range all {
		if m.length > hiding.length && !m.about.deadly() {
			seen = append(seen, m)
		}
	}
	return seen
}

// hides says whether the words of a phrase mean nothing by themselves.
func (p phrase) hides() bool {
	return p.or || p.about == frame || p.about == spurned || p.about == unverified
}

// at returns the phrases that may begin with a word.
func (x index) at(word string) []phrase {
	if len(word) < stem || x.stems[word[:stem]] == nil {
		return x.whole[word]
	}
	return slices.Concat(x.whole[word], x.stems[word[:stem]])
}

func (t topic) deadly() bool { return t == dead || t == noHost || t == moved }

// matches returns how many words a pattern takes, or -1.
func matches(pattern, words []string) int {
	for i, p := range pattern {
		if p == "*" {
			for skip := 0; skip <= 3 && i+skip <= len(words); skip++ {
				if n := matches(pattern[i+1:], words[i+skip:]); n >= 0 {
					return i + skip + n
				}
			}
			return -1
		}
		if i >= len(words) {
			return -1
		}
		prefix, open := strings.CutSuffix(p, "~")
		if open && !strings.HasPrefix(words[i], prefix) || !open && p != words[i] {
			return -1
		}
	}
	return len(pattern)
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
		case r == endMark || r == slashMark || r == partMark:
			out.WriteByte(byte(r))
		case r < 0x80:
			out.WriteByte(' ')
		case r == 'ß':
			out.WriteString("ss")
		case r == 'ł' || r == 'Ł':
			out.WriteByte('l')
		case r == 'ı':
			out.WriteByte('i')
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
