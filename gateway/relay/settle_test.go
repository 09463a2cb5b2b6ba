package relay

import (
	"strings"
	"testing"

	"offramp/gateway/stream"
	"offramp/listunsub"
	"offramp/store"
)

func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name   string
		why    string
		header string
		from   string
		stream string
		login  map[string]string
		want   string // list id; empty: exempt
		title  string
	}{
		{name: "control id", header: "X-Offramp-List: Offers.Shop.example\r\nList-Id: <other.example>\r\n", want: "offers.shop.example"},
		{name: "control with long name", why: "a header and a page have to hold it",
			header: "X-Offramp-List: " + strings.Repeat("é", 150) + " " + strings.Repeat("n", 50000) + " <n.example>\r\n", want: "n.example",
			title: strings.Repeat("é", 150) + " " + strings.Repeat("n", 49)},
		{name: "control not an id", why: "meant as a list, so never exempt", header: "X-Offramp-List: b\xfccher\r\n", want: listunsub.CanonicalID("b\xfccher")},
		{name: "control exempts", header: "X-Offramp-List: Transactional\r\nList-Id: <a.example>\r\n", want: ""},
		{name: "list-id", header: "List-Id: =?utf-8?q?B=C3=BCcher?= <books.shop.example>\r\n", want: "books.shop.example", title: "Bücher"},
		{name: "no mark", header: "From: a@shop.example\r\n", want: ""},
		{name: "no mark, by default a list", header: "From: a@shop.example\r\n", stream: stream.List, want: "shop.example"},
		{name: "login", header: "From: a@shop.example\r\n", login: map[string]string{"shop": "Shop.News"}, want: "shop.news"},
		{name: "null reverse-path", header: "List-Id: <a.example>\r\n", from: "<>", want: "a.example"},
		{name: "auto-replied", header: "Auto-Submitted: auto-replied\r\nList-Id: <a.example>\r\n", want: ""},
		{name: "list marked", why: "by the operator", header: "List-Id: <receipts.example>\r\n", want: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{lists: map[string]store.List{"receipts.example": {ID: "receipts.example", Transactional: true}}}
			r := newRelay(f)
			r.Classifier = &stream.Classifier{Default: tt.stream, LoginLists: tt.login}
			from := tt.from
			if from == "" {
				from = "a@b.example"
			}
			e := letter(t, strings.Trim(from, "<>"), "c@d.example")
			if _, err := r.Accept(t.Context(), client, e, strings.NewReader(tt.header+"X: y\r\n\r\nx\r\n")); err != nil {
				t.Fatal(err)
			}
			if got := f.commits[0].message.List; got != tt.want || f.asked[0] != tt.want {
				t.Errorf("list %q, verdict asked for %q, want %q (%s)", got, f.asked[0], tt.want, tt.why)
			}
			if tt.want != "" {
				l := f.lists[tt.want]
				if l.Name != tt.title || l.Key != listunsub.ListKey(tt.want) || !l.Created.Equal(clock) {
					t.Errorf("list came into being as %+v", l)
				}
			}
			if got := string(f.commits[0].message.Header); got != tt.header+"X: y\r\n\r\n" {
				t.Errorf("header changed to %q", got)
			}
		})
	}
}

// Mail that stays untouched is judged by the opt-outs from its list, where
// there is such a list: nobody has opted out of another one.
func TestUntouchedMailMeetsItsListsOptOuts(t *testing.T) {
	const post = "From: kim@shop.example\r\nList-Post: <mailto:talk@shop.example>\r\nList-Id: <Talk.shop.example>\r\n\r\n{{offramp.unsubscribe_url}}\r\n"
	for name, tt := range map[string]struct {
		lists map[string]store.List
		want  string
	}{
		"list is known":            {map[string]store.List{"talk.shop.example": {ID: "talk.shop.example"}}, "talk.shop.example"},
		"list is transactional":    {map[string]store.List{"talk.shop.example": {ID: "talk.shop.example", Transactional: true}}, ""},
		"no opt-out can name list": {nil, ""},
	} {
		f := &fake{lists: tt.lists}
		r := newRelay(f)
		if _, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(post)); err != nil {
			t.Fatal(err)
		}
		if n := r.Stats.Exempt.Load(); n != 1 {
			t.Errorf("%s: %d messages counted as no list mail", name, n)
		}
		m := f.commits[0].message
		if m.List != tt.want || f.asked[0] != tt.want || m.Untouched != (tt.want != "") || m.Mark != "List-Post" || len(m.Parts) > 0 {
			t.Errorf("%s: %+v, verdict asked for %q", name, m, f.asked)
		}
		if len(f.lists) > len(tt.lists) {
			t.Errorf("%s: a list came into being", name)
		}
	}
}

