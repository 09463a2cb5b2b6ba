package trial

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// startAuto runs the program with nothing said about streams.
func startAuto(t *testing.T, s *sink.Sink, extra ...string) *process {
	t.Helper()
	p := setup(t, "smtp://"+s.Addr(), extra...)
	delete(p.env, "DEFAULT_STREAM")
	p.start()
	return p
}

// bearing waits for the message whose Subject is subject to reach a person.
func bearing(t *testing.T, p *process, s *sink.Sink, subject, to string) []byte {
	t.Helper()
	var found []byte
	err := poll(30*time.Second, func() error {
		for _, m := range s.Messages() {
			if m.Recipients[0] == to && field(m.Data, "Subject") == subject {
				found = m.Data
				return nil
			}
		}
		return fmt.Errorf("%q did not reach %s", subject, to)
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	return found
}

// marked says whether a copy has our way out.
func marked(data []byte) bool {
	return strings.HasPrefix(unsubscribeURL(data), "https://u.trial.example/u/")
}

// Promise 6 with a Postfix in front that knows nothing but its relayhost: who
// left the newsletter of an address gets a password reset from that very
// address, signed, and a cron mail gets no button.
func TestAResetSurvivesAnOptOut(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := setup(t, "smtp://"+s.Addr())
	delete(p.env, "DEFAULT_STREAM")
	p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
	p.start()
	front := startPostfix(t, bracketed(p.smtp))
	const ada = "ada@dest.example"
	send := func(subject, header string) {
		t.Helper()
		c, err := dial(front.addr)
		must(t, err)
		defer c.close()
		must(t, c.send("hello@trial.example", []string{ada}, []byte("From: Shop <hello@trial.example>\r\nTo: "+ada+"\r\nSubject: "+subject+"\r\n"+header+"\r\nhello\r\n")))
	}
	const newsletter = "List-Unsubscribe: <https://shop.trial.example/leave>\r\n"
	send("Newsletter 1", newsletter)
	first := bearing(t, p, s, "Newsletter 1", ada)
	if !marked(first) {
		t.Fatalf("the newsletter has no unsubscribe fields of Offramp:\n%s", first)
	}
	p.oneClick(strings.Replace(unsubscribeURL(first), "https://u.trial.example", "http://"+p.http, 1))
	send("Newsletter 2", newsletter)
	send("Reset your password", "")
	reset := bearing(t, p, s, "Reset your password", ada)
	if marked(reset) || field(reset, "List-Id") != "" || field(reset, "List-Unsubscribe-Post") != "" {
		t.Errorf("the reset was made list mail:\n%s", reset)
	}
	var cron bytes.Buffer
	cron.WriteString("From: root@trial.example (Cron Daemon)\nTo: " + ada + "\nSubject: Cron <root@host> true\nX-Cron-Env: <SHELL=/bin/sh>\n\ndone\n")
	sendmail := exec.Command("/usr/sbin/sendmail", "-C", front.dir+"/etc", "-t", "-i")
	sendmail.Stdin = &cron
	if out, err := sendmail.CombinedOutput(); err != nil {
		t.Fatalf("sendmail: %v\n%s", err, out)
	}
	output := bearing(t, p, s, "Cron <root@host> true", ada)
	if marked(output) {
		t.Errorf("a cron mail has a button:\n%s", output)
	}
	if err := poll(20*time.Second, func() error {
		if !strings.Contains(p.log.String(), "reason=unsubscribed") {
			return fmt.Errorf("the second newsletter is not dropped yet")
		}
		return nil
	}); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
	for _, m := range s.Messages() {
		if field(m.Data, "Subject") == "Newsletter 2" {
			t.Error("the second newsletter was sent")
		}
	}
	verifySignatures(t, p, []sink.Message{{Data: first}, {Data: reset}, {Data: output}})
}

// Every kind of mail of gateway/stream's cases, through a Postfix with nothing
// changed but its relayhost, is list mail or not as that table wants.
func TestEveryKindThroughPostfix(t *testing.T) {
	s, err := sink.Start(sink.Options{Extensions: []string{"8BITMIME", "SMTPUTF8"}})
	must(t, err)
	defer s.Close()
	p := startAuto(t, s)
	front := startPostfix(t, bracketed(p.smtp))
	const folder = "../../../gateway/stream/testdata/mail/"
	table, err := os.ReadFile(folder + "expected.tsv")
	must(t, err)
	wanted := map[string]string{} // by recipient
	for line := range strings.Lines(string(table)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		raw, err := os.ReadFile(folder + f[0])
		must(t, err)
		to := strings.TrimSuffix(f[0], ".eml") + "@dest.example"
		wanted[to] = f[1]
		c, err := dial(front.addr)
		must(t, err)
		must(t, c.send(strings.Trim(f[3], "<>"), []string{to}, crlf(raw)))
		c.close()
	}
	s.Wait(len(wanted), time.Now().Add(2*time.Minute))
	count := map[string]int{}
	for _, m := range s.Messages() {
		to := m.Recipients[0]
		is, kind := "list", wanted[to]
		if !marked(m.Data) {
			is = "transactional"
		}
		if count[kind]++; kind != "either" && is != strings.Replace(kind, "untouched", "transactional", 1) {
			t.Errorf("%s is %s, not %s", to, kind, is)
		}
		delete(wanted, to)
	}
	if len(wanted) > 0 {
		t.Errorf("did not arrive: %v\n%s", wanted, p.log)
	}
	t.Logf("%v", count)
}

// A post of a discussion list keeps its bytes, and reaches nobody who left that
// list; of a list that nobody could leave, all posts pass.
func TestPostsMeetOptOuts(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := startAuto(t, s)
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	people := []string{"ada@dest.example", "ben@dest.example"}
	send := func(subject, header string) {
		t.Helper()
		must(t, c.send("talk@trial.example", people, []byte("From: Kim <kim@trial.example>\r\nList-Id: <talk.trial.example>\r\nSubject: "+subject+"\r\n"+header+"\r\nhi\r\n")))
	}
	send("welcome", "List-Post: NO\r\n")
	letter := bearing(t, p, s, "welcome", people[0])
	if !marked(letter) {
		t.Fatalf("the announcement has no way out:\n%s", letter)
	}
	p.oneClick(strings.Replace(unsubscribeURL(letter), "https://u.trial.example", "http://"+p.http, 1))
	send("post", "List-Post: <mailto:talk@trial.example>\r\nList-Unsubscribe: <mailto:leave@trial.example>\r\n")
	post := bearing(t, p, s, "post", people[1])
	if marked(post) || field(post, "List-Unsubscribe") != "<mailto:leave@trial.example>" {
		t.Errorf("the post was touched:\n%s", post)
	}
	for _, m := range s.Messages() {
		if field(m.Data, "Subject") == "post" && m.Recipients[0] == people[0] {
			t.Error("the post reached ada, who left the list and has a receipt for it")
		}
	}
	if !strings.Contains(p.log.String(), "1 of 2 dropped") && !strings.Contains(p.log.String(), "reason=unsubscribed") {
		t.Errorf("the drop is not logged\n%s", p.log)
	}
}

// The reply says what became of the message.
func TestReplyTellsOfDrops(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := startAuto(t, s)
	p.oneClick(sealed(p, "news.trial.example", "ada@dest.example"))
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	data := []byte("From: a@trial.example\r\nList-Id: <news.trial.example>\r\n\r\nx\r\n.\r\n")
	for _, tt := range []struct {
		to   []string
		want string
	}{
		{[]string{"ben@dest.example"}, "250 2.0.0 queued as ID"},
		{[]string{"ben@dest.example", "ada@dest.example"}, "250 2.0.0 queued as ID, 1 of 2 dropped"},
		{[]string{"ada@dest.example"}, "250 2.0.0 ID: nobody left to send to"},
	} {
		must(t, c.envelope("a@trial.example", tt.to))
		reply, err := c.command("DATA")
		must(t, err)
		if !strings.HasPrefix(reply, "354") {
			t.Fatal(reply)
		}
		_, err = c.conn.Write(data)
		must(t, err)
		reply, err = c.reply()
		must(t, err)
		words := strings.FieldsFunc(reply, func(r rune) bool { return strings.ContainsRune(" ,:\r\n", r) })
		id := ""
		for _, w := range words {
			if len(w) == 16 {
				id = w
			}
		}
		if got := strings.TrimSpace(strings.ReplaceAll(reply, id, "ID")); id == "" || got != tt.want {
			t.Errorf("to %v: %q, want %q", tt.to, reply, tt.want)
		}
	}
}

// Data that an earlier release served keeps taking unmarked mail for list mail,
// and says so, until the operator chooses.
func TestEarlierDataKeepsItsStream(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := startAuto(t, s)
	p.stop()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(p.env["DATA_DIR"], "offramp.db"))
	must(t, err)
	// As a migration leaves it, before the first start has made its checksum.
	_, err = db.Exec("INSERT INTO meta (name, value) VALUES ('default-stream', CAST('list' AS BLOB)), ('unsealed', x'01')")
	must(t, err)
	must(t, db.Close())
	for _, tt := range []struct {
		subject, chosen string
		marked          bool
	}{{"not chosen", "", true}, {"chosen", "auto", false}, {"list chosen", "list", true}} {
		if tt.chosen != "" {
			p.env["DEFAULT_STREAM"] = tt.chosen
		}
		p.log = &logBuffer{}
		p.start()
		c, err := dial(p.smtp)
		must(t, err)
		must(t, c.send("a@trial.example", []string{"ada@dest.example"}, []byte("From: a@trial.example\r\nSubject: "+tt.subject+"\r\n\r\nx\r\n")))
		c.close()
		if got := marked(bearing(t, p, s, tt.subject, "ada@dest.example")); got != tt.marked {
			t.Errorf("%s: marked %t", tt.subject, got)
		}
		if said := strings.Contains(p.log.String(), "OFFRAMP_DEFAULT_STREAM is not set"); said != (tt.chosen == "") {
			t.Errorf("%s: said at the start: %t\n%s", tt.subject, said, p.log)
		}
		out, _ := p.run("check", "--offline")
		if said := strings.Contains(out, "an earlier release served this data"); said != (tt.chosen == "") {
			t.Errorf("%s: said by check: %t\n%s", tt.subject, said, out)
		}
		p.stop()
	}
}
