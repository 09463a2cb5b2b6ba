package feedback

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/store"
)

// Refusal is that a next hop, or the name service, refused a recipient for good.
type Refusal struct {
	Recipient envelope.Address
	List      string // empty for exempt mail
	Code      int    // of the reply; 0: the domain does not exist, or accepts no mail
	Status    string // enhanced
	Text      string
	// AtEnd says that it answered the message, not the address: filters say
	// "user unknown" to mail they do not like.
	AtEnd     bool
	QueueID   string
	MessageID string
	Once      string // the same whenever this refusal is reported
}

// Refused records what the next hop said about a recipient, as a bounce. What
// no server said, but our name service, counts as one of several, unless the
// domain itself says that it takes no mail (RFC 7505): a name service can be
// wrong about all domains at once. What answered the message and not the address
// is hard only with a status that names the address.
func (f *Feedback) Refused(ctx context.Context, r Refusal) error {
	reply := ""
	if r.Code > 0 {
		reply = strconv.Itoa(r.Code)
	}
	class, cause, why := diagnosis.ClassifyFor(r.Recipient.String(), r.Status, reply, r.Text)
	weight := weigh(class, cause, r.Code > 0 && (!r.AtEnd || strings.HasPrefix(r.Status, "5.1.")) || r.Status == "5.1.10")
	stopped, err := f.Consent.Bounced(ctx, consent.Bounce{
		Recipient: r.Recipient, List: r.List, Weight: weight, Way: store.Delivery, QueueID: r.QueueID, Once: r.Once,
		Detail: detail(diagnosis.Finding{Class: class, Reply: reply, Status: r.Status, Why: why}),
	}, consent.Evidence{MessageID: r.MessageID})
	if err != nil {
		return fmt.Errorf("refusal at delivery: %w", err)
	}
	f.countBounce(weight, stopped)
	return nil
}
