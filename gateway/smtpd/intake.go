package smtpd

import (
	"context"
	"fmt"
	"io"
	"net/netip"

	"offramp/gateway/feedback"
	"offramp/gateway/relay"
)

const (
	// headKept is how much of a message is in memory while it comes in.
	headKept = 16 << 10
	// mostKept is how much of one is kept: one byte more than anybody looks at, so
	// that one that is larger is known to be.
	mostKept = max(feedback.MaxSize, relay.MaxPostmaster) + 1
	// largeAtOnce is how many messages of more than headKept are looked at at once.
	largeAtOnce = 8
)

// intake receives mail to our own addresses, which anybody may send and as slowly
// as the limits allow. Each message is received to its end before anybody looks at
// it: meanwhile it takes little memory, and few are in memory as a whole, however
// many come in.
type intake struct {
	scratch scratch
	large   chan struct{}
}

func (i *intake) open(dir string) {
	i.scratch.dir = dir
	i.scratch.shares.All, i.scratch.shares.Each = maxScratch, maxScratchEach
	i.large = make(chan struct{}, largeAtOnce)
}

// receive reads a message to its end. Space is counted as held by from; without
// an address, in all only.
func (i *intake) receive(from netip.Addr, data io.Reader) (*held, error) {
	h := &held{scratch: &i.scratch, from: from}
	if err := h.fill(data); err != nil {
		h.free()
		return nil, err
	}
	return h, nil
}

// fill reads data to its end, and keeps the first mostKept bytes.
func (h *held) fill(data io.Reader) error {
	h.head = make([]byte, 0, headKept/4)
	for len(h.head) < headKept {
		if len(h.head) == cap(h.head) {
			h.head = append(make([]byte, 0, 2*cap(h.head)), h.head...)
		}
		n, err := data.Read(h.head[len(h.head):cap(h.head)])
		h.head = h.head[:len(h.head)+n]
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("receive message: %w", err)
		}
	}
	buf := make([]byte, headKept/4)
	for {
		n, err := data.Read(buf)
		if err := h.append(buf[:min(int64(n), mostKept-h.size())]); err != nil {
			return fmt.Errorf("receive message: %w", err)
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("receive message: %w", err)
		}
	}
}

// turn waits until the message may be looked at, and returns what ends that.
func (i *intake) turn(ctx context.Context, h *held) (done func(), err error) {
	if h.rest == 0 {
		return func() {}, nil
	}
	select {
	case i.large <- struct{}{}:
		return func() { <-i.large }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
