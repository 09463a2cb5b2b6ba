package diagnosis

import (
	"slices"
	"strings"
)

// causeOf says what a text in normal form is about, and by which phrase.
func causeOf(said string) (Cause, string) {
	if p := firstPhrase(certain, said); p != "" {
		return CauseAddress, p
	}
	for _, table := range [...]struct {
		cause   Cause
		phrases []string
	}{
		{CauseSender, senderPhrases}, {CauseMessage, messagePhrases}, {CauseMailbox, fullPhrases}, {CauseNetwork, networkPhrases},
		{CauseMailbox, idlePhrases},
		{CauseAddress, domainPhrases}, {CauseAddress, unknownPhrases}, {CauseAddress, hostGone},
	} {
		if p := firstPhrase(table.phrases, said); p != "" {
			return table.cause, p
		}
	}
	return "", ""
}

// firstPhrase returns the first phrase of a table that said holds, or "".
func firstPhrase(table []string, said string) string {
	for _, p := range table {
		if holds(said, p) {
			return p
		}
	}
	return ""
}

// holds says whether the pieces of a phrase stand in said, in their order.
func holds(said, phrase string) bool {
	for {
		piece, rest, more := strings.Cut(phrase, "*")
		i := strings.Index(said, strings.TrimSpace(piece))
		if i < 0 {
			return false
		}
		if !more {
			return true
		}
		said, phrase = said[i+len(strings.TrimSpace(piece)):], rest
		said = cut(said, 60)
	}
}

func phraseIn(table []string, phrase string) bool {
	return phrase != "" && slices.Contains(table, phrase)
}

func holdsWord(said string, words []string) bool { return holdsAny(said, words) }
