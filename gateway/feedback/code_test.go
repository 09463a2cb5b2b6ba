package feedback_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
)

// longAnna does not fit into an address of ours.
const longAnna = "Anna.von-der-Heide.Newsletter@mail.subdomain.students.university.example.net"

const base32 = "abcdefghijklmnopqrstuvwxyz234567"

// What is known of the code decides at RCPT: who is not known here yet is
// asked to come again, who was erased is thanked, and what is forged is refused.
func TestCheckOfCodes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fakeCodes)
		want   error // nil: accepted
	}{
		"known":       {func(*fakeCodes) {}, nil},
		"erased":      {func(f *fakeCodes) { f.become("") }, nil},
		"not known":   {func(f *fakeCodes) { clear(f.addresses) }, store.ErrUnavailable},
		"store fails": {func(f *fakeCodes) { f.err = store.ErrFull }, store.ErrFull},
		"no address":  {func(f *fakeCodes) { f.become("anna") }, feedback.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var locals []string
			for _, kind := range []listunsub.AddressKind{listunsub.OptOutAddress, listunsub.BounceAddress} {
				locals = append(locals, b.token(t, kind, longAnna, news))
			}
			test.change(b.codes)
			for _, local := range locals {
				for _, separator := range []string{"+", "-", ".", "%2b", "%2B", "=2B"} {
					a := address(t, local[:1]+separator+local[2:]+"@"+domain)
					err := b.Check(context.Background(), a)
					if !errors.Is(err, test.want) || errors.Is(err, feedback.ErrUnknown) != (test.want == feedback.ErrUnknown) {
						t.Errorf("Check(%s) = %v, want %v", a, err, test.want)
					}
				}
			}
		})
	}
}

func TestForgedCodesAreRefused(t *testing.T) {
	b := newBench(t)
	b.codes.err = errors.New("a forged code is looked up")
	local := b.token(t, listunsub.OptOutAddress, longAnna, news)
	for i := 2; i < len(local); i++ {
		for bit := range 5 {
			other := local[:i] + string(base32[strings.IndexByte(base32, local[i])^1<<bit]) + local[i+1:]
			if err := b.Check(context.Background(), address(t, other+"@"+domain)); !errors.Is(err, feedback.ErrUnknown) {
				t.Fatalf("Check(%s) = %v", other, err)
			}
		}
	}
	if err := b.Check(context.Background(), address(t, "b"+local[1:]+"@"+domain)); !errors.Is(err, feedback.ErrUnknown) {
		t.Errorf("as a bounce address: %v", err)
	}
}

// Mail to an address with a code does what mail to any other does; once the
// person was erased it does nothing, and once the code is lost it waits.
func TestMailToCodes(t *testing.T) {
	b := newBench(t)
	leave, back := b.token(t, listunsub.OptOutAddress, longAnna, news)+"@"+domain, b.token(t, listunsub.BounceAddress, longAnna, news)+"@"+domain
	path, err := b.Tokens.Seal(listunsub.Claims{Recipient: "bounces@sender.example", Purpose: listunsub.ReturnPath})
	if err != nil {
		t.Fatal(err)
	}
	both := func() (errs [2]error) {
		*b.consent, *b.senders = fakeConsent{}, fakeSenders{}
		errs[0] = b.Receive(context.Background(), inbound(t, plain, leave))
		in := b.bounce(t, dsn(longAnna, "5.1.1", "550 5.1.1 User unknown", envelope.FieldReturnPath+": "+path+"\n"))
		in.Envelope.Recipients[0].Address = address(t, back)
		errs[1] = b.Receive(context.Background(), in)
		return errs
	}
	if errs := both(); errs != [2]error{} {
		t.Fatal(errs)
	}
	if c := b.consent; len(c.calls) != 1 || c.calls[0].recipient != longAnna || c.calls[0].list != news ||
		len(c.bounces) != 1 || c.bounces[0].Recipient.String() != longAnna || c.bounces[0].Weight != consent.Hard || len(b.senders.to) != 1 {
		t.Errorf("%+v, %+v", b.consent, b.senders)
	}
	nothing := func() {
		t.Helper()
		if c := b.consent; len(c.calls)+len(c.bounces)+len(c.answers)+len(c.complaints)+len(b.senders.to) > 0 {
			t.Errorf("%+v, %+v", b.consent, b.senders)
		}
	}
	b.codes.become("")
	if errs := both(); errs != [2]error{} {
		t.Error(errs)
	}
	nothing()
	clear(b.codes.addresses)
	if errs := both(); !errors.Is(errs[0], store.ErrUnavailable) || !errors.Is(errs[1], store.ErrUnavailable) {
		t.Error(errs)
	}
	nothing()
	if log := strings.ToLower(b.log.String()); strings.Contains(log, "heide") || strings.Contains(log, leave[2:20]) {
		t.Errorf("log:\n%s", log)
	}
}

// In what comes back an address with a code is found however it is spelled, and
// proves who got the mail as any other does.
func TestCodesProve(t *testing.T) {
	for _, recipient := range []string{"i@e.nl", "elisabeth.hohenzollern-schmidt@gmx.de", longAnna} { // 34 and 60 bytes, and a code
		for _, separator := range []string{"+", "-", ".", "%2B", "%2b", "=2B"} {
			for _, upper := range []bool{false, true} {
				b := newBench(t)
				local := b.token(t, listunsub.OptOutAddress, recipient, news)
				local = local[:1] + separator + local[2:]
				if upper {
					local = strings.ToUpper(local)
				}
				header := strings.Repeat("X-Style: u-"+strings.Repeat("a", 28)+";\n", 100) + // no candidates
					"List-Unsubscribe: <https://example.com/a.b-c>,\n <mailto:" + local + "@" + domain + "?subject=unsubscribe>\n"
				data := arf("abuse", header, "b.a-u u- see https://example.com/?u=2&b=2b+c%2b.")
				if err := b.Receive(context.Background(), inbound(t, data, "complaints@"+domain)); err != nil {
					t.Fatal(err)
				}
				if c := b.consent.complaints; len(c) != 1 || c[0].Recipient.String() != recipient || c[0].List != news {
					t.Errorf("%s: %+v", local, c)
				}
			}
		}
	}
}

// A code of a person who was erased proves nothing, and one that is not known
// here is no reason to lose what is reported.
func TestCodesThatProveNothing(t *testing.T) {
	b := newBench(t)
	header := "List-Unsubscribe: <mailto:" + b.token(t, listunsub.OptOutAddress, longAnna, news) + "@" + domain + ">\n"
	b.codes.become("")
	if err := b.Receive(context.Background(), inbound(t, arf("abuse", header, ""), "complaints@"+domain)); err != nil || len(b.consent.complaints) > 0 {
		t.Errorf("erased: %v, %+v", err, b.consent.complaints)
	}
	clear(b.codes.addresses)
	if err := b.Receive(context.Background(), inbound(t, arf("abuse", header, ""), "complaints@"+domain)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("not known: %v", err)
	}
}
