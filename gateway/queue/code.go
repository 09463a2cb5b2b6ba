package queue

import (
	"context"
	"fmt"
	"io"

	"offramp/gateway/render"
	"offramp/listunsub"
	"offramp/store"
)

// render renders for a target. Where addresses in the message bear a code instead
// of the recipient, the code is on disk before it returns: otherwise an opt-out
// could come that finds nobody. A person who was erased is not recorded again, so
// their mail leaves without such addresses.
func (a *attempt) render(ctx context.Context, to render.Target, open func() (io.ReadCloser, error)) (render.Rendering, error) {
	out, err := a.prepared.Render(*a.buf, to, open)
	*a.buf = out.Header
	if err != nil || out.Code == (listunsub.PersonCode{}) {
		return out, err
	}
	kept, err := a.q.Codes.KeepCode(ctx, store.Code{ID: out.Code, Recipient: key(to.Recipient), Address: to.Recipient})
	if err != nil {
		return out, fmt.Errorf("keep the recipient of a code: %w", err)
	}
	if kept {
		return out, nil
	}
	to.NoCode = true
	out, err = a.prepared.Render(*a.buf, to, open)
	*a.buf = out.Header
	return out, err
}
