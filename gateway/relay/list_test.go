package relay

import (
	"strings"
	"testing"

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
		{name: "control with name", header: "x-offramp-list: Weekly offers <offers.shop.example>\r\n", want: "offers.shop.example", title: "Weekly offers"},
		{name: "control with long name", why: "a header and a page have to hold it",
			header: "X-Offramp-List: " + strings.Repeat("é", 150) + " " + strings.Repeat("n", 50000) + " <n.example>\r\n", want: "n.example",
			title: strings.Repeat("é", 150) + " " + strings.Repeat("n", 49)},
		{name: "control twice", why: "the first counts", header: "X-Offramp-List: one\r\nX-Offramp-List: two\r\n", want: "one"},
		{name: "control empty", why: "says nothing", header: "X-Offramp-List:\r\nList-Id: <a.example>\r\n", want: "a.example"},
		{name: "control not an id", why: "meant as a list, so never exempt", header: "X-Offramp-List: b\xfccher\r\n", want: listunsub.CanonicalID("b\xfccher")},
		{name: "control exempts", header: "X-Offramp-List: Transactional\r\nList-Id: <a.example>\r\n", want: ""},
		{name: "list-id", header: "List-Id: =?utf-8?q?B=C3=BCcher?= <books.shop.example>\r\n", want: "books.shop.example", title: "Bücher"},
		{name: "list-id folded", header: "List-Id: News\r\n\t<books.shop.example>\r\n", want: "books.shop.example", title: "News"},
		{name: "list-id broken", why: "falls through", header: "List-Id: <>\r\nFrom: a@shop.example\r\n", want: "shop.example"},
		{name: "login", header: "From: a@shop.example\r\n", login: map[string]string{"shop": "Shop.News"}, want: "shop.news"},
		{name: "other login", header: "From: a@shop.example\r\n", login: map[string]string{"crm": "crm.news"}, want: "shop.example"},
		{name: "from", header: "From: \"A, B <x@y>\" <a@Shop.Example>\r\n", want: "shop.example"},
		{name: "from beyond ASCII", header: "From: a@b\xc3\xbccher.example\r\n", want: "xn--bcher-kva.example"},
		{name: "from broken", header: "From: Shop: Offers <a@shop.example>\r\n", want: "shop.example"},
		{name: "no from", why: "the reverse-path stands for it", want: "b.example"},
		{name: "from without address", header: "From: nobody\r\n", want: "b.example"},
		{name: "null reverse-path", header: "List-Id: <a.example>\r\n", from: "<>", want: ""},
		{name: "auto-replied", header: "Auto-Submitted: auto-replied\r\nList-Id: <a.example>\r\n", want: ""},
		{name: "auto-submitted no", header: "Auto-Submitted: No (really)\r\nList-Id: <a.example>\r\n", want: "a.example"},
		{name: "report", header: "Content-Type: Multipart/Report ; report-type=delivery-status\r\nList-Id: <a.example>\r\n", want: ""},
		{name: "discussion", header: "List-Post: <mailto:list@a.example>\r\nList-Id: <a.example>\r\n", want: ""},
		{name: "stream", header: "From: a@shop.example\r\n", stream: StreamTransactional, login: map[string]string{"shop": "x"}, want: ""},
		{name: "stream with list-id", header: "List-Id: <a.example>\r\n", stream: StreamTransactional, want: "a.example"},
		{name: "stream with control", header: "X-Offramp-List: a.example\r\n", stream: StreamTransactional, want: "a.example"},
		{name: "list marked", why: "by the operator", header: "List-Id: <receipts.example>\r\n", want: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{lists: map[string]store.List{"receipts.example": {ID: "receipts.example", Transactional: true}}}
			r := newRelay(f)
			r.DefaultStream, r.LoginLists = tt.stream, tt.login
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
