package preview

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/gateway/record"
	"offramp/gateway/relay"
	"offramp/gateway/render"
	"offramp/listunsub"
	"offramp/store"
)

// kept fails the test when anything is kept.
type kept struct{ t *testing.T }

func (k kept) Create(context.Context) (store.Draft, error) {
	k.t.Error("a message was put into the spool")
	return nil, errors.New("no")
}
func (k kept) Usage(context.Context) (store.Usage, error) { return store.Usage{}, nil }
func (k kept) AddEvents(context.Context, ...store.Event) error {
	k.t.Error("an event was recorded")
	return nil
}

// lists knows one list and adds none.
type lists struct{ t *testing.T }

func (l lists) List(_ context.Context, id string) (store.List, error) {
	if id == "known.shop.example" {
		return store.List{ID: id, Name: "Known"}, nil
	}
	return store.List{}, store.ErrNotFound
}
func (l lists) EnsureList(context.Context, store.List) (store.List, error) {
	l.t.Error("a list was added")
	return store.List{}, nil
}

// left is who opted out.
type left string

func (l left) Verdict(_ context.Context, to envelope.Address, list string) (store.Verdict, error) {
	if list != "" && to.String() == string(l) {
		return store.Verdict{Drop: true, Reason: store.ReasonUnsubscribed}, nil
	}
	return store.Verdict{}, nil
}

func newPreview(t *testing.T) *Preview {
	t.Helper()
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := dkim.NewKeys(dkim.Key{Domain: "shop.example", Selector: "s1", Signer: private})
	if err != nil {
		t.Fatal(err)
	}
	return &Preview{
		Relay: &relay.Relay{
			Config: relay.Config{MaxMessageSize: 10000}, Hostname: "out.shop.example", Spool: kept{t}, Lists: lists{t}, Events: kept{t},
			Verdicts: left("gone@dest.example"), Signs: keys.Signs, Wake: func() { t.Error("the queue was woken") }, Now: time.Now,
		},
		Renderer: &render.Renderer{Tokens: ring, Keys: keys, PublicURL: "https://out.shop.example"},
		Lists:    lists{t}, Profile: func() nexthop.Profile { return nexthop.Profile{Name: nexthop.Generic} },
	}
}

// A preview is what the recipient would be sent, and leaves no trace.
func TestRender(t *testing.T) {
	message := func(fields string) string {
		return "From: news@shop.example\r\nSubject: News\r\nDate: Sun, 29 Nov 2026 02:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\n" + fields + "\r\nHello\r\n"
	}
	for name, c := range map[string]struct {
		mail record.PreviewMail
		want record.Preview // without the message
		has  []string
	}{
		"list mail": {
			record.PreviewMail{From: "news@shop.example", To: "ada@dest.example", Message: []byte(message("List-Id: <known.shop.example>\r\n"))},
			record.Preview{List: "known.shop.example", Signed: true}, []string{"List-Unsubscribe: <https://out.shop.example/u/", "List-Unsubscribe-Post:", "DKIM-Signature:", "\r\n\r\nHello\r\n"},
		},
		"of a list of which no mail was seen": {
			record.PreviewMail{To: "ada@dest.example", Message: []byte(message("List-Id: <new.shop.example>\r\n"))},
			record.Preview{List: "new.shop.example", Signed: true}, []string{"List-Unsubscribe: <https://"},
		},
		"to who opted out": {
			record.PreviewMail{To: "gone@dest.example", Message: []byte(message("List-Id: <known.shop.example>\r\n"))},
			record.Preview{Dropped: true}, nil,
		},
		"transactional mail": {
			record.PreviewMail{To: "gone@dest.example", Message: []byte(message(""))},
			record.Preview{Signed: true}, []string{"DKIM-Signature:"},
		},
		"too large": {
			record.PreviewMail{To: "ada@dest.example", Message: []byte(message("") + strings.Repeat("x", 20000))},
			record.Preview{Refused: "read body: message too large"}, nil,
		},
	} {
		got, err := newPreview(t).Render(t.Context(), c.mail)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := string(got.Message)
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		if got.Message = nil; got.List != c.want.List || got.Signed != c.want.Signed || got.Dropped != c.want.Dropped || got.Refused != c.want.Refused {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if _, err := newPreview(t).Render(t.Context(), record.PreviewMail{To: "not an address", Message: []byte("x")}); !errors.Is(err, envelope.ErrAddress) {
		t.Errorf("no address: %v", err)
	}
}
