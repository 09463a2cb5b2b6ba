package relay

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/store"
)

func TestPostmaster(t *testing.T) {
	for _, tt := range []struct {
		name, setting string
		want          store.Recipient
	}{
		{"forwarded", "admin@shop.example", store.Recipient{Address: "admin@shop.example", Person: "admin@shop.example", Domain: "shop.example", Notify: "NEVER", State: store.Queued, Next: clock}},
		{"held", "", store.Recipient{
			Address: "postmaster@gate.example", Person: "postmaster@gate.example", Domain: "gate.example", Notify: "NEVER", State: store.Held, Next: clock,
			Status: store.Status{Text: "mail to postmaster: set OFFRAMP_POSTMASTER to have it forwarded", Host: "gate.example"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{verdicts: map[string]store.Reason{"admin@shop.example": store.ReasonManual}}
			r := newRelay(f)
			r.Postmaster = tt.setting
			stranger := Client{Addr: client.Addr, Name: "x"}
			if _, err := r.AcceptPostmaster(t.Context(), stranger, letter(t, "a@b.example", "postmaster@gate.example", "postmaster@gate.example"), strings.NewReader(plain)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]store.Recipient{tt.want}, f.commits[0].recipients); diff != "" {
				t.Error(diff)
			}
			if f.commits[0].message.List != "" || len(f.lists) != 0 {
				t.Error("mail to postmaster became list mail")
			}
			ours := Client{Addr: client.Addr, Name: "x", Login: "shop"}
			if _, err := r.AcceptPostmaster(t.Context(), ours, letter(t, "a@b.example", "postmaster@gate.example"), strings.NewReader(plain)); err != nil {
				t.Fatal(err)
			}
			if notify := f.commits[1].recipients[0].Notify; notify != "" {
				t.Errorf("NOTIFY of a trusted client became %q", notify)
			}
		})
	}
}

// Anybody may write to the postmaster, so what that takes is bounded.
func TestPostmasterBounds(t *testing.T) {
	large := plain + strings.Repeat("x\r\n", MaxPostmaster/3)
	for _, tt := range []struct {
		name, setting, data string
		held                int
		want                error
	}{
		{"large", "admin@shop.example", large, 0, ErrTooLarge},
		{"large and held", "", large, 0, ErrTooLarge},
		{"few held", "", plain, maxHeld - 1, nil},
		{"many held", "", plain, maxHeld, store.ErrFull},
		{"many held, but forwarded", "admin@shop.example", plain, maxHeld, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{usage: store.Usage{Held: tt.held}}
			r := newRelay(f)
			r.Postmaster = tt.setting
			stranger := Client{Addr: client.Addr, Name: "x"}
			_, err := r.AcceptPostmaster(t.Context(), stranger, letter(t, "a@b.example", "postmaster@gate.example"), strings.NewReader(tt.data))
			if !errors.Is(err, tt.want) {
				t.Errorf("AcceptPostmaster = %v, want %v", err, tt.want)
			}
			if tt.want != nil && len(f.commits) != 0 {
				t.Error("it was kept")
			}
		})
	}
}

// While the next hop is down, what strangers send to the postmaster stays: in a day
// it is bounded, in all and of one network. Our own clients are not strangers.
func TestPostmasterDay(t *testing.T) {
	f := &fake{}
	r := newRelay(f)
	r.Postmaster = "admin@shop.example"
	now := clock
	r.Now = func() time.Time { return now }
	large := plain + strings.Repeat("x\r\n", MaxPostmaster/4)
	send := func(c Client) error {
		t.Helper()
		_, err := r.AcceptPostmaster(t.Context(), c, letter(t, "a@b.example", "postmaster@gate.example"), strings.NewReader(large))
		if err != nil && !errors.Is(err, ErrMailboxFull) {
			t.Fatal(err)
		}
		return err
	}
	fill := func(format string) (n int) {
		for i := range 100 {
			if send(Client{Addr: netip.MustParseAddr(fmt.Sprintf(format, i))}) == nil {
				n++
			}
		}
		return n
	}
	if n := fill("2001:db8:1:1::%x"); n != 5 {
		t.Errorf("%d messages of 0.75 MiB of one network in a day, want 5", n)
	}
	if n := fill("192.0.2.%d"); n < 30 || n > 40 {
		t.Errorf("%d more of others", n)
	}
	if err := send(Client{Addr: netip.MustParseAddr("192.0.2.1"), Login: "shop"}); err != nil {
		t.Errorf("of a trusted client: %v", err)
	}
	before := len(f.commits)
	if now = now.Add(23 * time.Hour); fill("198.51.100.%d") != 0 || len(f.commits) != before {
		t.Error("more is taken in the same day")
	}
	if now = now.Add(time.Hour); fill("2001:db8:1:1::%x") != 5 {
		t.Error("nothing is taken the next day")
	}
}
