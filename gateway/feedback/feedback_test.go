package feedback_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
)

const domain = "out.example.org"

// optOut is one call of the fake consent.
type optOut struct {
	recipient, list string
	evidence        consent.Evidence
}

// fakeConsent keeps what it is told.
type fakeConsent struct {
	calls []optOut
	left  map[string]bool
	err   error

	bounces    []consent.Bounce
	complaints []consent.Complaint
	answers    []consent.Answer
	withheld   []consent.Withheld
	delivered  []string
	known      map[string]bool // people something is held about
	several    bool            // everybody gets another list, too
	told       map[string]bool // by Once
}

// changes is how much was recorded that changes anything.
func (f *fakeConsent) changes() int {
	n := len(f.calls)
	for _, b := range f.bounces {
		if b.Weight != consent.NoWeight {
			n++
		}
	}
	for _, c := range f.complaints {
		if c.Stops {
			n++
		}
	}
	return n
}

// again says whether the same was told before.
func (f *fakeConsent) again(once string) bool {
	if f.told == nil {
		f.told = make(map[string]bool)
	}
	defer func() { f.told[once] = true }()
	return f.told[once]
}

func (f *fakeConsent) Bounced(_ context.Context, b consent.Bounce, _ consent.Evidence) (bool, error) {
	if f.err != nil || f.again(b.Once) {
		return false, f.err
	}
	f.bounces = append(f.bounces, b)
	return b.Weight == consent.Hard, nil
}

func (f *fakeConsent) Complained(_ context.Context, c consent.Complaint, _ consent.Evidence) (bool, error) {
	if f.err != nil || f.again(c.Once) {
		return false, f.err
	}
	f.complaints = append(f.complaints, c)
	return c.Stops, nil
}

func (f *fakeConsent) Answered(_ context.Context, a consent.Answer, _ consent.Evidence) error {
	if f.err != nil || f.again(a.Once) {
		return f.err
	}
	f.answers = append(f.answers, a)
	return nil
}

func (f *fakeConsent) Person(_ context.Context, a envelope.Address) (p store.Person, err error) {
	if f.known[a.Key()] {
		p.Contacts = []store.Contact{{Recipient: a.Key(), List: news, Count: 1}}
	}
	if f.several {
		p.Contacts = append(p.Contacts, store.Contact{Recipient: a.Key(), List: "other.example.org", Count: 1})
	}
	return p, f.err
}

func (f *fakeConsent) OptOutReported(ctx context.Context, s consent.Subject, at time.Time, way store.Way, ev consent.Evidence) (bool, error) {
	return f.OptOut(ctx, s, way, ev)
}

func (f *fakeConsent) Withheld(_ context.Context, w consent.Withheld, _ consent.Evidence) (bool, error) {
	if f.err != nil {
		return false, f.err
	}
	f.withheld = append(f.withheld, w)
	return false, nil
}

func (f *fakeConsent) Delivered(_ context.Context, a envelope.Address, at time.Time) (bool, error) {
	if f.err != nil {
		return false, f.err
	}
	f.delivered = append(f.delivered, a.Key()+" "+at.UTC().Format(time.RFC3339))
	return true, nil
}

// fakeSenders keeps what is passed on.
type fakeSenders struct {
	to   []string
	data []string
	err  error
}

func (f *fakeSenders) PassOn(_ context.Context, to envelope.Address, _ string, data []byte) error {
	if f.err != nil {
		return f.err
	}
	f.to, f.data = append(f.to, to.String()), append(f.data, string(data))
	return nil
}

func (f *fakeConsent) OptOut(ctx context.Context, s consent.Subject, way store.Way, ev consent.Evidence) (bool, error) {
	if f.err != nil {
		return false, f.err
	}
	if way != store.Mail && way != store.Hook {
		return false, errors.New("another way")
	}
	f.calls = append(f.calls, optOut{s.Recipient.String(), s.List, ev})
	who := s.Recipient.Key() + " " + s.List
	if f.left[who] {
		return false, nil
	}
	if f.left == nil {
		f.left = make(map[string]bool)
	}
	f.left[who] = true
	return true, nil
}

