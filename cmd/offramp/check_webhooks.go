package main

import (
	"context"
	"fmt"
	"time"

	"offramp/gateway/record"
)

// failingLong is from when on a webhook that fails is reported: shorter ones are those
// of a receiver that was restarted.
const failingLong = 10 * time.Minute

// webhooks looks for systems that are not sent what happens.
func (c *checker) webhooks(ctx context.Context) {
	var page record.WebhookPage
	if err := c.operate(ctx, func(api *client) error { return api.call(ctx, "GET", "webhooks", nil, &page) }); err != nil {
		return // no data yet, or reported by other findings
	}
	for _, one := range page.Items {
		c.webhook(one)
	}
}

func (c *checker) webhook(one record.Webhook) {
	show := c.app.command("webhook show " + shellQuote(one.Name))
	held := ""
	if one.Stuck > 0 {
		held = fmt.Sprintf(" at event %d since %s", one.Stuck, one.Failing.UTC().Format(time.RFC3339))
	}
	switch {
	case one.State == "failed":
		c.add(findFail, "webhooks", fmt.Sprintf("%s gets no events any more%s: %s", one.Name, held, one.Error), c.app.command("webhook resume "+shellQuote(one.Name)))
	case one.State == "paused" && one.Head > one.Cursor:
		c.add(findWarn, "webhooks", fmt.Sprintf("%s is paused, and %s wait", one.Name, plural(one.Head-one.Cursor, "event")), c.app.command("webhook resume "+shellQuote(one.Name)))
	case one.Stuck > 0 && c.app.now().Sub(one.Failing) > failingLong:
		c.add(findWarn, "webhooks", fmt.Sprintf("%s is held up%s: %s", one.Name, held, one.Error), show)
	}
	if one.Missed > 0 {
		c.add(findFail, "webhooks", fmt.Sprintf("%s was not sent %s, which left the ledger by age before: compare the suppressions with it by hand", one.Name, plural(one.Missed, "event")), show)
	}
}
