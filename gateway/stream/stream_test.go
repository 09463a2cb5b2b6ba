package stream

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
)

// header reads the header of a message written with either line end.
func header(t testing.TB, raw string) []mime.Field {
	t.Helper()
	h, _, err := mime.Reader{}.Read(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return h.Fields()
}

func sender(t testing.TB, address string) envelope.Address {
	t.Helper()
	a, err := envelope.ParseReversePath(strings.Trim(address, "<>"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestOrder has for each step what it decides, and what an earlier one makes of
// the same message.
func TestOrder(t *testing.T) {
	rules, err := ParseRules(strings.NewReader("transactional subject=*invoice*\nlist \"By rule <rule.example>\" from=@ruled.example"))
	if err != nil {
		t.Fatal(err)
	}
	c := Classifier{Rules: rules, LoginLists: map[string]string{"shop": "shop.news", "tx": "Transactional"},
		Signs: func(domain string) bool { return domain == "ours.example" }}
	const (
		oneClick = "List-Unsubscribe: <https://x.example/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
		post     = "List-Post: <mailto:talk@x.example>\n"
		signed   = "DKIM-Signature: v=1; d=x.example; h=from:list-unsubscribe; b=x\n"
	)
	for _, tt := range []struct {
		name, header string
		sender       string // empty: not null
		login        string
		step         Step
		is           string // kind, and the list where one is named
	}{
		{"a report beats all", "X-Offramp-List: a.example\nContent-Type: multipart/report; report-type=x\n", "<>", "", ByReport, "untouched"},
		{"a report of somebody", "Content-Type: multipart/report\nList-Id: <l.example>\n", "", "", ByUntouched, "untouched l.example"},
		{"control", "X-Offramp-List: News <a.example>\n" + post + "Auto-Submitted: auto-replied\nSubject: invoice\n", "", "", ByControl, "list a.example"},
		{"control with the null reverse-path", "X-Offramp-List: a.example\n", "<>", "", ByControl, "list a.example"},
		{"control exempts", "x-offramp-list: TRANSACTIONAL\n" + oneClick + "List-Id: <l.example>\n", "", "shop", ByControl, "transactional"},
		{"control is empty", "X-Offramp-List:\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"control twice, the first counts", "X-Offramp-List: one\nX-Offramp-List: two\n", "", "", ByControl, "list one"},
		{"rule exempts", "Subject: Your =?utf-8?q?Inv?= invoice 7\n" + oneClick, "", "", ByRule, "transactional"},
		{"rule before untouched", "From: a@ruled.example\n" + post, "", "", ByRule, "list rule.example"},
		{"discussion", post + "List-Id: <l.example>\n" + oneClick, "", "shop", ByUntouched, "untouched l.example"},
		{"discussion without mailto", "List-Post: talk@x.example\nList-Id: <l.example>\n", "", "", ByUntouched, "untouched l.example"},
		{"announcements", "List-Post: NO (posting not allowed)\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"a forum", "List-Post: <https://x.example/@a>\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"vacation", "Auto-Submitted: auto-replied (vacation)\n" + oneClick, "", "shop", ByUntouched, "untouched"},
		{"vacation with parameters", "Auto-Submitted: auto-replied; owner-email=\"a@b\"\n", "", "shop", ByUntouched, "untouched"},
		{"auto-generated newsletter", "Auto-Submitted: auto-generated\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"null sender newsletter", "List-Id: <l.example>\n", "<>", "", ByListID, "list l.example"},
		{"resent", "Resent-From: kim@y.example\nList-Id: <l.example>\n", "", "", ByUntouched, "untouched l.example"},
		{"foreign newsletter", "From: n@x.example\nList-Id: <l.example>\n" + oneClick + signed, "", "", ByUntouched, "untouched l.example"},
		{"foreign newsletter of a login with a list", "From: n@x.example\n" + oneClick + signed, "", "shop", ByUnsubscribe, "list shop.news"},
		{"foreign signature of another domain", "From: n@z.example\n" + oneClick + signed, "", "", ByUnsubscribe, "list z.example"},
		{"signature of our domain", "From: n@ours.example\n" + oneClick + strings.ReplaceAll(signed, "x.example", "ours.example"), "", "", ByUnsubscribe, "list ours.example"},
		{"administrivia", "X-List-Administrivia: yes\nList-Id: <l.example>\n", "", "", ByLetter, "untouched"},
		{"an answer with a List-Id", "Auto-Submitted: auto-replied\nList-Id: <l.example>\n", "", "", ByUntouched, "untouched l.example"},
		{"an answer posted to a discussion", "Auto-Submitted: auto-replied\nList-Id: <l.example>\n" + post, "", "", ByUntouched, "untouched l.example"},
		{"ezmlm's own letter", "Delivered-To: responder for l@x.example\nList-Id: <l.example>\n" + oneClick, "", "", ByLetter, "untouched"},
		{"a newsletter that says it is no answer", "X-Autoreply: none\nX-Failed-Recipients:\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"a newsletter with a field of answers", "X-FC-MachineGenerated: true\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"an answer by a field that seldom says so", "X-FC-MachineGenerated: true\n", "", "shop", ByUntouched, "untouched"},
		{"foreign newsletter without List-Id", "From: n@x.example\n" + oneClick + signed, "", "", ByUntouched, "untouched x.example"},
		{"no newsletter, signed by a server that names all fields", "From: n@x.example\n" + signed, "", "", ByDefault, "transactional"},
		{"Brevo's relay", "X-Mailin-EID: 1\n" + oneClick, "", "", ByAccount, "transactional"},
		{"Brevo's relay, of a list", "X-Mailin-EID: 1\nList-Id: <l.example>\n" + oneClick, "", "", ByListID, "list l.example"},
		{"alerts of a project by List-Id alone", "X-GitLab-Project: p\nX-Auto-Response-Suppress: All\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"Mailjet's relay", "X-MJ-Mid: 1\n" + oneClick, "", "", ByAccount, "transactional"},
		{"Mailjet, bulk", "From: a@x.example\nX-MJ-Mid: 1\nPrecedence: bulk\n" + oneClick, "", "", ByUnsubscribe, "list x.example"},
		{"signed by many, us among the last", "From: n@x.example\n" + oneClick + strings.Repeat(strings.ReplaceAll(signed, "x.example", "esp.example"), 8) + signed, "", "", ByUnsubscribe, "list x.example"},
		{"first List-Id invalid", "List-Id: <>\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"List-Id with a final dot", "List-Id: <l.example.>\n", "", "", ByListID, "list l.example"},
		{"control exempts, wrapped", "X-Offramp-List: <Transactional> (a receipt)\nList-Id: <l.example>\n", "", "", ByControl, "transactional"},
		{"account mail before its List-Id", "X-Redmine-Host: r\nList-Id: <l.example>\n", "", "", ByAccount, "transactional"},
		{"project mail of the same system", "X-Redmine-Host: r\nX-Redmine-Project: p\nList-Id: <l.example>\n", "", "", ByListID, "list l.example"},
		{"opt-in letter", "X-Listmonk-Subscriber: s\n" + oneClick, "", "", ByAccount, "transactional"},
		{"campaign of the same system", "From: a@x.example\nX-Listmonk-Subscriber: s\nX-Listmonk-Campaign: c\n", "", "", ByCampaign, "list x.example"},
		{"campaign field left empty", "X-Campaign: \n", "", "", ByDefault, "transactional"},
		{"campaign field of a relay", "X-Campaign-Id: default\n", "", "", ByDefault, "transactional"},
		{"field of a service alone", "X-HS-Cid: 1\n", "", "", ByDefault, "transactional"},
		{"field of a service with a mark", "From: a@x.example\nX-HS-Cid: 1\nPrecedence: bulk\n", "", "", ByCampaign, "list x.example"},
		{"List-Id without a dot", "From: a@x.example\nList-Id: <news>\n", "", "", ByDefault, "transactional"},
		{"List-Id without a dot, and an unsubscribe", "From: a@x.example\nList-Id: <Quarry News>\nList-Unsubscribe: <mailto:u@x.example>\n", "", "", ByListID, "list x.example"},
		{"List-Id of a URI", "From: a@x.example\nList-Id: <cid.https://h/>\n" + oneClick, "", "", ByListID, "list x.example"},
		{"List-Id without brackets", "List-Id: l.example\n", "", "", ByDefault, "transactional"},
		{"List-Id without brackets, and an unsubscribe", "List-Id: l.example\n" + oneClick, "", "", ByListID, "list l.example"},
		{"https alone", "From: a@x.example\nList-Unsubscribe: <https://x.example/u>\n", "", "tx", ByUnsubscribe, "list x.example"},
		{"mailto alone", "List-Unsubscribe: <mailto:u@x.example>\nPrecedence: bulk\n", "", "", ByDefault, "transactional"},
		{"mailto and -Post", "List-Unsubscribe: <mailto:u@x.example>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n", "", "", ByDefault, "transactional"},
		{"mailto of a list server", "From: l@x.example\nList-Unsubscribe: <mailto:u@x.example>\nPrecedence: list\nList-Owner: <mailto:o@x.example>\n", "", "", ByListServer, "list x.example"},
		{"login", "Auto-Submitted: auto-generated\n", "<>", "shop", ByLogin, "list shop.news"},
		{"login that exempts", "From: a@x.example\n", "", "tx", ByLogin, "transactional"},
		{"another login", "From: a@x.example\n", "", "other", ByDefault, "transactional"},
		{"Precedence and Feedback-ID decide nothing", "Precedence: bulk\nFeedback-ID: a:b:c:d\n", "", "", ByDefault, "transactional"},
	} {
		from := "a@envelope.example"
		if tt.sender != "" {
			from = tt.sender
		}
		d := c.Classify(Mail{Login: tt.login, Sender: sender(t, from)}, header(t, tt.header+"X: y\n\n"))
		is := d.Kind.String()
		if d.List.ID != "" {
			is += " " + listunsub.CanonicalID(d.List.ID)
		}
		if is != tt.is || d.Step != tt.step {
			t.Errorf("%s: %s by %q (%s), want %s by %q", tt.name, is, d.Step, d.Mark, tt.is, tt.step)
		}
		if d.Unmarked() != (tt.step == ByLogin || tt.step == ByDefault) || d.Mark == "" {
			t.Errorf("%s: unmarked %t, mark %q", tt.name, d.Unmarked(), d.Mark)
		}
	}
}

// With list as the default what has no mark is list mail, as it was before there
// was another default: machines and reports alone are not.
func TestDefaultList(t *testing.T) {
	for _, tt := range []struct{ header, sender, is string }{
		{"From: \"A, B <x@y>\" <a@Shop.Example>\n", "a@b.example", "list shop.example"},
		{"From: a@b\xc3\xbccher.example\n", "a@b.example", "list xn--bcher-kva.example"},
		{"From: Shop: Offers <a@shop.example>\n", "a@b.example", "list shop.example"},
		{"From: nobody\n", "a@b.example", "list b.example"},
		{"", "a@b.example", "list b.example"},
		{"From: a@shop.example\n", "<>", "transactional"},
		{"From: a@shop.example\nAuto-Submitted: auto-generated\n", "a@b.example", "transactional"},
		{"From: a@shop.example\nAuto-Submitted: No (really)\n", "a@b.example", "list shop.example"},
	} {
		c := Classifier{Default: List}
		d := c.Classify(Mail{Sender: sender(t, tt.sender)}, header(t, tt.header+"X: y\n\n"))
		if is := strings.TrimSpace(d.Kind.String() + " " + d.List.ID); is != tt.is {
			t.Errorf("%q from %s: %s, want %s", tt.header, tt.sender, is, tt.is)
		}
	}
}

// What else a List-Id can be read as is known, so that a list that is there
// already keeps its mail; and mail that was delivered before is not ours to sign.
func TestWhatElseIsKnown(t *testing.T) {
	c := Classifier{}
	for _, tt := range []struct {
		header, known string
		passedOn      bool
	}{
		{"List-Id: Weekly <Weekly>\n", "weekly", false},
		{"List-Id: Monthly News\n", "monthlynews", false},
		{"List-Id: <l.example>\n", "", false},
		{"List-Id: <l.example.>\n", "l.example.", false},
		{"X-Offramp-List: a.example\nList-Id: <weekly>\n", "", false},
		{"X-Redmine-Host: r\nList-Id: <weekly>\n", "", false},
		{"Delivered-To: ada@x.example\n", "", true},
		{"From: a@mail.b.example\nDelivered-To: list@b.example\n", "", false},
		{"From: a@b.example\nAuthentication-Results: mx; dmarc=pass\n", "", false},
		{"From: a@b.example\nAuthentication-Results: mx; dmarc=fail\n", "", true},
		{"From: a@b.example\nAuthentication-Results: mx; spf=fail\n", "", true},
		{"Resent-To: ada@x.example\n", "", true},
	} {
		d := c.Classify(Mail{Sender: sender(t, "a@b.example")}, header(t, tt.header+"X: y\n\n"))
		if d.Known != tt.known || d.PassedOn != tt.passedOn {
			t.Errorf("%q: known %q, passed on %t", tt.header, d.Known, d.PassedOn)
		}
	}
}

func TestNotFollowed(t *testing.T) {
	c := Classifier{}
	null, report := Mail{}, "X-Offramp-List: a.example\nContent-Type: multipart/report\n\n"
	if d := c.Classify(null, header(t, report)); d.Ignored == "" {
		t.Error("nothing says that the control field of a report is not followed")
	}
	if d := c.Classify(null, header(t, "X-Offramp-List: \n\n")); d.Ignored == "" {
		t.Error("nothing says that the control field is empty")
	}
	if d := c.Classify(null, header(t, "X-Offramp-List: a.example\n\n")); d.Ignored != "" {
		t.Errorf("followed, and yet %q", d.Ignored)
	}
}

// wanted is a line of an expected.tsv: file, what it is for its recipient (list,
// transactional, untouched, either), why, envelope sender.
type wanted struct{ file, is, why, sender string }

func expected(t *testing.T, folder string) []wanted {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var all []wanted
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 4 {
			t.Fatalf("expected.tsv: %q has %d columns, want 4", line, len(f))
		}
		all = append(all, wanted{f[0], f[1], f[2], f[3]})
	}
	if len(files) != len(all) {
		t.Errorf("%s: %d messages, %d in expected.tsv", folder, len(files), len(all))
	}
	return all
}

// right says whether a decision is what the message is for its recipient.
func (w wanted) right(d Decision) bool {
	return w.is == "either" || w.is == d.Kind.String() || w.is != "list" && d.Kind != Listed
}

// TestMail has messages in the forms that systems write, one file each. In
// testdata/hard are those whose header does not tell what they are, or says the
// opposite: each of them is read wrongly, so that an improvement is noticed.
func TestMail(t *testing.T) {
	c := Classifier{}
	for folder, wrong := range map[string]bool{"testdata/mail": false, "testdata/hard": true} {
		count := map[string]int{}
		for _, w := range expected(t, folder) {
			raw, err := os.ReadFile(filepath.Join(folder, w.file))
			if err != nil {
				t.Error(err)
				continue
			}
			d := c.Classify(Mail{Client: netip.MustParseAddr("127.0.0.1"), Sender: sender(t, w.sender)}, header(t, string(raw)))
			count[w.is]++
			if w.right(d) == wrong {
				t.Errorf("%s/%s: %s by %s (%s), and is %s: %s", folder, w.file, d.Kind, d.Step, d.Mark, w.is, w.why)
			}
		}
		t.Logf("%s: %v", folder, count)
	}
}

// A mark fits into a record and stays text.
func TestMarksAreCut(t *testing.T) {
	login := strings.Repeat("ü", 80)
	c := Classifier{LoginLists: map[string]string{login: "l.example"}}
	if d := c.Classify(Mail{Login: login}, nil); len(d.Mark) > maxMark || !utf8.ValidString(d.Mark) || d.Mark == "" {
		t.Errorf("mark of %d bytes %q", len(d.Mark), d.Mark)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("X-Offramp-List: News <a.example>\n\nbody", "shop")
	f.Add("From: a@b\nFrom: <c@d>\nList-Id: <\n\n", "")
	f.Add("DKIM-Signature: d=;h=\nList-Unsubscribe: <https://\nX-MessageID: 1\nX-Mailer: phplist\n\n", "tx")
	rules, err := ParseRules(strings.NewReader("transactional subject=*a*b*c* header:x=*"))
	if err != nil {
		f.Fatal(err)
	}
	c := Classifier{Default: List, Rules: rules, LoginLists: map[string]string{"shop": "s.example", "tx": Transactional}}
	f.Fuzz(func(t *testing.T, raw, login string) {
		h, _, err := mime.Reader{}.Read(bytes.NewReader([]byte(raw)))
		if err != nil {
			return
		}
		d := c.Classify(Mail{Login: login}, h.Fields())
		if d.Kind == Listed && d.List.ID == "" || d.Kind == Exempt && d.List.ID != "" || len(d.Mark) > maxMark || d.Step == "" {
			t.Errorf("%+v", d)
		}
	})
}
