package main

import (
	"context"
	"fmt"
	"time"

	"offramp/gateway/record"
)

// scrub says how far what was erased is overwritten.
func (c *checker) scrub(ctx context.Context) {
	var s record.Scrub
	if err := c.operate(ctx, func(cl *client) error { return cl.call(ctx, "GET", "scrub", nil, &s) }); err != nil {
		return // what is in the way is reported elsewhere
	}
	switch since := s.Since.UTC().Format(time.RFC3339); {
	case s.Asked == 0:
	case s.Done >= s.Asked:
		c.add(findOK, "erasure", "what was erased is overwritten on the disk", "")
	case s.Late(c.app.now()):
		c.add(findFail, "erasure", fmt.Sprintf("what was erased at %s is not overwritten on the disk yet, which was due by %s; the log of the server says why",
			since, s.By.UTC().Format(time.RFC3339)), "")
	case !c.running:
		c.add(findWarn, "erasure", "what was erased at "+since+" is not overwritten on the disk yet: that goes on when the server runs", "")
	default:
		c.add(findOK, "erasure", "what was erased at "+since+" is being overwritten on the disk: "+scrubProgress(s), "")
	}
}