// fakeLists knows the lists whose identifiers it holds.
type fakeLists struct {
	ids []string
	err error
}

func (f *fakeLists) ListByKey(ctx context.Context, key uint64) (store.List, error) {
	for _, id := range f.ids {
		if listunsub.ListKey(id) == key && f.err == nil {
			return store.List{ID: id, Key: key}, nil
		}
	}
	if f.err != nil {
		return store.List{}, f.err
	}
	return store.List{}, fmt.Errorf("list: %w", store.ErrNotFound)
}

// fakeCodes knows whom codes stand for; empty: the person was erased.
type fakeCodes struct {
	addresses map[[16]byte]string
	err       error
}

func (f *fakeCodes) AddressOfCode(_ context.Context, id [16]byte) (string, error) {
	address, ok := f.addresses[id]
	if f.err == nil && !ok {
		return "", fmt.Errorf("code: %w", store.ErrNotFound)
	}
	return address, f.err
}

// become has every code stand for address.
func (f *fakeCodes) become(address string) {
	for id := range f.addresses {
		f.addresses[id] = address
	}
}

type bench struct {
	*feedback.Feedback
	consent *fakeConsent
	senders *fakeSenders
	lists   *fakeLists
	codes   *fakeCodes
	stats   *feedback.Stats
	log     *strings.Builder
}

func newBench(t testing.TB) *bench {
	t.Helper()
	tokens, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		consent: &fakeConsent{},
		senders: &fakeSenders{},
		lists:   &fakeLists{ids: []string{"news.example.org", "shop.example.org"}},
		codes:   &fakeCodes{addresses: map[[16]byte]string{}},
		stats:   &feedback.Stats{},
		log:     &strings.Builder{},
	}
	b.Feedback = &feedback.Feedback{
		Domain:  domain,
		Tokens:  tokens,
		Config:  feedback.Config{PassOn: true, Addresses: []string{"fbl@example.org"}},
		Consent: b.consent,
		Answers: b.consent,
		Senders: b.senders,
		Kept:    &feedback.Kept{Dir: filepath.Join(t.TempDir(), "feedback"), Most: 3},
		Lists:   b.lists,
		Codes:   b.codes,
		Log:     slog.New(slog.NewTextHandler(b.log, nil)),
		Stats:   b.stats,
	}
	return b
}

// token returns the local part of an address of ours, with its code kept.
func (b *bench) token(t testing.TB, kind listunsub.AddressKind, recipient, list string) string {
	t.Helper()
	local, code, err := b.Tokens.SealAddress(listunsub.AddressClaims{Kind: kind, ListKey: listunsub.ListKey(list), Recipient: recipient})
	if err != nil {
		t.Fatal(err)
	}
	if code != (listunsub.PersonCode{}) {
		b.codes.addresses[code] = recipient
	}
	return local
}

