package diagnosis

import (
	"os"
	"strings"
	"testing"
)

// tally counts what becomes of addresses where nobody is.
type tally struct{ all, counted, hard int }

func (n *tally) add(weight string) {
	n.all++
	if weight != "none" {
		n.counted++
	}
	if weight == "hard" {
		n.hard++
	}
}

// check: of dead addresses at least 95 of 100 count, and at least 80 are hard.
func (n *tally) check(t *testing.T) {
	t.Logf("of %d dead addresses %.1f %% count, %.1f %% hard", n.all, 100*float64(n.counted)/float64(n.all), 100*float64(n.hard)/float64(n.all))
	if n.counted*100 < n.all*95 || n.hard*100 < n.all*80 {
		t.Error("want 95 % counted and 80 % hard")
	}
}

// wrong says whether a weight would stop mail to somebody who is there.
func wrong(want, got string) bool {
	return want == "mailbox" && got == "hard" || want == "none" && got != "none"
}

// TestWorldReplies: each line of testdata/world.tsv, as the reply itself and in a
// report of Postfix.
func TestWorldReplies(t *testing.T) {
	table, err := os.ReadFile("testdata/world.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var bare, reported tally
	living := 0
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(c) != 3 {
			t.Fatalf("%d columns: %s", len(c), line)
		}
		want, text := c[0], strings.ReplaceAll(c[2], `\n`, "\n")
		status, reply := codesIn(text)
		class, cause, why := ClassifyFor("ada@dest.example", status, reply, strings.TrimLeft(text[3:], " -"))
		one := weight(class, cause)
		folded := strings.ReplaceAll(text, "\n", "\n    ")
		report := strings.NewReplacer("STATUS", firstOf(status, text[:1]+".0.0"), "REPLY", folded).Replace(replyReport)
		f := Read([]byte(report), true).Findings[0]
		both := weight(f.Class, f.Cause)
		if want == "dead" {
			bare.add(one)
			reported.add(both)
			if testing.Verbose() && (one != "hard" || both != "hard") {
				t.Logf("dead: %s: %q is %s, in a report %s: %s / %s", c[1], text, one, both, why, f.Why)
			}
			continue
		}
		living++
		if wrong(want, one) {
			t.Errorf("%s: %q is %s, want %s: %s", c[1], text, one, want, why)
		}
		if wrong(want, both) {
			t.Errorf("%s in a report: %q is %s, want %s: %s", c[1], text, both, want, f.Why)
		}
	}
	bare.check(t)
	reported.check(t)
	if bare.all < 200 || living < 150 {
		t.Error("too few replies", bare.all, living)
	}
}

// counts weighs what a report says of ada@dest.example as the receiver of bounces
// does: a delay counts nothing, a loose one only for whom it names, and hard only
// for the address itself.
func counts(f Finding) string {
	got, exact := weight(f.Class, f.Cause), f.Recipient == "ada@dest.example"
	switch {
	case f.Delayed, f.Loose && !exact:
		return "none"
	case got == "hard" && !exact:
		return "soft"
	}
	return got
}

// TestWorldReports: each whole report of testdata/world.txt.
func TestWorldReports(t *testing.T) {
	all, err := os.ReadFile("testdata/world.txt")
	if err != nil {
		t.Fatal(err)
	}
	var dead tally
	reports := strings.Split(string(all), "\n=== ")[1:]
	for _, one := range reports {
		head, raw, _ := strings.Cut(one, "\n")
		want, why, ok := strings.Cut(head, " | ")
		if !ok {
			t.Fatal(head)
		}
		f := Read([]byte(raw), true).Findings[0]
		got := counts(f)
		if want == "dead" {
			dead.add(got)
			if testing.Verbose() && got != "hard" {
				t.Logf("dead: %s: %+v", why, f)
			}
			if got != "none" && f.Recipient != "ada@dest.example" {
				t.Errorf("%s: is about %q", why, f.Recipient)
			}
		} else if wrong(want, got) {
			t.Errorf("%s: %s, want %s: %+v", why, got, want, f)
		}
	}
	dead.check(t)
	if len(reports) < 50 {
		t.Error("too few reports", len(reports))
	}
}

// Who is asked to relay for a name that it would know is not asked by mistake:
// that counts softly. In another sentence, or beside another reason, it does not.
func TestUnserved(t *testing.T) {
	for text, want := range map[string]string{
		"unable to relay, user unknown":                             "soft",
		"Unknown user, relaying denied":                             "soft",
		"user unknown. Relaying denied":                             "none",
		"user unknown or not permitted to relay":                    "none",
		"sender not allowed, relaying denied: no such user":         "none",
		"relaying denied; please log in first; no such user":        "none",
		"relaying denied: invalid recipient for your IP":            "none",
		"relaying for hosts that are not on our list, user unknown": "none",
		"not permitted to relay through this host, no account":      "none",
	} {
		class, cause, why := Classify("5.7.1", "550", text)
		if got := weight(class, cause); got != want {
			t.Errorf("%q: %s, want %s: %s", text, got, want, why)
		}
	}
}
