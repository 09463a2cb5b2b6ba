package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/record"
	"offramp/store"
)

func TestStreams(t *testing.T) {
	w := newWorld(t)
	w.traffic = []store.Traffic{
		{Sender: "hello@shop.example", Login: "shop", Mark: "transactional", Unmarked: true, Messages: 9, Recipients: 10, Dropped: 1,
			Repeated: 2, Peak: 3, Precedence: 4, FeedbackID: 5, First: start, Last: start},
		{Sender: "n@marked.example", List: "marked.example", Mark: "List-Id", Messages: 3},
		{Sender: "n@both.example", List: "both.example", Mark: "list", Unmarked: true, Messages: 2},
	}
	for id, name := range map[string]string{"marked.example": "", "both.example": "", "quiet.example": "", "named.example": "Named", "nobody.example": ""} {
		w.known[id] = store.List{ID: id, Name: name}
	}
	w.known["exempt.example"] = store.List{ID: "exempt.example", Transactional: true}
	for _, list := range []string{"marked.example", "both.example", "quiet.example", "named.example", "exempt.example"} {
		w.choices = append(w.choices, store.Choice{Recipient: "a@x.example", List: list, State: store.Unsubscribed},
			store.Choice{Recipient: "b@x.example", List: list, State: store.Paused, Until: start.Add(time.Hour)}, store.Choice{Recipient: "c@x.example", List: list, State: store.Subscribed},
			store.Choice{Recipient: "d@x.example", List: list, State: store.Paused, Until: start.Add(-time.Hour)},
			store.Choice{Recipient: "e@x.example", List: list, State: store.Limited, Every: store.Weekly})
	}
	got := call[record.Streams](w, "GET", "/api/v1/streams", "")
	if got.Default != "" || got.Earlier != "" || len(got.Kept) != 0 || len(got.Senders) != 3 {
		t.Errorf("%+v", got)
	}
	want := record.Sender{From: "hello@shop.example", Login: "shop", Mark: "transactional", Unmarked: true, Messages: 9, Recipients: 10, Dropped: 1,
		Repeated: 2, Peak: 3, Precedence: 4, FeedbackID: 5, First: start, Last: start}
	if diff := cmp.Diff(want, got.Senders[0]); diff != "" {
		t.Error(diff)
	}
	kept := []record.KeptList{{ID: "both.example", OptOuts: 2}, {ID: "quiet.example", OptOuts: 2}}
	w.earlier = "list"
	if diff := cmp.Diff(kept, call[record.Streams](w, "GET", "/api/v1/streams", "").Kept); diff != "" {
		t.Error("not chosen:", diff)
	}
	w.api.DefaultStream = "list"
	if diff := cmp.Diff(kept, call[record.Streams](w, "GET", "/api/v1/streams", "").Kept); diff != "" {
		t.Error("list chosen:", diff)
	}
	w.api.DefaultStream = "auto"
	if got := call[record.Streams](w, "GET", "/api/v1/streams", ""); len(got.Kept) != 0 || got.Default != "auto" || got.Earlier != "list" {
		t.Errorf("%+v", got)
	}
}
