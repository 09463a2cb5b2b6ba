package diagnosis

import (
	"slices"
	"strings"
)

// marked is a folded text with what matters between its words.
type marked struct {
	words []string
	marks []byte // before each word: endMark, slashMark, partMark or 0
}

// Signs that fold keeps. They stand for what no folded text has.
const (
	endMark   = 1 // a sentence ended
	slashMark = 2
	partMark  = 3 // two texts from different places meet
)

// split folds a text, names taken out, and keeps where sentences end and where
// a slash stands between two words.
func split(text string) marked {
	var out strings.Builder
	text = withoutNames(clip(text, maxReason))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == endMark || c == slashMark:
			out.WriteByte(' ')
		case c == ':' && quotesReply(text[i+1:]):
			out.WriteString(" \x03 ") // "host mx.example said: 550 ...": the words before it are of another
		case c == '/':
			out.WriteString(" \x02 ")
		case c == ')' && strings.HasPrefix(text[i+1:], "\n"): // a remark about the address above
			out.WriteString(" \x01 ")
		case (c == '.' || c == '!' || c == '?' || c == ';') && (i+1 == len(text) || text[i+1] <= ' '):
			out.WriteString(" \x01 ")
		default:
			out.WriteByte(c)
		}
	}
	var t marked
	mark := byte(0)
	for _, w := range strings.Fields(fold(strings.ReplaceAll(out.String(), "。", " \x01 "))) {
		if w[0] == endMark || w[0] == slashMark || w[0] == partMark {
			mark = max(mark, w[0])
			continue
		}
		t.words, t.marks = append(t.words, w), append(t.marks, mark)
		mark = 0
	}
	t.plainIdioms()
	return t
}

// quotesReply says whether a text behind a colon begins with a reply code.
func quotesReply(text string) bool {
	text = strings.TrimLeft(text, " \r\n\t")
	return text != "" && (text[0] == '4' || text[0] == '5') && isReply(text)
}

// idioms are words with a conjunction that offer no other reason.
var idioms = [][]string{
	strings.Fields("one or more"), strings.Fields("invalid or unknown"), strings.Fields("unknown or invalid"), strings.Fields("invalid or nonexistent"), strings.Fields("invalid or non existent"),
	strings.Fields("or * misspelled"), strings.Fields("or not local"), strings.Fields("or mistyped"),
	// Cyrus says so of every name it does not have.
	strings.Fields("either there is no mailbox associated with this * name or you do not have authorization to see it"),
}

// plainIdioms takes the conjunctions out of idioms.
func (t marked) plainIdioms() {
	for i, w := range t.words {
		for _, idiom := range idioms {
			if idiom[0] != w {
				continue
			}
			for j := range max(0, matches(idiom, t.words[i:])) {
				if conjunctions[t.words[i+j]] {
					t.words[i+j] = "and"
				}
			}
		}
	}
}

// part returns the end of the text that a word is in.
func (t marked) part(i int) int {
	for i++; i < len(t.words) && t.marks[i] != partMark; i++ {
	}
	return i
}

// others says whether the word before a phrase says that its user, address or
// host is the sender's: "your account was deleted".
func (t marked) others(i int) bool {
	if i == 0 || ends(t.marks[i]) {
		return false
	}
	before := t.words[i-1]
	return possessors[before] || i > 1 && !ends(t.marks[i-1]) && before == "to" && t.words[i-2] == "reply"
}

// possessors are the words for whose it is, where that is not the recipient.
var possessors = wordSet("your yours ihr ihre ihrem votre vos su suo vostro ваш ваша вашего вашої din ditt dit dina vas vase twoj twoja panstwa sizin uw jouw seu sua tu ton ta sending source origin originating connecting submitting client peer bounce return from login auth")

// close says whether two phrases stand side by side in a sentence, of which one
// ended before and one begins at i.
func (t marked) close(before, i int) bool {
	for j := before; j <= i && j < len(t.marks); j++ {
		if ends(t.marks[j]) {
			return false
		}
	}
	return i-before <= near
}

