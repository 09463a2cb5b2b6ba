package sqlite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

// The store that is damaged: people who left in every way there is, others, and
// mail for all of them.
const (
	flipPeople   = 24
	flipMessages = 60
	flipNews     = "news.example.org"
	flipOffers   = "offers.example.org" // third-party
	flipAccount  = "account.example.org"
)

var flipLists = []string{flipNews, flipOffers, flipAccount}

func flipPerson(i int) string {
	switch i {
	case 11:
		return "someone@stopped.example"
	case 12:
		return "someone@mail.below.example"
	}
	return fmt.Sprintf("person%02d@example.net", i)
}

// flipLeft says whether mail of a list must not reach a person.
func flipLeft(i int, list string) bool {
	switch {
	case list == flipAccount: // transactional
		return false
	case i == 0 || i == 1 || i == 15:
		return list == flipNews
	case i == 10:
		return list == flipOffers
	}
	return i >= 2 && i <= 14
}

func flipStore(t *testing.T, dir string) {
	t.Helper()
	ctx := context.Background()
	db := openTest(t, Options{Dir: dir})
	c := db.Consent()
	for i, id := range flipLists {
		_, err := c.EnsureList(ctx, store.List{ID: id, Key: uint64(i+1) << 40, Name: id, ThirdParty: id == flipOffers, Transactional: id == flipAccount, Created: moment(0)})
		must(t, err)
	}
	choose := func(i int, list string, state store.State) {
		ch := store.Choice{Recipient: flipPerson(i), List: list, State: state, Since: moment(i), Way: store.OneClick}
		if state == store.Paused {
			ch.Until = time.Now().AddDate(5, 0, 0)
		}
		_, err := c.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{Choice: ch, Event: store.Event{
			Time: moment(i), Kind: store.EventUnsubscribed, Recipient: ch.Recipient, List: list, Way: store.OneClick}}}})
		must(t, err)
	}
	suppress := func(recipient string, r store.Reason) {
		_, err := c.Suppress(ctx, store.Suppression{Recipient: recipient, Reason: r, Since: moment(1), Note: "note"},
			store.Event{Time: moment(1), Kind: store.EventSuppressed, Recipient: recipient, Reason: r, Way: store.Operator})
		must(t, err)
	}
	for i, state := range []store.State{0: store.Unsubscribed, 1: store.Paused, 15: store.Unsubscribed, 16: store.Subscribed, 17: store.Subscribed} {
		if state != "" {
			choose(i, flipNews, state)
		}
	}
	for _, i := range []int{2, 3, 4, 5, 13} {
		choose(i, store.AllLists, store.Unsubscribed)
	}
	choose(6, store.AllLists, store.Paused)
	suppress(flipPerson(7), store.ReasonManual)
	suppress(flipPerson(8), store.ReasonBounced)
	suppress(flipPerson(9), store.ReasonComplained)
	_, err := c.Decide(ctx, store.Change{Sharing: &store.SharingChange{Sharing: store.Sharing{Recipient: flipPerson(10), Refused: true, Since: moment(2), Way: store.Page},
		Event: store.Event{Time: moment(2), Kind: store.EventSharingRefused, Recipient: flipPerson(10), Way: store.Page}}})
	must(t, err)
	suppress("@stopped.example", store.ReasonManual)
	suppress("@*.below.example", store.ReasonManual)
	for _, i := range []int{13, 14} {
		must(t, c.Erase(ctx, flipPerson(i), store.Event{Time: moment(3), Kind: store.EventErased, Way: store.Page}))
	}
	must(t, c.Scrub(ctx))
	flipMail(t, db.Spool())
	must(t, db.Close())
}

func flipMail(t *testing.T, s *Spool) {
	t.Helper()
	ctx := context.Background()
	for n := range flipMessages {
		d, err := s.Create(ctx)
		must(t, err)
		fmt.Fprintf(d, "message %d\r\n", n)
		m := &store.Message{ID: fmt.Sprintf("Q%04d", n), Received: moment(n), ReversePath: "news@sender.example", List: flipLists[n%len(flipLists)],
			MessageID: fmt.Sprintf("<%d@sender.example>", n), Header: []byte("Subject: news\r\n")}
		must(t, d.Commit(ctx, m, []store.Recipient{{Address: flipPerson(n % flipPeople), Domain: "example.net", State: store.Queued, Next: moment(n)}}))
	}
}
