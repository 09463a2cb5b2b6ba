package trial

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"offramp/gateway/sink"
	"offramp/listunsub"
)

// lock holds the write lock of a database file until it is called, as a backup
// tool or another process may.
func lock(t *testing.T, file string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file+"?_txlock=immediate")
	must(t, err)
	tx, err := db.BeginTx(context.Background(), nil)
	must(t, err)
	return func() {
		must(t, tx.Rollback())
		must(t, db.Close())
	}
}

// Promise 4: while the store cannot write, mail and opt-outs are told to come
// again, nothing is half kept, and afterwards all goes on by itself.
func TestStoreThatCannotWrite(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	url := sealed(p, "trial.example", "ada@dest.example")
	spool, offramp := filepath.Join(p.env["DATA_DIR"], "spool.db"), filepath.Join(p.env["DATA_DIR"], "offramp.db")
	data := []byte("From: News <news@trial.example>\r\nX-Trial: locked\r\n\r\nhello\r\n")

	// The list is known before, so that accepting needs the spool alone.
	sendAndWait(t, p, s, "ben@dest.example")
	release := lock(t, spool)
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	var r *refused
	if err := c.send("news@trial.example", []string{"ada@dest.example"}, data); !errors.As(err, &r) || !strings.HasPrefix(r.reply, "451") {
		t.Errorf("mail while the spool is locked: %v, want 451", err)
	}
	release()
	must(t, c.send("news@trial.example", []string{"ada@dest.example"}, data))

	release = lock(t, offramp)
	code, _ := p.post(url, "application/x-www-form-urlencoded", strings.NewReader(listunsub.PostValue))
	if code != http.StatusServiceUnavailable {
		t.Errorf("opt-out while the store is locked: %d, want 503", code)
	}
	release()
	p.oneClick(url)

	if err := poll(10*time.Second, func() error {
		if n := deliveriesTo(s, "ada@dest.example"); n != 1 {
			return errors.New("ada's mail is not there yet")
		}
		return nil
	}); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
	sendAndWait(t, p, s, "ben@dest.example", "ada@dest.example")
	if n := deliveriesTo(s, "ada@dest.example"); n != 1 {
		t.Errorf("ada has %d messages, want the one before the opt-out", n)
	}
}

// Promise 6: who left a newsletter still gets a password reset, and it leaves
// as it came, signed.
func TestTransactionalMailIsNotMarketing(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	p.oneClick(sealed(p, "trial.example", "ada@dest.example"))
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	for i, header := range []string{
		"X-Offramp-List: transactional\r\n",
		"Auto-Submitted: auto-generated\r\n",
		"List-Post: <mailto:talk@trial.example>\r\n",
		"Content-Type: multipart/report; boundary=x\r\n",
	} {
		body := "Subject: reset\r\nFrom: Shop <shop@trial.example>\r\n\r\n{{offramp.unsubscribe_url}}\r\n"
		must(t, c.send("shop@trial.example", []string{"ada@dest.example"}, []byte(header+body)))
		messages := s.Wait(i+1, time.Now().Add(10*time.Second))
		if len(messages) != i+1 {
			t.Fatalf("%q was not delivered\n%s", header, p.log)
		}
		got := string(messages[i].Data)
		if strings.Contains(got, "List-Unsubscribe") || !strings.HasPrefix(got, "DKIM-Signature: ") || !strings.HasSuffix(got, body) {
			t.Errorf("%q was touched:\n%s", header, got)
		}
	}
	must(t, c.send("news@trial.example", []string{"ada@dest.example"}, []byte("From: News <news@trial.example>\r\n\r\nnews\r\n")))
	sendAndWait(t, p, s, "ben@dest.example")
	if n := deliveriesTo(s, "ada@dest.example"); n != 4 {
		t.Errorf("ada got %d messages, want the 4 exempt ones", n)
	}
}
