package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/record"
	"offramp/listunsub"
	"offramp/store"
)

func TestLists(t *testing.T) {
	w := newWorld(t)
	if page := call[record.ListPage](w, "GET", "/api/v1/lists", ""); len(page.Items) != 1 || page.Items[0].Name != "News" {
		t.Errorf("%+v", page)
	}
	got := call[record.List](w, "PATCH", "/api/v1/lists/NEWS.example.org", `{"description":"Once a week.","transactional":true}`)
	want := record.List{ID: "news.example.org", Name: "News", Description: "Once a week.", Transactional: true, Created: start}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := call[record.List](w, "GET", "/api/v1/lists/news.example.org", ""); got != want {
		t.Errorf("afterwards %+v", got)
	}
	got = call[record.List](w, "PATCH", "/api/v1/lists/news.example.org", `{"name":"","transactional":false}`)
	if got.Name != "" || got.Transactional || got.Description != "Once a week." {
		t.Errorf("%+v", got)
	}
	// A path is no list id's limit.
	w.known["a/b"] = store.List{ID: "a/b"}
	if got := call[record.List](w, "GET", "/api/v1/lists/a%2Fb", ""); got.ID != "a/b" {
		t.Errorf("%+v", got)
	}
}

func TestNewList(t *testing.T) {
	w := newWorld(t)
	got := call[record.List](w, "POST", "/api/v1/lists", `{"id":" Offers.Example.org","name":"Offers","description":"d","public":true,"third_party":true,"language":"pt-br","sender":"Shop","footer":"f"}`)
	want := record.List{ID: "offers.example.org", Name: "Offers", Description: "d", Public: true, ThirdParty: true, Language: "pt-BR", Sender: "Shop", Footer: "f", Created: start}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if l := w.known["offers.example.org"]; l.Key != listunsub.ListKey("offers.example.org") || l.Footer != "f" {
		t.Errorf("recorded %+v", l)
	}
	// What is left out stays, and what is given empty goes.
	got = call[record.List](w, "PATCH", "/api/v1/lists/offers.example.org", `{"public":false,"language":"","sender":"Other"}`)
	want.Public, want.Language, want.Sender = false, "", "Other"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
