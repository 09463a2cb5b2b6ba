package gateway_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/listunsub"
	"offramp/store"
)

// The crowd of the benchmark: each person gets mail of each list and has a
// choice for it. Further lists are of others.
const (
	crowdPeople = 100_000
	crowdLists  = 5
	otherLists  = 20_000
)

func crowdPerson(i int) string { return fmt.Sprintf("person%06d@example.com", i) }

func crowdList(i int) string { return fmt.Sprintf("list%d.example.org", i) }

// fill records choices, mail and history of everybody.
func (h *house) fill(b *testing.B) {
	b.Helper()
	ctx, c := b.Context(), h.db.Consent()
	since := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	for l := range crowdLists {
		if _, err := c.EnsureList(ctx, store.List{ID: crowdList(l), Key: uint64(l + 1), Created: since}); err != nil {
			b.Fatal(err)
		}
	}
	var workers sync.WaitGroup
	for k := range 64 {
		workers.Go(func() {
			for i := k; i < otherLists; i += 64 {
				if _, err := c.EnsureList(ctx, store.List{ID: fmt.Sprintf("other%d.example.net", i), Key: uint64(1000 + i), Created: since}); err != nil {
					b.Error(err)
				}
			}
			for i := k; i < crowdPeople; i += 64 {
				var change store.Change
				var contacts []store.Contact
				for l := range crowdLists {
					choice := store.Choice{Recipient: crowdPerson(i), List: crowdList(l), State: store.Limited, Every: store.Weekly, Since: since, Way: store.Page}
					change.Choices = append(change.Choices, store.ChoiceChange{Choice: choice, Event: store.Event{
						Time: since, Kind: store.EventLimited, Recipient: crowdPerson(i), List: crowdList(l), Way: store.Page, Detail: "week"}})
					contacts = append(contacts, store.Contact{Recipient: crowdPerson(i), List: crowdList(l), First: since, Last: since, Count: 12})
				}
				if _, err := c.Decide(ctx, change); err != nil {
					b.Error(err)
				}
				if err := c.Sent(ctx, contacts...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

// BenchmarkPage is a request of the recipients' listener from the first octet
// to the last, over loopback, among 100,000 people with five lists each
// and 20,000 lists of others.
func BenchmarkPage(b *testing.B) {
	h := newHouse(b, sink.Options{})
	h.fill(b)
	g, _ := h.run()
	random := rand.New(rand.NewPCG(1, 2))
	link := func() string {
		token, err := h.parts.Tokens.Seal(listunsub.Claims{
			List: crowdList(random.IntN(crowdLists)), Recipient: crowdPerson(random.IntN(crowdPeople)), Issued: time.Now(), Purpose: listunsub.BodyLink})
		if err != nil {
			b.Fatal(err)
		}
		return "http://" + g.Addrs().HTTP + "/p/" + token
	}
	read := func(r *http.Response, err error) string {
		if err != nil {
			b.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			b.Fatalf("%s %v", r.Status, err)
		}
		return string(text)
	}
	b.Run("shown", func(b *testing.B) {
		for b.Loop() {
			read(http.Get(link()))
		}
	})
	b.Run("history", func(b *testing.B) {
		for b.Loop() {
			read(http.Get(link() + "?view=history"))
		}
	})
	b.Run("unsubscribed", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			at := link()
			form := unsubscribeForm(b, read(http.Get(at)))
			b.StartTimer()
			if form != "" {
				read(http.Post(at, "application/x-www-form-urlencoded", strings.NewReader(form)))
			}
		}
	})
}

// unsubscribeForm is what the page's first button sends; empty for a person who
// is off that list already.
func unsubscribeForm(b *testing.B, page string) string {
	b.Helper()
	_, rest, ok := strings.Cut(page, `name="offramp-form" value="`)
	seal, rest, ok2 := strings.Cut(rest, `"`)
	if !ok || !ok2 {
		b.Fatalf("no form on %s", page)
	}
	if !strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(rest, ">")), `<input type="hidden" name="action" value="unsubscribe"`) {
		return ""
	}
	return "offramp-form=" + url.QueryEscape(seal) + "&action=unsubscribe"
}
