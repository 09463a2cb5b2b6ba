package sqlite

import (
	"fmt"
	"testing"

	"offramp/store"
)

// An answer that was read before a change is not kept after it.
func TestKnownListsAreNeverOlderThanTheFile(t *testing.T) {
	var k known
	_, _, before := k.get("news.example")
	k.forget("news.example") // somebody changed it while we read
	k.put(store.List{ID: "news.example", Name: "old"}, before)
	if l, ok, _ := k.get("news.example"); ok {
		t.Errorf("an older answer was kept: %+v", l)
	}
	_, _, after := k.get("news.example")
	k.put(store.List{ID: "news.example", Name: "new"}, after)
	if l, ok, _ := k.get("news.example"); !ok || l.Name != "new" {
		t.Errorf("got %+v, %v", l, ok)
	}
}

func TestKnownListsAreBounded(t *testing.T) {
	var k known
	for i := range maxKnown + 10 {
		k.put(store.List{ID: fmt.Sprint(i)}, 0)
	}
	if len(k.lists) != maxKnown {
		t.Errorf("%d lists in memory, at most %d", len(k.lists), maxKnown)
	}
}
