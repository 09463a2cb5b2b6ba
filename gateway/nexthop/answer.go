package nexthop

import (
	"errors"
	"time"
)

const (
	// earlyWait is how long the rest of a reply is waited for that began already.
	earlyWait = 5 * time.Second
	// maxDebris is how much that is no answer is read over.
	maxDebris = 20
)

// early returns what the hop said while a message was sent to it; nil: nothing, or
// that it waits for the message. A hop that does not take a message may say so, and
// leave, before it has read it all.
func (s *Session) early() error {
	for range maxDebris {
		err := s.wire.quiet()
		if !errors.Is(err, errOutOfStep) {
			return err
		}
		s.spent = true
		r, failed := s.wire.reply(earlyWait)
		switch {
		case failed != nil:
			return failed
		case r.code/100 == 4 || r.code/100 == 5:
			return r.refused()
		case r.code/100 != 3:
			return err
		}
	}
	return errOutOfStep
}

// earlyStage is the stage of what came early: a refusal is one of the message.
func earlyStage(err error) Stage {
	if replied(err) {
		return StageDot
	}
	return StageBody
}

// result reads a reply to the message. What stands before it and cannot be one is
// read over: without its answer a message that was taken would be sent again.
func (s *Session) result() error {
	r, err := s.wire.reply(s.dotTimeout)
	for n := 0; n < maxDebris && (errors.Is(err, errNoReply) || err == nil && r.code/100 == 3); n++ {
		s.spent = true
		r, err = s.wire.reply(s.dotTimeout)
	}
	if _, err = wanted(2, r, err); err == nil {
		s.reply = OneLine(r.text, MaxText)
	}
	return s.failed(StageDot, err)
}
