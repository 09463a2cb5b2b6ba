package relay

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
)

func TestFullVolume(t *testing.T) {
	const gib = 1 << 30
	for _, tt := range []struct {
		name           string
		free, capacity uint64
		full           bool
	}{
		{"unknown", 0, 0, false},
		{"plenty", 10 * gib, 20 * gib, false},
		{"under a twentieth", gib - 1, 20 * gib, true},
		{"a twentieth and the message", gib + 1000, 20 * gib, false},
		{"small volume, one and a half messages and the message", 75<<20 + 1000, gib, false},
		{"small volume, less", 75 << 20, gib, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{usage: store.Usage{Free: tt.free, Capacity: tt.capacity}}
			r := newRelay(f)
			now := clock
			r.Now = func() time.Time { return now }
			send := func() error {
				_, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(plain))
				return err
			}
			if err := send(); errors.Is(err, store.ErrFull) != tt.full || (err != nil) != tt.full {
				t.Fatal(err)
			}
			asked := f.usages
			f.usage.Free, f.usage.Capacity = 20*gib, 20*gib // room again
			now = now.Add(99 * time.Millisecond)
			if err := send(); errors.Is(err, store.ErrFull) != tt.full || f.usages != asked {
				t.Errorf("asked %d times, then %d within a tenth of a second: %v", asked, f.usages, err)
			}
			now = now.Add(901 * time.Millisecond)
			if err := send(); err != nil || f.usages != asked+1 {
				t.Errorf("asked %d times, then %d after a second: %v", asked, f.usages, err)
			}
		})
	}
}

// Mail of one second, or one large message, cannot run past the reserve
// because the answer about free space is a second old.
func TestRoomIsCountedDown(t *testing.T) {
	_, body, _ := strings.Cut(plain, "\r\n\r\n")
	f := &fake{usage: store.Usage{Free: 75<<20 + 2*uint64(len(body)), Capacity: 1 << 30}}
	r := newRelay(f)
	r.Now = func() time.Time { return clock }
	for i := range 3 {
		_, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(plain))
		if full := i == 2; errors.Is(err, store.ErrFull) != full {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
	if len(f.commits) != 2 {
		t.Errorf("%d messages were kept, want 2", len(f.commits))
	}
}

// Sessions that ask at the same moment do not take each other's answer for a
// lack of room.
func TestRoomForManyAtOnce(t *testing.T) {
	f := &fake{usage: store.Usage{Free: 1 << 40, Capacity: 1 << 41}}
	r := newRelay(f)
	var tick atomic.Int64
	r.Now = func() time.Time { return clock.Add(time.Duration(tick.Add(1)) * 10 * time.Millisecond) }
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 500 {
				if err := r.room(t.Context(), 1000); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
