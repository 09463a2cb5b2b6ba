package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"offramp/store"
)

// The crowd of the benchmarks: a large sender's years. Each person has a choice
// for each of five lists. OFFRAMP_BENCH_CHOICES makes it another number.
const (
	crowdChoices = 10_000_000
	crowdLists   = 5
)

func crowdPeople(b *testing.B) int {
	b.Helper()
	choices := crowdChoices
	if n, err := strconv.Atoi(os.Getenv("OFFRAMP_BENCH_CHOICES")); err == nil && n >= crowdLists {
		choices = n
	}
	return choices / crowdLists
}

func crowdPerson(i int) string { return fmt.Sprintf("person%07d@example.com", i) }

func crowdList(i int) string { return fmt.Sprintf("list%d.example.com", i) }

// fillCrowd records choices and contacts of everybody, many in one commit.
func fillCrowd(b *testing.B, db *DB, people int) {
	b.Helper()
	ctx := context.Background()
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	states := []store.Choice{{State: store.Unsubscribed}, {State: store.Subscribed}, {State: store.Limited, Every: store.Weekly},
		{State: store.Paused, Until: since.AddDate(1, 0, 0)}, {State: store.Subscribed}}
	const each = 20_000
	for first := 0; first < people; first += each {
		if err := db.consent.file.write(ctx, &op{run: func(c *conn) error {
			for i := first; i < min(first+each, people); i++ {
				for l := range crowdLists {
					ch := states[(i+l)%len(states)]
					ch.Recipient, ch.List, ch.Since, ch.Way = crowdPerson(i), crowdList(l), since, store.Page
					if err := db.consent.setChoice(c, ch, 0); err != nil {
						return err
					}
				}
				if _, err := c.exec(addContact, crowdPerson(i), crowdList(i%crowdLists), micros(since), micros(since), 7); err != nil {
					return err
				}
			}
			return nil
		}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLate is what the late check and its records cost among ten million
// choices, for people in no order, so that the page that is needed is seldom
// the one that was read last.
func BenchmarkLate(b *testing.B) {
	ctx := context.Background()
	db := openBench(b)
	people := crowdPeople(b)
	fillCrowd(b, db, people)
	c := db.Consent()
	begun := time.Now()
	if err := c.verify(ctx); err != nil || c.Integrity().Damage != "" {
		b.Fatal(err, c.Integrity())
	}
	b.Logf("verified in %v", time.Since(begun))
	random := rand.New(rand.NewPCG(1, 2))
	who := func() string { return crowdPerson(random.IntN(people)) }
	standing := func(b *testing.B, who func() string) {
		for b.Loop() {
			if _, err := c.Standing(ctx, who(), crowdList(2)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("Standing", func(b *testing.B) { standing(b, who) })
	b.Run("Standing/unknown", func(b *testing.B) {
		standing(b, func() string { return "nobody" + crowdPerson(random.IntN(people)) })
	})
	b.Run("TakeTurn", func(b *testing.B) {
		for b.Loop() {
			t := store.Turn{Recipient: who(), List: crowdList(2), Holder: "Q1", At: time.Now(), Each: time.Hour}
			if _, _, err := c.TakeTurn(ctx, t); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Sent of 100", func(b *testing.B) {
		for b.Loop() {
			contacts := make([]store.Contact, 100)
			for i := range contacts {
				contacts[i] = store.Contact{Recipient: who(), List: crowdList(1), First: time.Now(), Last: time.Now(), Count: 1}
			}
			if err := c.Sent(ctx, contacts...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Person", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Person(ctx, who()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for i := range 100_000 {
		c.patterns.add(fmt.Sprintf("@domain%d.example", i))
		c.patterns.add(fmt.Sprintf("@*.domain%d.example", i))
	}
	b.Run("Standing/200,000 patterns", func(b *testing.B) { standing(b, who) })
	b.Run("patterns alone", func(b *testing.B) {
		key := crowdPerson(1)
		for b.Loop() {
			if c.patterns.may(key) {
				b.Fatal("a pattern fits")
			}
		}
	})
	// With somebody erased each look must also ask whether it is that person.
	if err := c.Erase(ctx, crowdPerson(0), store.Event{Time: time.Now(), Kind: store.EventErased, Way: store.Page}); err != nil {
		b.Fatal(err)
	}
	b.Run("Standing/one erased", func(b *testing.B) { standing(b, who) })
}
