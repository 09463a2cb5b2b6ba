package confirmation

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestAskedAgain(t *testing.T) {
	s := &spool{}
	c, now := asking(t, s), start
	c.Now = func() time.Time { return now }
	var got, want []string
	for _, step := range []struct {
		after  time.Duration // the start
		change func(q *Question)
		asked  bool // already
	}{
		{0, func(*Question) {}, false},
		{0, func(*Question) {}, true},
		{0, func(q *Question) { q.Recipient = address(t, "ADA@Example.NET") }, true},
		{0, func(q *Question) { q.Recipient = address(t, "eve@example.net") }, false},
		{pause - 1, func(*Question) {}, true},
		{pause - 1, func(q *Question) { q.What = AllAgain }, false},
		{pause - 1, func(q *Question) { q.What = SharingAgain }, false},
		{pause - 1, func(q *Question) { q.List = "other" }, false},
		{pause, func(*Question) {}, false},
		{3 * pause, func(*Question) {}, true}, // five in a day
		{3 * pause, func(q *Question) { q.List = "third" }, true},
		{3 * pause, func(q *Question) { q.Recipient = address(t, "eve@example.net") }, false},
		{day - 1, func(*Question) {}, true},
		{3 * pause, func(q *Question) { q.What = EraseAll }, false}, // counted for itself
		{3 * pause, func(q *Question) { q.What = EraseAll }, true},
		{3 * pause, func(q *Question) { q.What = ShowAll }, false},
		{4 * pause, func(q *Question) { q.What = EraseAll }, false},
		{5 * pause, func(q *Question) { q.What = ShowAll }, true}, // three in a day
		{5 * pause, func(q *Question) { q.What, q.Recipient = ShowAll, address(t, "eve@example.net") }, false},
		{day - 1, func(q *Question) { q.What = ShowAll }, true},
		{day, func(*Question) {}, false},
		{day + pause - 2, func(q *Question) { q.What = AllAgain }, true},
		{day + pause - 1, func(q *Question) { q.What = AllAgain }, false},
	} {
		now = start.Add(step.after)
		q := question(t)
		step.change(&q)
		err := c.Ask(t.Context(), q)
		if err != nil && !errors.Is(err, ErrAsked) {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(step.after, err != nil))
		want = append(want, fmt.Sprint(step.after, step.asked))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("step %d: asked already is %s, want %s", i, got[i], want[i])
		}
	}
}

func TestOneOfManyAtOnceIsSent(t *testing.T) {
	var a asked
	var mu sync.Mutex
	var all sync.WaitGroup
	q, count := question(t), 0
	for range 50 {
		all.Go(func() {
			if _, ok := a.take(&q, start); ok {
				mu.Lock()
				defer mu.Unlock()
				count++
			}
		})
	}
	all.Wait()
	if count != 1 {
		t.Errorf("%d of 50 are sent", count)
	}
}

func TestMemoryIsBoundedAndForgets(t *testing.T) {
	a := asked{mails: make([]sent, kept)}
	for i := range a.mails {
		a.mails[i] = sent{key{uint64(i), uint64(i), false}, start}
	}
	q := question(t)
	if _, ok := a.take(&q, start); !ok {
		t.Error("a flood of others stops a person")
	}
	if len(a.mails) != kept {
		t.Errorf("%d mails are kept, want %d", len(a.mails), kept)
	}
	if _, ok := a.take(&q, start.Add(day)); !ok || len(a.mails) != 1 {
		t.Errorf("%d mails are kept after a day", len(a.mails))
	}
}

func TestMistakesOfTheCaller(t *testing.T) {
	for name, change := range map[string]func(c *Confirmation, q *Question){
		"nobody asked":     func(_ *Confirmation, q *Question) { q.Recipient = Question{}.Recipient },
		"no question":      func(_ *Confirmation, q *Question) { q.What = 0 },
		"unknown question": func(_ *Confirmation, q *Question) { q.What = ShowAll + 1 },
		"no list":          func(_ *Confirmation, q *Question) { q.List = "" },
		"sharing as list":  func(_ *Confirmation, q *Question) { q.List = Sharing },
		"no language":      func(_ *Confirmation, q *Question) { q.Speaker = nil },
		"nobody asks":      func(c *Confirmation, _ *Question) { c.From = Question{}.Recipient },
	} {
		s := &spool{}
		c, q := asking(t, s), question(t)
		change(c, &q)
		if err := c.Ask(t.Context(), q); err == nil || errors.Is(err, ErrAsked) || len(s.drafts) > 0 {
			t.Errorf("%s: %v, %d drafts", name, err, len(s.drafts))
		}
	}
}
