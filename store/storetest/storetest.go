// Package storetest is the suite that every engine behind store.Consent and
// store.Spool is held to. It knows the contracts and no engine: whatever it
// checks, a second engine has to keep too.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"offramp/store"
)

// Data is one set of data of an engine under test, empty at first.
type Data struct {
	// Open opens the data. When it is open already it is closed first, as
	// when a process ends and another one starts. The engine closes it at
	// the end of the test.
	Open func(t *testing.T) (store.Consent, store.Spool)
	// History returns that of the data that is open.
	History func(t *testing.T) store.History
	// Damage changes bytes of the stored body of a message behind the
	// engine's back, while the data is open.
	Damage func(t *testing.T, queueID string)
}

// test is one case of a suite.
type test struct {
	name string
	run  func(t *testing.T, d Data)
}

func runAll(t *testing.T, newData func(t *testing.T) Data, tests []test) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newData(t)) })
	}
}

// at is a time with more digits than an engine keeps.
func at(second int) time.Time {
	return time.Date(2026, 11, 23, 10, 0, second, 123456789, time.FixedZone("", 3600))
}

// kept is what an engine makes of a time.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// odd is text that an engine has to give back as it is: quotes, SQL, NUL,
// bytes that are not UTF-8.
const odd = "o'\"; DROP TABLE choices; -- %_\\ ü 日本\x00\xff"

// message makes a message with every field set.
func message(id string) *store.Message {
	return &store.Message{
		ID: id, Received: at(1), ReversePath: "bounces+" + id + "@example.com", Client: "192.0.2.1", Login: "shop",
		MessageID: "<" + id + "@example.com>", List: "news.example.com",
		Untouched: true, Mark: "rule in line 3", Unmarked: true,
		Trace: []byte("Received: by offramp\r\n"), Header: []byte("Subject: \xfc " + id + "\r\n\r\n"),
		BodyHash:  []byte(strings.Repeat("h", 32)),
		Parts:     []store.Part{{Offset: 3, Length: 9, Encoding: "base64", HTML: true, Charset: "utf-8"}, {Offset: 20, Length: 1}},
		LongLines: true, EightBit: true, UTF8: true, RequireTLS: true, Return: "HDRS", EnvelopeID: "e+1",
	}
}

// recipients makes n recipients, all due at second.
func recipients(n, second int) []store.Recipient {
	all := make([]store.Recipient, n)
	for i := range all {
		all[i] = store.Recipient{
			Address: fmt.Sprintf("r%d@example.net", i), Domain: "example.net", Notify: "FAILURE",
			Original: "rfc822;x@example.org", State: store.Queued, Next: at(second),
		}
	}
	return all
}

// put makes a message durable and returns it as the spool gives it back.
func put(t *testing.T, s store.Spool, id, body string, rs []store.Recipient) *store.Message {
	t.Helper()
	m := message(id)
	must(t, commit(s, m, body, rs))
	want := *m
	want.Received = kept(m.Received)
	want.Size = int64(len(body))
	return &want
}

func commit(s store.Spool, m *store.Message, body string, rs []store.Recipient) error {
	ctx := context.Background()
	d, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer d.Abort()
	if _, err := d.Write([]byte(body)); err != nil {
		return err
	}
	return d.Commit(ctx, m, rs)
}
