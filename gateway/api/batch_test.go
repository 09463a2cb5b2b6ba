package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/store"
)

// Each item of a batch is recorded as if it came alone, or refused alone.
func TestBatch(t *testing.T) {
	w := newWorld(t)
	got := call[record.BatchResult](w, "POST", "/api/v1/suppressions/batch", `{"items":[
		{"recipient":"ada@example.com"},
		{"recipient":"nobody"},
		{"recipient":"bob@example.com","reason":"unsubscribed","list":"News"},
		{"recipient":"eve@example.com","reason":"mood"},
		{"recipient":"@com"}]}`)
	want := []string{`suppress ada@example.com "" manual`, `opt-out bob@example.com "news" operator`}
	if got.Changed != 2 || got.Failed != 3 || len(got.Items) != 5 || !slices.Equal(w.calls[:1], want[:1]) || w.calls[len(w.calls)-1] != want[1] {
		t.Fatalf("%+v, %q", got, w.calls)
	}
	for i, detail := range []string{"", "not a valid mail address", "", "reason must be", "public suffix"} {
		if p := got.Items[i].Problem; (p == nil) != (detail == "") || p != nil && (p.Status != 400 || !strings.Contains(p.Detail, detail)) {
			t.Errorf("item %d: %+v", i, p)
		}
		if (got.Items[i].Changed == 1) != (detail == "") {
			t.Errorf("item %d: changed %d", i, got.Items[i].Changed)
		}
	}
	if strings.Contains(w.log.String(), "@example.com") {
		t.Errorf("the log names people: %s", &w.log)
	}
}

// A store that fails is not asked again for each item, and tells nothing.
func TestBatchWithoutStore(t *testing.T) {
	w := newWorld(t)
	w.err = fmt.Errorf("%w: /var/lib/offramp", store.ErrUnavailable)
	got := call[record.BatchResult](w, "POST", "/api/v1/suppressions/batch", `{"items":[{"recipient":"x"},{"recipient":"ada@example.com"},{"recipient":"bob@example.com"}]}`)
	if got.Failed != 3 || got.Items[0].Problem.Status != 400 || got.Items[1].Problem.Status != 503 || *got.Items[2].Problem != *got.Items[1].Problem {
		t.Errorf("%+v", got)
	}
	if n := strings.Count(w.log.String(), "API request failed"); n != 1 || strings.Contains(got.Items[1].Problem.Detail, "/var") {
		t.Errorf("%d lines, %+v", n, got.Items[1].Problem)
	}
}

func TestBatchLimits(t *testing.T) {
	body := func(n int) string {
		items := make([]record.Suppress, n)
		for i := range items {
			items[i] = record.Suppress{Recipient: fmt.Sprintf("p%d@example.com", i), Note: strings.Repeat("n", maxNote)}
		}
		raw, err := json.Marshal(record.Batch{Items: items})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	w := newWorld(t)
	if got := call[record.BatchResult](w, "POST", "/api/v1/suppressions/batch", body(maxBatch)); got.Changed != maxBatch {
		t.Errorf("changed %d", got.Changed)
	}
	w = newWorld(t)
	w.refused(request("POST", "/api/v1/suppressions/batch", body(maxBatch+1)), 400)
	w.refused(request("POST", "/api/v1/suppressions/batch", `{"items":[]}`), 400)
	w.refused(request("POST", "/api/v1/suppressions/check", `{"emails":[]}`), 400)
	w.refused(request("POST", "/api/v1/suppressions/check", `{"emails":["`+strings.Repeat(`a@example.com","`, maxBatch)+`a@example.com"]}`), 400)
	if len(w.calls) > 0 {
		t.Errorf("changes %d", len(w.calls))
	}
}

// Whether mail is stopped is said of a list, by all that stops mail of it.
func TestCheck(t *testing.T) {
	w := newWorld(t)
	w.known["shop"] = store.List{ID: "shop", ThirdParty: true}
	w.person = store.Person{
		Choices: []store.Choice{{List: "news", State: store.Unsubscribed}, {List: "club", State: store.Paused, Until: start.Add(time.Hour)},
			{List: "old", State: store.Paused, Until: start}, {List: "few", State: store.Limited, Every: store.Weekly}},
		Suppressions: []store.Suppression{{List: "club", Reason: store.ReasonComplained}, {Recipient: "@example.com", Reason: store.ReasonBounced},
			{Reason: store.ReasonManual, Until: start.Add(-1)}},
		Sharing: store.Sharing{Refused: true},
	}
	for list, want := range map[string][]string{
		"": {"bounced"}, "NEWS": {"unsubscribed", "bounced"}, "club": {"paused", "complained", "bounced"}, "old": {"bounced"}, "few": {"bounced"},
		"shop": {"bounced", string(store.ReasonSharing)}, "unknown": {"bounced"},
	} {
		got := call[record.Answers](w, "POST", "/api/v1/suppressions/check", `{"emails":["Ada@example.com","nobody"],"list":"`+list+`"}`)
		if len(got.Items) != 2 || got.Items[0].Email != "Ada@example.com" || !got.Items[0].Suppressed || !slices.Equal(got.Items[0].Reasons, want) {
			t.Errorf("%q: %+v, want %q", list, got.Items, want)
		}
		if bad := got.Items[1]; bad.Problem == nil || bad.Problem.Status != 400 || !bad.Suppressed {
			t.Errorf("%q: %+v", list, bad)
		}
	}
	w.person = store.Person{}
	if got := call[record.Answers](w, "POST", "/api/v1/suppressions/check", `{"emails":["ada@example.com"],"list":"news"}`).Items[0]; got.Suppressed || got.Problem != nil || got.Reasons == nil {
		t.Errorf("%+v", got)
	}
	// Of whom not all is legible, "gets mail" would be wrong.
	w.person = store.Person{Damaged: true}
	if got := call[record.Answers](w, "POST", "/api/v1/suppressions/check", `{"emails":["ada@example.com"]}`).Items[0]; !got.Suppressed || got.Problem == nil || got.Problem.Status != 503 {
		t.Errorf("%+v", got)
	}
	w.err = errors.New("/var/lib/offramp is gone")
	w.refused(request("POST", "/api/v1/suppressions/check", `{"emails":["ada@example.com"]}`), 500)
}

// Who has the key of another list learns nothing about this one.
func TestCheckWithinLists(t *testing.T) {
	w := newWorld(t)
	w.person = store.Person{Choices: []store.Choice{{List: "news", State: store.Unsubscribed}}}
	one := w.grant(access.Spec{Name: "k", Scope: access.Read, Lists: []string{"other"}})[0]
	for list, status := range map[string]int{"news": 403, "": 403, "other": 200} {
		r := request("POST", "/api/v1/suppressions/check", `{"emails":["ada@example.com"],"list":"`+list+`"}`)
		r.Header.Set("Authorization", "Bearer "+one)
		if res, text := w.send(r); res.StatusCode != status || strings.Contains(text, "unsubscribed") {
			t.Errorf("%q: %s %s", list, res.Status, text)
		}
	}
}
