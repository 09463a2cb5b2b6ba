package diagnosis

import (
	"strings"
	"testing"
)

// eachPhrase calls run with every phrase of the tables, its signs filled in.
func eachPhrase(about []topic, run func(about topic, sample string)) {
	for _, g := range tables {
		for line := range strings.Lines(g.texts) {
			line = strings.TrimSpace(line)
			for _, a := range about {
				if line == "" || a != g.about {
					continue
				}
				for _, one := range expand(strings.Fields(line)) {
					run(a, strings.NewReplacer("*", "it", "~", "").Replace(one))
				}
			}
		}
	}
}

// The tables have no phrase that nothing can match.
func TestPhrasesMatch(t *testing.T) {
	eachPhrase([]topic{dead, noHost, moved, doubtful, unverified, mailbox, content, sender, relays, network, passing, barred, vacant, frame, refusal, delay}, func(about topic, sample string) {
		if reasons().find("x " + sample + " y")[about] == "" {
			t.Errorf("%q is not found", sample)
		}
	})
}

// A phrase of a dead address is enough, and does not contradict itself.
func TestPhrasesOfDeath(t *testing.T) {
	eachPhrase([]topic{dead, noHost, moved}, func(_ topic, sample string) {
		if class, _, why := Classify("", "550", sample); class != Hard {
			t.Errorf("%q is %s: %s", sample, class, why)
		}
	})
}

// One word of something else is enough against a dead address, whatever the code
// says and wherever it stands.
func TestPhrasesAgainst(t *testing.T) {
	eachPhrase([]topic{mailbox, content, sender, relays, network, passing, barred}, func(_ topic, sample string) {
		for _, text := range []string{"user unknown; " + sample, sample + ", no such user", sample} {
			if class, _, why := Classify("5.1.1", "550", text); class == Hard {
				t.Errorf("%q is hard: %s", text, why)
			}
		}
	})
}