// broken says whether a sentence ends within a phrase of n words at i.
func (t marked) broken(i, n int) bool {
	return slices.ContainsFunc(t.marks[i+min(1, n):i+n], ends)
}

// ends says whether a sentence ends at a mark.
func ends(mark byte) bool { return mark == endMark || mark == partMark }

// beside joins two texts that were not written in one piece, so that no phrase is
// found in the end of one and the beginning of the other.
func beside(a, b string) string { return a + " \x03 " + b }

// near is how many words there may be between a phrase and the conjunction that
// joins it to another one.
const near = 3

// alternative says whether a phrase of n words at i is one of several that a
// sentence offers: "user unknown or mailbox full" does not know which. after says
// that another phrase of a dead address stands right before; two of those with a
// slash between them are translations.
func (t marked) alternative(i, n int, after bool, x index) bool {
	phrase := t.words[i : i+n]
	for _, w := range phrase { // "mailbox is full or does not exist" is one, too
		if conjunctions[w] && !articles[w] || strings.HasSuffix(w, koreanOr) {
			return true
		}
	}
	if t.marks[i] == slashMark && !after {
		return true
	}
	for j := i - 1; j >= 0 && j >= i-near && !ends(t.marks[j+1]); j-- {
		if !articles[t.words[j]] && conjunction(t.words[j:i], phrase) {
			return true
		}
	}
	end := i + n
	if end < len(t.words) && t.words[end] == japaneseOr && phrase[n-1] == japaneseNot {
		return true
	}
	if end < len(t.words) && t.marks[end] == slashMark && !x.deadSoon(t.words[end:]) {
		return true
	}
	for j := end; j < len(t.words) && j <= end+near && !ends(t.marks[j]); j++ {
		if conjunction(t.words[j:], phrase) {
			return true
		}
	}
	return false
}

// deadSoon says whether a phrase of a dead address begins within a few words: a
// translation may begin with an article.
func (x index) deadSoon(words []string) bool {
	for i := range min(near, len(words)) {
		if x.deadAt(words[i:]) {
			return true
		}
	}
	return false
}

func (x index) deadAt(words []string) bool {
	for _, p := range x.at(words[0]) {
		if p.about.deadly() && matches(p.words, words) >= 0 {
			return true
		}
	}
	return false
}

// conjunction says whether words begin with one that means "or". Some are other
// words in other languages, so they count beside a phrase of their own only.
func conjunction(words, phrase []string) bool {
	if conjunctions[words[0]] {
		return true
	}
	if words[0] == "of" { // Dutch
		for _, w := range phrase {
			if dutch[w] {
				return true
			}
		}
	}
	for _, c := range spelledOut {
		if matches(c, words) >= 0 {
			return true
		}
	}
	return false
}

// conjunctions are the words for "or", folded, and those that weigh one thing
// against another.
var conjunctions = wordSet(`or either nor oder bzw beziehungsweise entweder ou soit o oppure ovvero u lub albo bądź
	или либо або чи nebo anebo alebo vagy sau ori veya yahut eller tai või ali atau hoặc ή או أو 或 또는 혹은 maybe perhaps possibly probably`)

// koreanOr ends a verb that another one follows.
var koreanOr = fold("거나")

// japaneseOr follows a verb in the negative, which ends so: "not found, or".
const japaneseOr, japaneseNot = "か", "い"

// articles mean "the" in another language, where they stand before a phrase.
var articles = wordSet("o ή")

var dutch = wordSet("onbekend onbekende gebruiker ontvanger adres postvak mailbox bestaat domein gevonden")

// spelledOut are conjunctions of several folded words.
var spelledOut = [][]string{
	strings.Fields(fold("または")), strings.Fields(fold("もしくは")), strings.Fields(fold("あるいは")), {"ya", "da"}, {"o", "bien"},
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(fold(words)) {
		set[w] = true
	}
	return set
}
