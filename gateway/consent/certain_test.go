package consent_test

import (
	"context"
	"errors"
	"testing"

	"offramp/gateway/consent"
	"offramp/store"
)

// unverified is a store that has not verified its records yet.
type unverified struct{ *fakeStore }

func (u unverified) Standing(ctx context.Context, recipient, list string) (store.Standing, error) {
	st, err := u.fakeStore.Standing(ctx, recipient, list)
	st.Unverified = true
	return st, err
}

// Records that are not verified are enough to accept mail, not to send it.
func TestUnverifiedRecordsAdmitNobody(t *testing.T) {
	f, anna := &fakeStore{}, address(t, "anna@example.net")
	c := &consent.Consent{Store: f, Records: unverified{f}, Turns: f, Lists: f, Config: consent.Config{TransactionalDead: true}}
	if v, err := c.Verdict(t.Context(), anna, "news"); err != nil || v.Drop {
		t.Errorf("acceptance: %+v, %v", v, err)
	}
	for _, list := range []string{"news", ""} {
		if _, _, err := c.Admit(t.Context(), anna, list, "Q1"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("list %q: admitted, %v", list, err)
		}
	}
}