func address(t testing.TB, s string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOwns(t *testing.T) {
	b := newBench(t)
	for s, want := range map[string]struct{ owns, postmaster bool }{
		"anything@out.example.org":   {true, false},
		"anything@OUT.Example.ORG":   {true, false},
		"postmaster@out.example.org": {true, true},
		"PostMaster@out.example.org": {true, true},
		"postmaster@example.org":     {false, false},
		"u+x@example.org":            {false, false},
		"u+x@a.out.example.org":      {false, false},
		"u+x@[192.0.2.1]":            {false, false},
		"FBL@example.org":            {true, false}, // routed here
		"fbl@example.net":            {false, false},
	} {
		a := address(t, s)
		if got := b.Owns(a); got != want.owns {
			t.Errorf("Owns(%s) = %v", s, got)
		}
		if got := b.IsPostmaster(a); got != want.postmaster {
			t.Errorf("IsPostmaster(%s) = %v", s, got)
		}
	}
	if b.Owns(envelope.Address{}) {
		t.Error("the null reverse-path is ours")
	}
}

func TestCheck(t *testing.T) {
	b := newBench(t)
	other := newBench(t)
	other.Domain = b.Domain
	leave := b.token(t, listunsub.OptOutAddress, "Anna@example.net", "news.example.org")
	flipped := []byte(leave)
	if flipped[20] == 'a' {
		flipped[20] = 'b'
	} else {
		flipped[20] = 'a'
	}
	tests := map[string]struct {
		address string
		want    error // nil: accepted
	}{
		"opt-out":                    {leave + "@" + domain, nil},
		"opt-out in upper case":      {strings.ToUpper(leave + "@" + domain), nil},
		"opt-out in title case":      {strings.ToUpper(leave[:5]) + leave[5:] + "@Out.Example.Org", nil},
		"bounce":                     {b.token(t, listunsub.BounceAddress, "anna@example.net", "news.example.org") + "@" + domain, nil},
		"bounce of a list long gone": {b.token(t, listunsub.BounceAddress, "anna@example.net", "gone.example.org") + "@" + domain, nil},
		"postmaster":                 {"postmaster@" + domain, nil},
		"complaints":                 {"complaints@" + domain, nil},
		"reports":                    {"CFBL@" + domain, nil},
		"replies":                    {"replies@" + domain, nil},
		"routed here":                {"fbl@example.org", nil},

		"one character changed": {string(flipped) + "@" + domain, feedback.ErrUnknown},
		"one character less":    {leave[:len(leave)-1] + "@" + domain, feedback.ErrUnknown},
		"one character more":    {leave + "a@" + domain, feedback.ErrUnknown},
		"other kind":            {"b" + leave[1:] + "@" + domain, feedback.ErrUnknown},
		"other key":             {other.token(t, listunsub.OptOutAddress, "anna@example.net", "news.example.org") + "@" + domain, feedback.ErrUnknown},
		"other domain":          {leave + "@example.net", feedback.ErrUnknown},
		"made up":               {"u+anna=example.net@" + domain, feedback.ErrUnknown},
		"prefix alone":          {"u+@" + domain, feedback.ErrUnknown},
		"a person":              {"anna@" + domain, feedback.ErrUnknown},
		"quoted":                {`"u+ ` + leave[3:] + `"@` + domain, feedback.ErrUnknown},

		"unknown list": {b.token(t, listunsub.OptOutAddress, "anna@example.net", "gone.example.org") + "@" + domain, store.ErrUnavailable},
	}
	refused := int64(0)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := b.Check(context.Background(), address(t, test.address))
			if !errors.Is(err, test.want) {
				t.Errorf("Check(%s) = %v, want %v", test.address, err, test.want)
			}
			if test.want == feedback.ErrUnknown {
				refused++
			}
		})
	}
	if got := b.stats.Unknown.Load(); got != refused {
		t.Errorf("%d refusals counted, want %d", got, refused)
	}
	if len(b.consent.calls) != 0 {
		t.Error("Check changed something")
	}

	b.lists.err = store.ErrUnavailable
	if err := b.Check(context.Background(), address(t, leave+"@"+domain)); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, feedback.ErrUnknown) {
		t.Errorf("Check without a store = %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	b := newBench(f)
	leave := b.token(f, listunsub.OptOutAddress, "anna@example.net", "news.example.org")
	bounce := b.token(f, listunsub.BounceAddress, longAnna, "news.example.org")
	f.Add(leave)
	f.Add(strings.Replace(bounce, "+", "=2B", 1))
	f.Add(strings.ToUpper(bounce))
	f.Add("u+")
	f.Add("B+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("postmaster")
	f.Fuzz(func(t *testing.T, local string) {
		a, err := envelope.ParseUnquoted(local + "@" + domain)
		if err != nil {
			t.Skip("no address")
		}
		err = b.Check(context.Background(), a)
		if kind, text, ok := listunsub.CutAddress(local); ok {
			local = string(kind) + "+" + text
		}
		ours := strings.EqualFold(local, leave) || strings.EqualFold(local, bounce) || strings.EqualFold(local, "postmaster") ||
			strings.EqualFold(local, "cfbl") || strings.EqualFold(local, "complaints") || strings.EqualFold(local, "replies")
		if ours != (err == nil) || !ours && !errors.Is(err, feedback.ErrUnknown) {
			t.Errorf("Check(%q) = %v", local, err)
		}
	})
}
