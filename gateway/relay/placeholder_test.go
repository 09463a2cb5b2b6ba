package relay

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"offramp/gateway/envelope"
)

const untouchedList = "List-Id: <talk.example>\r\nList-Post: <mailto:talk@talk.example>\r\n"

// TestPlaceholderLeft: a placeholder that readers will see is counted and in the
// log line of its message, and one that is replaced is not.
func TestPlaceholderLeft(t *testing.T) {
	const from = "From: a@shop.example\r\n"
	for name, tt := range map[string]struct {
		raw   string
		left  bool
		parts int
	}{
		"replaced":            {from + "\r\n{{offramp.unsubscribe_url}}\r\n", false, 1},
		"none":                {from + "Subject: offramp.\r\n\r\nx\r\n", false, 0},
		"unknown name":        {from + "\r\n{{offramp.unsubscribe}}\r\n", true, 0},
		"both":                {from + "\r\n{{offramp.unsubscribe_url}} {{ Offramp.preference_url }}\r\n", true, 1},
		"subject":             {from + "Subject: {{offramp.unsubscribe_url}}\r\n\r\nx\r\n", true, 0},
		"encoded subject":     {from + "Subject: =?utf-8?Q?=7B=7Bofframp=2Eunsubscribe=5Furl=7D=7D?=\r\n\r\nx\r\n", true, 0},
		"own field":           {from + "List-Unsubscribe: <{{offramp.unsubscribe_url}}>\r\n\r\nx\r\n", false, 0},
		"control field":       {from + "X-Offramp-List: news.example\r\nX-Offramp-Note: {{offramp.x}}\r\n\r\nx\r\n", false, 0},
		"hidden recipients":   {from + "Bcc: \"{{offramp.x}}\" <b@c.example>\r\n\r\nx\r\n", false, 0},
		"attachment":          {from + "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n{{offramp.unsubscribe_url}}\r\n", true, 0},
		"transactional":       {from + "X-Offramp-List: transactional\r\n\r\n{{offramp.unsubscribe_url}}\r\n", true, 0},
		"transactional field": {from + "X-Offramp-List: transactional\r\nList-Unsubscribe: <{{offramp.unsubscribe_url}}>\r\n\r\nx\r\n", true, 0},
		"untouched":           {from + untouchedList + "\r\n{{offramp.unsubscribe_url}}\r\n", true, 0},
		"passed on":           {"From: x@other.example\r\n" + "X-Offramp-List: transactional\r\nReturn-Path: <x@y.example>\r\nDelivered-To: b@c.example\r\n\r\n{{offramp.unsubscribe_url}}\r\n", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			r := newRelay(f)
			var log bytes.Buffer
			r.Log = slog.New(slog.NewTextHandler(&log, nil))
			if _, err := r.Accept(t.Context(), client, letter(t, "news@shop.example", "anna@x.example"), strings.NewReader(tt.raw)); err != nil {
				t.Fatal(err)
			}
			if counted := r.Stats.PlaceholdersLeft.Load() == 1; counted != tt.left || strings.Contains(log.String(), " placeholder_left=true\n") != tt.left {
				t.Errorf("counted %t, want %t, logged\n%s", counted, tt.left, log.String())
			}
			if m := f.commits[0].message; len(m.Parts) != tt.parts {
				t.Errorf("%d parts, want %d; %+v", len(m.Parts), tt.parts, m)
			}
		})
	}
}

// What came back from elsewhere quotes what it likes.
func TestPlaceholderPassedOn(t *testing.T) {
	f := &fake{}
	r := newRelay(f)
	to, err := envelope.Parse("b@c.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.PassOn(t.Context(), to, "192.0.2.9", []byte("Subject: failure\r\n\r\n{{offramp.unsubscribe_url}}\r\n")); err != nil {
		t.Fatal(err)
	}
	if n := r.Stats.PlaceholdersLeft.Load(); n != 0 || len(f.commits) != 1 {
		t.Errorf("%d counted", n)
	}
}
