package render

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// fits is a recipient who stands in an address of ours, tooLong one who does not.
var (
	fits    = "ada@b.example"
	tooLong = strings.Repeat("x", 64) + "@" + strings.Repeat("y", 60) + "." + strings.Repeat("z", 60) + ".example"
)

// What is too long for an address of ours has a code in it, and whoever sends
// the message is told so.
func TestACodeIsInEveryAddressOfALongRecipient(t *testing.T) {
	for name, test := range map[string]struct {
		to           Target
		existing     string // the header the sender set, which is kept
		code         bool
		mailto, verp bool
	}{
		"short":               {Target{Recipient: fits}, "", false, true, true},
		"short, no codes":     {Target{Recipient: fits, NoCode: true}, "", false, true, true},
		"long":                {Target{Recipient: tooLong}, "", true, true, true},
		"long, no codes":      {Target{Recipient: tooLong, NoCode: true}, "", false, false, false},
		"long, header kept":   {Target{Recipient: tooLong}, "List-Unsubscribe: <https://example.com/>\r\n", true, false, true},
		"long, kept, no code": {Target{Recipient: tooLong, NoCode: true}, "List-Unsubscribe: <https://example.com/>\r\n", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			r.Feedback, r.ExistingHeader = allFeedback, Keep
			m, body := accept(t, []byte("From: news@example.com\r\n"+test.existing+"\r\nHi\r\n"))
			m.ReversePath = "bounces@sender.example"
			prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := prepared.Render(nil, test.to, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
			if err != nil {
				t.Fatal(err)
			}
			if got := out.Code != (listunsub.PersonCode{}); got != test.code {
				t.Errorf("code %x", out.Code)
			}
			_, mailto, has := strings.Cut(mime.ParseHeader(out.Header).Get("List-Unsubscribe"), "mailto:")
			if has != test.mailto || (out.ReversePath != "bounces@sender.example") != test.verp {
				t.Errorf("mailto %s, reverse-path %s", mailto, out.ReversePath)
			}
			var addresses []string
			if has {
				addresses = append(addresses, mailto)
			}
			if test.verp {
				addresses = append(addresses, out.ReversePath)
			}
			for _, a := range addresses {
				local, _, _ := strings.Cut(a, "@")
				c, err := r.Tokens.OpenAddress(local)
				if err != nil || c.Code != out.Code || c.ListKey != listunsub.ListKey("news") || (c.Recipient == fits) == test.code {
					t.Errorf("%s: %+v, %v", local, c, err)
				}
			}
		})
	}
}

// A message that cannot be converted is still told from one that needs SMTPUTF8
// for its reverse-path.
func TestReversePathBesideEightBit(t *testing.T) {
	m, body := accept(t, []byte("From: ü@example.com\r\n\r\nHi\r\n"))
	m.ReversePath = "bounces@sender.example"
	prepared, err := newRenderer(t).Prepare(m, store.List{ID: "news"}, Signing{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := prepared.Render(nil, Target{Recipient: fits, SevenBit: true}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	if !errors.Is(err, ErrEightBit) || out.ReversePath != m.ReversePath {
		t.Errorf("%q, %v", out.ReversePath, err)
	}
}
