package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"offramp/gateway/record"
	"offramp/gateway/stream"
)

// Figures from which what passes is worth a word.
const (
	manyMessages = 20 // of one sender
	bulkPeak     = 50 // recipients of one Subject within an hour
	mostNamed    = 10 // senders or lists of one kind that are named
)

// streams says which mail is taken for what, as far as it may be wrong.
func (c *checker) streams(ctx context.Context) {
	var s record.Streams
	if earlier, older, err := c.settings.look(ctx); err == nil && older && !c.running {
		c.add(findWarn, "data", "an earlier release wrote the data: the next start of serve brings it up to date, and the earlier release cannot read it any more. Keep a copy of the folder", "")
		s.Earlier = earlier
		c.judgeStreams(s)
		return
	}
	err := c.operate(ctx, func(api *client) error { return api.call(ctx, "GET", "streams", nil, &s) })
	if err != nil {
		return // no data yet, or reported by other findings
	}
	c.judgeStreams(s)
}

func (c *checker) judgeStreams(s record.Streams) {
	senders := c.current(s.Senders)
	c.defaultStream(s, senders)
	c.alarms(senders)
	c.unmarked(senders)
	c.upstream(senders)
	c.varied(senders)
}

// current leaves out what was counted before the rules file was last written: a
// rule that was added since may have changed it.
func (c *checker) current(senders []record.Sender) []record.Sender {
	info, err := os.Stat(c.settings.Gateway.Relay.StreamRules)
	if err != nil {
		return senders
	}
	return slices.DeleteFunc(slices.Clone(senders), func(t record.Sender) bool { return t.Last.Before(info.ModTime()) })
}

func (c *checker) defaultStream(s record.Streams, senders []record.Sender) {
	chosen := c.settings.Gateway.Relay.DefaultStream
	if cmp.Or(chosen, s.Earlier) != stream.List {
		c.add(findOK, "streams", "mail without any mark of a list is transactional: no opt-out stops it", "")
		return
	}
	text := "OFFRAMP_DEFAULT_STREAM=list: every message without any mark of a list, password resets too, is list mail of its From domain, and opt-outs stop it"
	if chosen == "" {
		text = "an earlier release served this data, so mail without any mark of a list, password resets too, still counts as list mail and opt-outs stop it"
	}
	c.add(findWarn, "streams", text+". Give newsletters that have no mark a rule first, then set OFFRAMP_DEFAULT_STREAM=auto and restart", "")
	for i, l := range s.Kept {
		if i == mostNamed {
			c.more("streams", len(s.Kept)-i, "list")
			break
		}
		c.kept(l, senders)
	}
}

// kept says what a change of the default would do to a list, with a rule for each
// sender that is counted.
func (c *checker) kept(l record.KeptList, senders []record.Sender) {
	text := fmt.Sprintf("with auto, mail to the list %s without a mark would become transactional and reach the %s who opted out", l.ID, plural(l.OptOuts, "person", "people"))
	found := false
	for _, t := range senders {
		if t.List == l.ID && t.Unmarked {
			found = true
			c.add(findWarn, "streams", text+". If "+t.From+" sends its newsletter, add a rule", c.ruleFor(l.ID, t.From))
		}
	}
	if !found {
		c.add(findWarn, "streams", text+". No such mail is counted so far: let a newsletter pass and check again, or add a rule for its sender", "")
	}
}

// more says that a list of findings was cut.
func (c *checker) more(what string, n int, one string) {
	c.add(findWarn, what, "and "+plural(n, "more "+one), "")
}

// alarms names senders of unmarked mail that an opt-out stopped: by the default
// stream, or by that of a login.
func (c *checker) alarms(senders []record.Sender) {
	senders = slices.DeleteFunc(slices.Clone(senders), func(t record.Sender) bool { return !t.Unmarked || t.Dropped == 0 || t.From == "" })
	for i, t := range senders {
		if i == mostNamed {
			c.more("alarm", len(senders)-i, "sender")
			return
		}
		c.add(findWarn, "alarm", fmt.Sprintf("opt-outs stopped %s from %s that had no mark of a list (last counted %s): see \"dropped\" in the log. If it is not a newsletter, add a rule",
			plural(int(t.Dropped), "copy", "copies"), t.From, t.Last.Format("2006-01-02")), c.rule("transactional from="+t.From))
	}
}

