package nexthop

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What an error means, and what is said to the sender.
func TestExplain(t *testing.T) {
	reply := func(at Stage, code int, enhanced [3]int, text string) error {
		return &stageError{stage: at, host: "mx", err: &refusal{code: code, enhanced: enhanced, text: text}}
	}
	for name, c := range map[string]struct {
		err  error
		want Failure
	}{
		"bad domain": {final("5.1.10", "the domain %s accepts no mail (null MX)", "b.example"),
			Failure{Class: BadDomain, Stage: StageDNS, Status: Status{Enhanced: "5.1.10", Text: "the domain b.example accepts no mail (null MX)"}}},
		"nobody listens": {&stageError{stage: StageConnect, host: "mx", err: errors.New("connection refused")},
			Failure{Stage: StageConnect, Status: Status{Enhanced: "4.4.1", Text: "connect: connection refused", Host: "mx"}}},
		"greeting refused": {reply(StageGreeting, 554, [3]int{5, 7, 1}, "no"),
			Failure{Class: Settings, Stage: StageGreeting, Replied: true, Status: Status{Code: 554, Enhanced: "5.7.1", Text: "greeting: no", Host: "mx"}}},
		"login deferred": {reply(StageAuth, 454, [3]int{}, "later"),
			Failure{Class: Settings, Stage: StageAuth, Replied: true, Status: Status{Code: 454, Text: "AUTH: later", Host: "mx"}}},
		"MAIL without a login": {reply(StageMail, 530, [3]int{5, 7, 0}, "who?"),
			Failure{Class: Settings, Stage: StageMail, Replied: true, Status: Status{Code: 530, Enhanced: "5.7.0", Text: "who?", Host: "mx"}}},
		"RCPT refused": {reply(StageRcpt, 550, [3]int{5, 1, 1}, "unknown\r\nuser"),
			Failure{Class: Permanent, Stage: StageRcpt, Replied: true, Status: Status{Code: 550, Enhanced: "5.1.1", Text: "unknown  user", Host: "mx"}}},
		"RCPT over the number": {reply(StageRcpt, 452, [3]int{4, 5, 3}, "enough"),
			Failure{Stage: StageRcpt, Replied: true, TooMany: true, Status: Status{Code: 452, Enhanced: "4.5.3", Text: "enough", Host: "mx"}}},
		"RCPT over the number, for good": {reply(StageRcpt, 550, [3]int{5, 5, 3}, "too many recipients"),
			Failure{Stage: StageRcpt, Replied: true, TooMany: true, Status: Status{Code: 550, Enhanced: "5.5.3", Text: "too many recipients", Host: "mx"}}},
		"RCPT over the number, in words": {reply(StageRcpt, 554, [3]int{}, "Too many recipients"),
			Failure{Stage: StageRcpt, Replied: true, TooMany: true, Status: Status{Code: 554, Text: "Too many recipients", Host: "mx"}}},
		"RCPT over quota": {reply(StageRcpt, 452, [3]int{4, 2, 2}, "full"),
			Failure{Stage: StageRcpt, Replied: true, Status: Status{Code: 452, Enhanced: "4.2.2", Text: "full", Host: "mx"}}},
		"RCPT over quota, no enhanced code": {reply(StageRcpt, 452, [3]int{}, "User is over quota"),
			Failure{Stage: StageRcpt, Replied: true, Status: Status{Code: 452, Text: "User is over quota", Host: "mx"}}},
		"RCPT over quota, for good": {reply(StageRcpt, 552, [3]int{}, "Mailbox full"),
			Failure{Class: Permanent, Stage: StageRcpt, Replied: true, Status: Status{Code: 552, Text: "Mailbox full", Host: "mx"}}},
		"RCPT over the number, as of old": {reply(StageRcpt, 552, [3]int{}, "Exceeded storage allocation"),
			Failure{Stage: StageRcpt, Replied: true, TooMany: true, Status: Status{Code: 552, Text: "Exceeded storage allocation", Host: "mx"}}},
		"code too long": {reply(StageRcpt, 550, [3]int{5, 99999, 1}, "no"),
			Failure{Class: Permanent, Stage: StageRcpt, Replied: true, Status: Status{Code: 550, Text: "no", Host: "mx"}}},
		"code negative": {reply(StageRcpt, 550, [3]int{5, -1, 1}, "no"),
			Failure{Class: Permanent, Stage: StageRcpt, Replied: true, Status: Status{Code: 550, Text: "no", Host: "mx"}}},
		"going down": {reply(StageMail, 421, [3]int{}, "bye"),
			Failure{Stage: StageMail, Status: Status{Code: 421, Text: "bye", Host: "mx"}}},
		"damaged": {&stageError{stage: StageBody, host: "mx", err: fmt.Errorf("chunk: %w", errLineEnd)},
			Failure{Class: Damaged, Stage: StageBody, Status: Status{Enhanced: "4.4.2", Text: "message: chunk: content contains a bare CR or LF", Host: "mx"}}},
		"message refused": {reply(StageDot, 554, [3]int{4, 0, 0}, "spam"),
			Failure{Class: Permanent, Stage: StageDot, Replied: true, Status: Status{Code: 554, Text: "spam", Host: "mx"}}},
		"reply lost": {&stageError{stage: StageDot, host: "mx", err: io.EOF},
			Failure{Stage: StageDot, InDoubt: true, Status: Status{Enhanced: "4.4.2", Text: "connection closed at end of message", Host: "mx"}}},
		"odd reply": {reply(StageDot, 354, [3]int{}, "hm"),
			Failure{Stage: StageDot, InDoubt: true, Status: Status{Code: 354, Text: "hm", Host: "mx"}}},
		"out of step": {&stageError{stage: StageRcpt, host: "mx", err: errOutOfStep},
			Failure{Stage: StageRcpt, Status: Status{Enhanced: "4.5.0", Text: "RCPT: reply without a command", Host: "mx"}}},
	} {
		if diff := cmp.Diff(c.want, Explain(c.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
