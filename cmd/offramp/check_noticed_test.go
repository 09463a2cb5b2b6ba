package main

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store/sqlite"
)

const metricsPage = `# HELP offramp_delivery_unsigned_messages_total List mail sent unsigned.
# TYPE offramp_delivery_unsigned_messages_total counter
offramp_delivery_unsigned_messages_total 3
offramp_delivery_broken_signatures_total 1
offramp_long_lines_total{result="encoded"} 9
offramp_long_lines_total{result="passed"} 2
offramp_delivery_dropped_signatures_total 0
offramp_placeholders_left_total 4
offramp_next_hop_limits_total 1
offramp_next_hop_limit{kind="recipients",relay="b.example"} 1
offramp_next_hop_limit{kind="messages",relay="b.example"} 10
offramp_next_hop_limit{kind="messages",relay="a.example"} 1
offramp_next_hop_limit{kind="odd",relay="c.example"} 1
offramp_odd
offramp_odder much
`

// What the server noticed is summed up, and what it did not is not mentioned.
func TestNoticed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" && r.Header.Get("Authorization") == "Bearer secret" {
			io.WriteString(w, metricsPage)
		}
	}))
	defer server.Close()
	s := &settings{}
	s.Gateway.AdminAddr, s.Gateway.Admin.Token = server.Listener.Addr().String(), "secret"
	c := &checker{settings: s, running: true}
	c.noticed(t.Context())
	for i, want := range []string{"3 list messages left unsigned", "1 message left with a signature", "2 messages left with lines over 998 bytes", "4 messages accepted with a placeholder", "1 limit of a next hop learnt",
		"keeps under now: a.example 1 message per connection, b.example 1 recipient per message, b.example 10 messages per connection"} {
		if i >= len(c.findings) || !strings.Contains(c.findings[i].Text, want) {
			t.Errorf("want %q in %+v", want, c.findings)
		}
	}
	if len(c.findings) != 6 || c.findings[0].State != findWarn || c.findings[0].Do == "" || c.findings[3].State != findWarn || c.findings[5].State != findOK {
		t.Errorf("%+v", c.findings)
	}
	c = &checker{settings: s}
	if c.noticed(t.Context()); len(c.findings) > 0 {
		t.Errorf("no server runs: %+v", c.findings)
	}
}

// Damage to the records that stop mail fails the check.
func TestDamagedRecordsAreNoticed(t *testing.T) {
	for _, test := range []struct {
		damaged, stopped bool
		want             string
	}{
		{false, false, ""},
		{true, false, "nothing is sent to the people"},
		{true, true, "no list mail is sent to anybody"},
	} {
		c := &checker{app: &app{}}
		c.integrity(test.damaged, test.stopped)
		switch {
		case test.want == "" && len(c.findings) > 0:
			t.Errorf("found %+v", c.findings)
		case test.want != "" && (len(c.findings) != 1 || c.findings[0].State != findFail || !strings.Contains(c.findings[0].Text, test.want) || c.findings[0].Fix != "offramp repair"):
			t.Errorf("%+v: %+v", test, c.findings)
		}
	}
}

// While no server runs, check finds what would stop a start.
func TestCheckOpensTheData(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	db, err := openStore(t.Context(), s, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	found := func() []finding {
		c := &checker{app: &app{now: time.Now, env: map[string]string{"OFFRAMP_DATA_DIR": s.DataDir}}, settings: s}
		c.verify(t.Context())
		return c.findings
	}
	if all := found(); len(all) > 0 {
		t.Errorf("nothing is wrong: %+v", all)
	}
	mail, err := sql.Open("sqlite3", "file:"+filepath.Join(s.DataDir, "spool.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mail.Exec("INSERT INTO recipients VALUES (66, 0, 'a@b.example', 'b.example', '', '', 'held', 0, 0, 0, '', '', '', 0, NULL)")
	if err := errors.Join(err, mail.Close()); err != nil {
		t.Fatal(err)
	}
	if all := found(); len(all) != 1 || all[0].What != "queue" || all[0].State != findFail {
		t.Errorf("a recipient of no message: %+v", all)
	}
	if _, err := sqlite.Salvage(t.Context(), sqlite.Options{Dir: s.DataDir}); err != nil {
		t.Fatal(err)
	}
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	if err := os.WriteFile(s.ledgerKeyPath(), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if all := found(); len(all) != 1 || all[0].State != findFail || !strings.Contains(all[0].Text, "another key") {
		t.Errorf("another key: %+v", all)
	}
	// The server may have it from elsewhere.
	if err := os.Remove(s.ledgerKeyPath()); err != nil {
		t.Fatal(err)
	}
	if all := found(); len(all) > 0 {
		t.Errorf("no key here: %+v", all)
	}
}

// Damage to queued mail fails the check.
func TestDamagedMailIsNoticed(t *testing.T) {
	c := &checker{app: &app{}}
	if c.mailIntegrity(false); len(c.findings) > 0 {
		t.Errorf("found %+v", c.findings)
	}
	if c.mailIntegrity(true); len(c.findings) != 1 || c.findings[0].State != findFail || c.findings[0].Fix != "offramp repair" {
		t.Errorf("%+v", c.findings)
	}
}

// Of many next hops a few are named.
func TestHopLimitsAreFew(t *testing.T) {
	counts := map[string]int64{}
	for i := range 30 {
		counts[fmt.Sprintf("offramp_next_hop_limit{kind=\"messages\",relay=\"mx%d.example\"}", i)] = 10
	}
	if all := hopLimits(counts); len(all) != 21 || all[20] != "and 10 more" {
		t.Errorf("%q", all)
	}
}

// The metrics that are summed up are those that the server has.
func TestNoticesAreMetrics(t *testing.T) {
	served, err := os.ReadFile("../../gateway/testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notices {
		if !strings.Contains(string(served), "\n"+n.metric+"\n") {
			t.Errorf("%s is no metric", n.metric)
		}
	}
}