// unmarked names senders whose mail passes as transactional for want of a mark.
func (c *checker) unmarked(senders []record.Sender) {
	senders = slices.DeleteFunc(slices.Clone(senders), func(t record.Sender) bool {
		return !t.Unmarked || t.List != "" || t.Messages < manyMessages || t.From == ""
	})
	for i, t := range senders {
		if i == mostNamed {
			c.more("unmarked", len(senders)-i, "sender")
			return
		}
		state, looks := findOK, bulkHints(t)
		if looks != "" {
			state = findWarn
			looks = " (" + looks + ")"
		}
		login := ""
		if t.Login != "" {
			login = " (login " + t.Login + ")"
		}
		domain := t.From[strings.LastIndexByte(t.From, '@')+1:]
		c.add(state, "unmarked", fmt.Sprintf("%s from %s%s carry no mark of a list%s: if these are newsletters, add a rule",
			plural(int(t.Messages), "message"), t.From, login, looks), c.ruleFor(domain, t.From))
	}
}

// bulkHints says what speaks for bulk mail; none of it is a verdict.
func bulkHints(t record.Sender) string {
	var hints []string
	if t.Peak >= bulkPeak {
		hints = append(hints, fmt.Sprintf("one Subject went to %s within an hour", plural(t.Peak, "recipient")))
	}
	if 2*t.Precedence > t.Messages {
		hints = append(hints, "they have Precedence: bulk or list")
	}
	if 2*t.FeedbackID > t.Messages {
		hints = append(hints, "they have a Feedback-ID")
	}
	return strings.Join(hints, ", ")
}

// upstream names domains whose newsletters another system signs.
func (c *checker) upstream(senders []record.Sender) {
	counts := map[string]int64{}
	for _, t := range senders {
		if t.Mark == stream.MarkSigned {
			counts[t.From[strings.LastIndexByte(t.From, '@')+1:]] += t.Messages
		}
	}
	domains := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(domains, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	for _, domain := range domains[:min(len(domains), mostNamed)] {
		c.add(findWarn, "signed", fmt.Sprintf("%s from %s came signed with a List-Unsubscribe, and there is no key for that domain here: passed on untouched, as forwarded newsletters are. If the domain is yours, make a key for it",
			plural(counts[domain], "newsletter"), domain), c.app.command("init "+domain))
	}
}

// varied names lists whose mail looks like receipts or notices: one recipient
// each, and nearly every Subject its own. What the application or a rule said is
// not doubted.
func (c *checker) varied(senders []record.Sender) {
	senders = slices.DeleteFunc(slices.Clone(senders), func(t record.Sender) bool {
		said := t.Mark == stream.ControlHeader || strings.HasPrefix(t.Mark, stream.RuleMark)
		return said || t.List == "" || t.From == "" || t.Messages < manyMessages || 10*t.Repeated > 3*t.Messages || 2*t.Recipients > 3*t.Messages
	})
	for i, t := range senders {
		if i == mostNamed {
			c.more("varied", len(senders)-i, "sender")
			return
		}
		c.add(findWarn, "varied", fmt.Sprintf("%s from %s to the list %s (by %s) have one recipient each and hardly a Subject twice: if these are receipts or notices, put a rule before the others that fits them alone, such as: transactional from=%s subject=\"Your order*\"",
			plural(int(t.Messages), "message"), t.From, t.List, t.Mark, t.From), "")
	}
}

func (c *checker) ruleFor(list, from string) string {
	return c.rule("list " + list + " from=" + from)
}

// rule is the command that adds a rule, with a rules file where the settings name no file. It
// holds from the next start on.
func (c *checker) rule(text string) string {
	if _, err := stream.ParseRules(strings.NewReader(text)); err != nil || strings.ContainsAny(text, "*\n\r") {
		return "" // no address that anybody would write down
	}
	add := func(line, file string) string { return "echo " + shellQuote(line) + " >> " + shellQuote(file) }
	file := c.settings.Gateway.Relay.StreamRules
	if file != "" {
		return add(text, file)
	}
	if c.app.envFile == "" {
		return "" // where the settings come from is not known
	}
	file = filepath.Join(c.settings.DataDir, "streams.rules")
	return add(text, file) + " && " + add(prefix+"STREAM_RULES="+file, c.app.envFile)
}
