package access

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"offramp/store"
	"offramp/store/sqlite"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC)

const token = "correct horse battery staple"

// world is an Access on a real store, with a clock that is set by hand.
type world struct {
	*Access
	dir   string
	db    *sqlite.DB
	clock time.Time
	reads int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), clock: start}
	w.open(t)
	t.Cleanup(func() { _ = w.db.Close() })
	return w
}

// open opens the data, again where it is open: as a start after a stop.
func (w *world) open(t testing.TB) {
	t.Helper()
	if w.db != nil {
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.Open(context.Background(), sqlite.Options{Dir: w.dir, PersonKey: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	w.Access = &Access{Config: Config{Token: token, Rate: 60, Failures: 3}, Keys: counted{db.Consent(), w}, Requests: db.Consent(), Now: func() time.Time { return w.clock }}
}

// counted counts look-ups.
type counted struct {
	stored
	w *world
}

// stored is embedded under another name than its method.
type stored = store.Keys

func (c counted) Key(ctx context.Context, id string) (store.Key, error) {
	c.w.reads++
	return c.stored.Key(ctx, id)
}

func (w *world) create(t testing.TB, s Spec) (store.Key, string) {
	t.Helper()
	k, key, err := w.Create(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return k, key
}

var elsewhere = netip.MustParseAddr("192.0.2.1")

func TestIdentify(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	k, key := w.create(t, Spec{Name: "shop", Scope: Write, Lists: []string{"a.example"}})
	_, other := w.create(t, Spec{Name: "crm", Scope: Read})
	_, old := w.create(t, Spec{Name: "old", Scope: Read, Expires: start.Add(time.Minute)})
	gone, revoked := w.create(t, Spec{Name: "gone", Scope: Admin})
	if changed, err := w.Revoke(ctx, gone.ID); err != nil || !changed {
		t.Fatalf("revoked %v, %v", changed, err)
	}
	w.clock = start.Add(time.Minute)
	swapped := key[:len(key)-5] + other[len(other)-5:]
	for _, c := range []struct {
		name   string
		client Client
		want   Grant
		err    error
	}{
		{"key", Client{Credential: key, Addr: elsewhere}, Grant{ID: k.ID, Name: "shop", Scope: Write, Lists: []string{"a.example"}}, nil},
		{"key from this machine", Client{Credential: key, Local: true}, Grant{ID: k.ID, Name: "shop", Scope: Write, Lists: []string{"a.example"}}, nil},
		{"token", Client{Credential: token, Addr: elsewhere}, Grant{ID: TokenID, Name: "admin", Scope: Admin}, nil},
		{"token from this machine", Client{Credential: token, Local: true}, Grant{ID: TokenID, Name: "admin", Scope: Admin, Free: true}, nil},
		{"none", Client{Local: true, Host: "localhost"}, Grant{}, ErrNone},
		{"expired", Client{Credential: old}, Grant{}, ErrExpired},
		{"revoked", Client{Credential: revoked}, Grant{}, ErrRevoked},
		{"other secret", Client{Credential: swapped, Addr: elsewhere}, Grant{}, ErrWrong},
		{"cut", Client{Credential: key[:len(key)-1]}, Grant{}, ErrWrong},
		{"ID alone", Client{Credential: k.ID}, Grant{}, ErrWrong},
		{"hash", Client{Credential: string(k.Hash[:])}, Grant{}, ErrWrong},
	} {
		got, err := w.Identify(ctx, c.client)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		got.secret = [32]byte{}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(Grant{})); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// Without a token only this machine is answered, under its own names.
func TestWithoutAToken(t *testing.T) {
	w := newWorld(t)
	w.Token = ""
	_, key := w.create(t, Spec{Name: "shop", Scope: Read})
	for _, c := range []struct {
		client Client
		err    error
	}{
		{Client{Local: true, Host: "localhost:8081"}, nil},
		{Client{Local: true, Host: "[::1]:8081"}, nil},
		{Client{Local: true, Host: "rebound.example"}, ErrHost},
		{Client{Addr: elsewhere, Host: "localhost"}, ErrElsewhere},
		{Client{Addr: elsewhere, Credential: key, Host: "offramp.example"}, nil},
		{Client{Local: true, Credential: "nonsense", Host: "localhost"}, ErrWrong},
	} {
		if _, err := w.Identify(context.Background(), c.client); !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, want %v", c.client, err, c.err)
		}
	}
}

// A revoked key is refused by another process that shares the data, at once.
func TestRevokedEverywhere(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	_, key := w.create(t, Spec{Name: "shop", Scope: Read})
	other := &Access{Config: w.Config, Keys: w.db.Consent(), Now: w.Now}
	client := Client{Credential: key, Addr: elsewhere}
	for _, a := range []*Access{w.Access, other} {
		if _, err := a.Identify(ctx, client); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.Revoke(ctx, key); err != nil { // by the key itself
		t.Fatal(err)
	}
	if _, err := w.Identify(ctx, client); !errors.Is(err, ErrRevoked) {
		t.Errorf("after it was revoked elsewhere: %v", err)
	}
}

// Wrong keys cost a bounded number of look-ups, and shut out nobody who was
// right from the same network.
func TestGuesses(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	_, key := w.create(t, Spec{Name: "shop", Scope: Read})
	_, fresh := w.create(t, Spec{Name: "new", Scope: Read})
	right := Client{Credential: key, Addr: elsewhere}
	if _, err := w.Identify(ctx, right); err != nil {
		t.Fatal(err)
	}
	w.reads = 0
	last := error(nil)
	for range 1000 {
		_, wrong, _ := newSecret(w.random())
		_, last = w.Identify(ctx, Client{Credential: wrong, Addr: elsewhere})
	}
	if !errors.Is(last, ErrGuesses) || w.reads != 3 {
		t.Errorf("%d look-ups, at last %v", w.reads, last)
	}
	if _, err := w.Identify(ctx, right); err != nil {
		t.Errorf("a key that was right before: %v", err)
	}
	if _, err := w.Identify(ctx, Client{Credential: fresh, Addr: elsewhere}); !errors.Is(err, ErrGuesses) {
		t.Errorf("a key that was never right, from the network that guesses: %v", err)
	}
	if _, err := w.Identify(ctx, Client{Credential: fresh, Addr: netip.MustParseAddr("192.0.2.2")}); err != nil {
		t.Errorf("from another network: %v", err)
	}
	if _, err := w.Identify(ctx, Client{Credential: token, Addr: elsewhere}); err != nil {
		t.Errorf("the token: %v", err)
	}
	if wrong, guesses := w.counts.wrong.Load(), w.counts.guesses.Load(); wrong != 3 || guesses != 998 {
		t.Errorf("counted %d wrong keys and %d guesses", wrong, guesses)
	}
}

func TestScopes(t *testing.T) {
	for name, want := range map[string]Scope{"read": Read, "write": Write, "admin": Admin, "none": None, "": None, "root": None} {
		if got := ScopeOf(name); got != want {
			t.Errorf("%q is %s", name, got)
		}
	}
	bound := Grant{Lists: []string{"a.example"}}
	if !bound.Allows("a.example") || bound.Allows("b.example") || bound.Allows(store.AllLists) || !(Grant{}).Allows(store.AllLists) {
		t.Error("what a key of lists sees")
	}
}

// The key is nowhere in the data, and neither is any part of it that cannot be
// guessed.
func TestTheSecretIsKeptNowhere(t *testing.T) {
	w := newWorld(t)
	k, key := w.create(t, Spec{Name: "shop", Scope: Read})
	if !strings.HasPrefix(key, "offramp_"+k.ID+"_") || len(key) != 8+16+1+52 {
		t.Errorf("key %q", key)
	}
	if strings.Contains(string(k.Hash[:]), key) || strings.Contains(k.ID, key[25:]) {
		t.Error("the record has the secret")
	}
	if _, again := w.create(t, Spec{Name: "shop", Scope: Read}); again == key {
		t.Error("two keys are the same")
	}
}

func TestSpecs(t *testing.T) {
	w := newWorld(t)
	for name, s := range map[string]Spec{
		"no name":          {Scope: Read},
		"long name":        {Name: strings.Repeat("ü", 101), Scope: Read},
		"line in the name": {Name: "a\nb", Scope: Read},
		"no scope":         {Name: "a"},
		"other scope":      {Name: "a", Scope: 9},
		"admin of lists":   {Name: "a", Scope: Admin, Lists: []string{"a.example"}},
		"all as a list":    {Name: "a", Scope: Read, Lists: []string{""}},
		"a list twice":     {Name: "a", Scope: Read, Lists: []string{"a.example", "a.example"}},
		"expired":          {Name: "a", Scope: Read, Expires: start},
	} {
		if _, _, err := w.Create(context.Background(), s); !errors.Is(err, ErrSpec) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Uses are recorded beside the answers: at most once a minute, and at the end.
func TestUsesAreRecordedLater(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	k, key := w.create(t, Spec{Name: "shop", Scope: Read})
	for i := range 5 {
		w.clock = start.Add(time.Duration(i) * time.Second)
		if _, err := w.Identify(ctx, Client{Credential: key}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.Keys.Key(ctx, k.ID); err != nil || !got.Used.IsZero() {
		t.Errorf("recorded on the path of the answer: %v, %v", got.Used, err)
	}
	if all, err := w.All(ctx); err != nil || len(all) != 1 || !all[0].Used.Equal(w.clock) {
		t.Errorf("shown %+v, %v", all, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.Run(ended); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Keys.Key(ctx, k.ID); err != nil || !got.Used.Equal(w.clock) {
		t.Errorf("recorded at the end: %v, %v", got.Used, err)
	}
}

func TestRates(t *testing.T) {
	w := newWorld(t)
	c := Grant{ID: "one"}
	for i := range 60 {
		q, limited, ok := w.Spend(c)
		if !limited || !ok || q.Limit != 60 || q.Remaining != 59-i {
			t.Fatalf("request %d: %+v %v %v", i, q, limited, ok)
		}
	}
	q, _, ok := w.Spend(c)
	if ok || q.Remaining != 0 || q.Wait != time.Second {
		t.Errorf("one too many: %+v, %v", q, ok)
	}
	if _, _, ok := w.Spend(Grant{ID: "two"}); !ok {
		t.Error("another key pays for it")
	}
	if _, limited, ok := w.Spend(Grant{ID: LocalID, Free: true}); !ok || limited {
		t.Error("a program on this machine is limited")
	}
	w.clock = start.Add(2 * time.Second)
	if q, _, ok := w.Spend(c); !ok || q.Remaining != 1 {
		t.Errorf("later: %+v, %v", q, ok)
	}
	for i := range 3 * store.MaxKeys {
		w.Spend(Grant{ID: strings.Repeat("x", i)})
	}
	if n := len(w.rates.buckets); n > store.MaxKeys+1 {
		t.Errorf("%d buckets", n)
	}
}

// What has the form of a key has an ID, and nothing else does.
func FuzzIDOf(f *testing.F) {
	_, key, _ := newSecret(bytes.NewReader(make([]byte, 64)))
	for _, seed := range []string{key, strings.ToUpper(key), key + "a", "offramp_", "offramp__", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := idOf(text)
		if ok != (len(text) == len(key) && strings.HasPrefix(text, prefix+id+"_") && len(id) == 16) {
			t.Errorf("%q: %q, %v", text, id, ok)
		}
	})
}

// BenchmarkIdentify is what a key costs each request.
func BenchmarkIdentify(b *testing.B) {
	w := newWorld(b)
	_, key := w.create(b, Spec{Name: "shop", Scope: Read})
	c := Client{Credential: key, Addr: elsewhere}
	for b.Loop() {
		if _, err := w.Identify(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for token, ok := range map[string]bool{"": true, strings.Repeat("x", minToken): true, "short": false} {
		if err := (Config{Token: token}).Validate(); (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "OFFRAMP_ADMIN_TOKEN: ") {
			t.Errorf("%q: %v", token, err)
		}
	}
}
