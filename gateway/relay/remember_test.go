package relay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/store"
)

// memory is what is remembered of senders' own ways out.
type memory struct {
	f   *fake
	err error
	all []string
}

func (m *memory) Remember(_ context.Context, msg *store.Message, fields []mime.Field, to []envelope.Recipient) error {
	m.f.mu.Lock()
	defer m.f.mu.Unlock()
	for _, f := range fields {
		if strings.EqualFold(f.Name, "List-Unsubscribe") {
			m.all = append(m.all, msg.List+" "+strings.TrimSpace(f.Value())+" "+to[0].Address.Key())
		}
	}
	m.f.order = append(m.f.order, "remember")
	return m.err
}

// What the sender's header offers is remembered before the message is accepted,
// of mail that gets our header and of no other.
func TestRemembered(t *testing.T) {
	const own = "List-Unsubscribe: <https://shop.example/u/1>\r\n"
	for name, c := range map[string]struct {
		header string
		drop   bool
		want   []string
	}{
		"list":          {own + "List-Id: <news.shop.example>\r\n", false, []string{"news.shop.example <https://shop.example/u/1> a@x.example"}},
		"transactional": {own + "X-Offramp-List: transactional\r\n", false, nil},
		"nobody left":   {own + "List-Id: <news.shop.example>\r\n", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			m := &memory{f: f}
			r := newRelay(f)
			r.Targets = m
			if c.drop {
				f.verdicts = map[string]store.Reason{"a@x.example": store.ReasonUnsubscribed}
			}
			if _, err := r.Accept(t.Context(), client, letter(t, "news@shop.example", "a@x.example"), strings.NewReader(c.header+plain)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(m.all, c.want) {
				t.Errorf("remembered %q, want %q", m.all, c.want)
			}
			if c.want != nil && !slices.Equal(f.order, []string{"remember", "commit"}) {
				t.Errorf("order %v", f.order)
			}
		})
	}
	// What cannot be remembered is not accepted.
	f := &fake{}
	r := newRelay(f)
	r.Targets = &memory{f: f, err: store.ErrUnavailable}
	if _, err := r.Accept(t.Context(), client, letter(t, "news@shop.example", "a@x.example"), strings.NewReader(own+"List-Id: <news.shop.example>\r\n"+plain)); !errors.Is(err, store.ErrUnavailable) || len(f.commits) != 0 {
		t.Errorf("%v, %d commits", err, len(f.commits))
	}
}
