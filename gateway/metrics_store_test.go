package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"offramp/store"
)

// scrubber answers what it is set to.
type scrubber struct {
	store.Scrubber
	s     store.Scrubbed
	err   error
	asked int
}

func (k *scrubber) Scrubbed(context.Context) (store.Scrubbed, error) {
	k.asked++
	return k.s, k.err
}

// A scrape asks once, and a store that is away takes nothing back: a counter that
// begins at zero again would be a start.
func TestOverwritingIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &scrubber{s: store.Scrubbed{Written: 5}}
		o := &overwriting{scrubber: k}
		for range 4 {
			if got := o.state(); got.Written != 5 {
				t.Errorf("%+v", got)
			}
		}
		if k.asked != 1 {
			t.Errorf("asked %d times", k.asked)
		}
		k.s, k.err = store.Scrubbed{}, errors.New("away")
		time.Sleep(2 * scrubbedFor)
		if got := o.state(); got.Written != 5 || k.asked != 2 {
			t.Errorf("%+v, asked %d times", got, k.asked)
		}
	})
}
