package storetest

import (
	"context"
	"testing"
	"time"

	"offramp/store"
)

func traffic(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	day := func(n int) time.Time { return at(0).Add(time.Duration(n) * 24 * time.Hour) }
	shop := store.Traffic{
		Sender: "hello@shop.example", Login: "shop", Mark: "transactional", Unmarked: true,
		Messages: 3, Recipients: 4, Dropped: 1, Repeated: 2, Peak: 2, Precedence: 1, FeedbackID: 1, First: day(1), Last: day(2),
	}
	news := store.Traffic{Sender: "@shop.example", List: "news.example", Mark: odd, Messages: 9, First: day(2), Last: day(2)}
	must(t, c.AddTraffic(ctx, time.Time{}))
	must(t, c.AddTraffic(ctx, day(-30), shop, news))
	again := shop
	again.Peak, again.First, again.Last = 1, day(0), day(1)
	must(t, c.AddTraffic(ctx, day(-30), again))
	c, _ = d.Open(t)
	want := store.Traffic{
		Sender: shop.Sender, Login: "shop", Mark: "transactional", Unmarked: true,
		Messages: 6, Recipients: 8, Dropped: 2, Repeated: 4, Peak: 2, Precedence: 2, FeedbackID: 2, First: kept(day(0)), Last: kept(day(2)),
	}
	news.First, news.Last = kept(news.First), kept(news.Last)
	got, err := c.Traffic(ctx, 0)
	must(t, err)
	same(t, "summed, what was stopped first", got, []store.Traffic{want, news})
	got, err = c.Traffic(ctx, 1)
	must(t, err)
	same(t, "limited", got, []store.Traffic{want})

	must(t, c.Erase(ctx, shop.Sender, store.Event{Time: day(3), Kind: store.EventErased, Recipient: shop.Sender}))
	must(t, c.AddTraffic(ctx, day(-30), shop))
	got, err = c.Traffic(ctx, 0)
	must(t, err)
	want = shop
	want.Sender, want.First, want.Last = "@shop.example", kept(shop.First), kept(shop.Last)
	same(t, "of an erased person the domain alone", got, []store.Traffic{want, news})

	late := store.Traffic{Sender: "x@y.example", Messages: 1, First: day(60), Last: day(60)}
	must(t, c.AddTraffic(ctx, day(-30), late))
	got, err = c.Traffic(ctx, 0)
	must(t, err)
	same(t, "rows, whatever the time of the newest", len(got), 3)
	must(t, c.AddTraffic(ctx, day(30), late))
	late.Messages++
	got, err = c.Traffic(ctx, 0)
	must(t, err)
	late.First, late.Last = kept(late.First), kept(late.Last)
	same(t, "of long ago", got, []store.Traffic{late})
}

// Data that begins now has no earlier meaning.
func earlierStream(t *testing.T, d Data) {
	for range 2 {
		c, _ := d.Open(t)
		stream, err := c.EarlierStream(context.Background())
		must(t, err)
		same(t, "earlier stream", stream, "")
		_, err = c.EnsureList(context.Background(), store.List{ID: "a.example", Key: 1, Created: at(1)})
		must(t, err)
	}
}