// A list that people could leave keeps its mail, whatever its identifier looks
// like; and a list of our own domain is known before anybody wrote to it.
func TestListsThatPeopleLeftAreEnforced(t *testing.T) {
	for _, tt := range []struct {
		header, list    string
		untouched, made bool
	}{
		{"List-Id: <weekly>\r\n", "weekly", false, false},
		{"List-Id: <weekly>\r\nList-Unsubscribe: <https://x.example/u>\r\n", "weekly", false, false},
		{"List-Id: <other>\r\n", "", false, false},
		{"List-Id: <weekly>\r\nX-Redmine-Host: r\r\n", "", false, false},
		{"List-Id: <weekly>\r\nResent-To: kim@y.example\r\n", "weekly", true, false},
		{"List-Id: <talk.shop.example>\r\nList-Post: <mailto:talk@shop.example>\r\n", "talk.shop.example", true, true},
		{"List-Id: <talk.foreign.example>\r\nList-Post: <mailto:talk@foreign.example>\r\n", "", false, false},
	} {
		f := &fake{lists: map[string]store.List{"weekly": {ID: "weekly"}}}
		r := newRelay(f)
		r.Classifier = nil
		r.Signs = func(domain string) bool { return strings.HasSuffix(domain, "shop.example") }
		if _, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(tt.header+"\r\nx\r\n")); err != nil {
			t.Fatal(err)
		}
		m := f.commits[0].message
		if tt.list == "weekly" && !tt.untouched && (m.Mark != "List-Id" || m.Unmarked) {
			t.Errorf("%q: mark %q, unmarked %t", tt.header, m.Mark, m.Unmarked)
		}
		if m.List != tt.list || m.Untouched != tt.untouched || f.asked[0] != tt.list || (len(f.lists) == 2) != tt.made {
			t.Errorf("%q: list %q, untouched %t, %d lists", tt.header, m.List, m.Untouched, len(f.lists))
		}
	}
}

func TestBccIsDropped(t *testing.T) {
	f := &fake{}
	const message = "From: a@b.example\r\nBcc: one@x.example,\r\n two@x.example\r\nTo: c@d.example\r\nbcc:\r\nRESENT-BCC: three@x.example\r\nX-Bcc: y\r\n\r\nBcc: text\r\n"
	if _, err := newRelay(f).Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(message)); err != nil {
		t.Fatal(err)
	}
	if got := string(f.commits[0].message.Header) + f.commits[0].body.String(); got != "From: a@b.example\r\nTo: c@d.example\r\nX-Bcc: y\r\n\r\nBcc: text\r\n" {
		t.Errorf("kept %q", got)
	}
}

// What is a server's to add behind us is added before anything is signed.
func TestMissingFieldsAreAdded(t *testing.T) {
	for header, want := range map[string]string{
		"Date: x\r\nMessage-ID: <1@x>\r\n": "",
		"Date: x\r\n":                      "Message-ID: <ID@gate.example>\r\n",
		"message-id: <1@x>\r\n":            "Date: Mon, 23 Nov 2026 18:00:00 +0000\r\n",
		"date:\r\nMessage-ID:\r\n":         "",
		"X: y\r\n":                         "Message-ID: <ID@gate.example>\r\nDate: Mon, 23 Nov 2026 18:00:00 +0000\r\n",
	} {
		f := &fake{}
		if _, err := newRelay(f).Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(header+"\r\nx\r\n")); err != nil {
			t.Fatal(err)
		}
		m := f.commits[0].message
		// Behind Received, a continuation line on top of the message would go on.
		if got := string(m.Trace); !strings.HasPrefix(got, strings.ReplaceAll(want, "ID@", m.ID+"@")+"Received: ") ||
			strings.Count(got, "\r\n") != 3+strings.Count(want, "\r\n") || m.MessageID == "" && !strings.Contains(header, "date:") {
			t.Errorf("%q: trace %q, id %s", header, got, m.MessageID)
		}
	}
}

func FuzzSettle(f *testing.F) {
	f.Add("X-Offramp-List: News <a.example>\r\n\r\nbody")
	f.Add("From: a@b\r\nFrom: <c@d>\r\nList-Id: <\r\n\r\n")
	f.Add("From: x <@@>\r\nAuto-Submitted: ;\r\nContent-Type: ;\r\n\r\n")
	f.Fuzz(func(t *testing.T, data string) {
		fk := &fake{}
		r := newRelay(fk)
		_, err := r.Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), strings.NewReader(data))
		if err != nil {
			if !Permanent(err) {
				t.Fatal(err)
			}
			return
		}
		m := fk.commits[0].message
		if m.List != "" && m.List != listunsub.CanonicalID(m.List) {
			t.Errorf("list %q is not canonical", m.List)
		}
	})
}
