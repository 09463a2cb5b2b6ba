package relay

import (
	"bytes"
	"context"
	"errors"
	"net/netip"

	"offramp/gateway/envelope"
	"offramp/store"
)

// PassOn takes mail that came to an address of ours and goes on to somebody
// else, from the null reverse-path, so that nothing comes back for it (RFC 5321
// section 4.5.5). ip is of the client that brought it.
//
// What can never be taken, since it loops or is malformed, is left out and
// logged: it was taken from its sender already. Errors are temporary, and
// nothing was kept then.
func (r *Relay) PassOn(ctx context.Context, to envelope.Address, ip string, data []byte) error {
	e := envelope.Envelope{Recipients: []envelope.Recipient{{Address: to}}}
	var c Client
	c.Addr, _ = netip.ParseAddr(ip)
	in, err := r.open(ctx, c, &e, bytes.NewReader(data), r.WithDefaults().MaxMessageSize)
	if err == nil {
		rcpt := queued(&e.Recipients[0], to.String(), in.message.Received)
		rcpt.Notify = "NEVER"
		_, err = r.count(r.keep(ctx, in, sorted{keep: []store.Recipient{rcpt}}, &e))
	}
	for _, never := range [...]error{ErrLoop, ErrTooLarge, ErrHeaderTooLarge, ErrBareNewline, ErrNUL} {
		if errors.Is(err, never) {
			r.log().WarnContext(ctx, "returned mail is not forwarded", "to", to.Masked(), "error", err)
			return nil
		}
	}
	return err
}
