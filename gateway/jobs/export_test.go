package jobs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"offramp/gateway/exchange"
)

const mixed = `email,list,reason,created_at,expires_at,note
ada@example.org,,bounced,2024-01-02T00:00:00Z,,550 no
ada@example.org,news,complained,2024-01-03T00:00:00Z,,
ada@example.org,offers,unsubscribed,2024-01-04T00:00:00.000001Z,,
ben@example.org,,unsubscribed,2024-01-05T00:00:00Z,,
cid@example.org,news,paused,2024-01-06T00:00:00Z,2027-06-01T00:00:00Z,
dan@example.org,,manual,2024-01-07T00:00:00Z,2027-06-01T00:00:00Z,for a while
@example.net,,manual,2024-01-08T00:00:00Z,,closed
`

// What one Offramp exports another one takes over, whole.
func TestExportComesBack(t *testing.T) {
	w := newWorld(t, t.TempDir())
	if job := w.load(t, mixed, Spec{Start: true}); job.Tally.Added != 7 {
		t.Fatalf("%+v", job)
	}
	for _, format := range []exchange.Format{exchange.CSV, exchange.JSON} {
		text := w.export(t, Export{Format: format})
		other := newWorld(t, t.TempDir())
		if job := other.load(t, text, Spec{Start: true}); job.Tally.Added != 7 || job.Report.Faulty > 0 {
			t.Fatalf("%+v", job)
		}
		if again := other.export(t, Export{Format: format}); again != text {
			t.Errorf("%s\n%s", text, again)
		}
	}
}

// Who leaves us for another system takes along what that has a place for, and nobody
// loses more than they left.
func TestExportForOthers(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.load(t, mixed, Spec{Start: true})
	news := "news"
	for _, c := range []struct {
		e    Export
		want string
		left string
	}{
		{Export{Format: exchange.Plain}, "ada@example.org\nben@example.org\ndan@example.org\n", "{{0 1 0 0} 3}"},
		{Export{Format: exchange.Plain, List: &news}, "ada@example.org\nben@example.org\ndan@example.org\n", "{{0 1 1 1} 0}"},
		{Export{Format: exchange.Plain, Reason: "unsubscribed"}, "ben@example.org\n", "{{0 0 0 0} 1}"},
		{Export{Format: exchange.SES, List: &news}, "ada@example.org,COMPLAINT\n", "{{0 1 3 1} 0}"},
		{Export{Format: exchange.MailgunUnsubscribes}, "address,tags,created_at\nada@example.org,offers,\"Thu, 04 Jan 2024 00:00:00 UTC\"\nben@example.org,*,\"Fri, 05 Jan 2024 00:00:00 UTC\"\ndan@example.org,*,\"Sun, 07 Jan 2024 00:00:00 UTC\"\n", "{{0 1 3 0} 0}"},
		{Export{Format: exchange.CSV, List: &news, Reason: "paused"}, "email,list,reason,source,created_at,expires_at,note,event_id\ncid@example.org,news,paused,import,2024-01-06T00:00:00Z,2027-06-01T00:00:00Z,,6\n", "{{0 0 0 0} 0}"},
	} {
		var out bytes.Buffer
		left, err := c.e.Write(t.Context(), w.db.Consent(), testNow, &out)
		if err != nil || out.String() != c.want || fmt.Sprint(left) != c.left {
			t.Errorf("%+v: %v, %v, %s", c.e, err, left, &out)
		}
	}
}

// Records of one person can be more than a page has.
func TestExportOfManyRecords(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var text strings.Builder
	text.WriteString("email,list,reason\n")
	for i := range 30 {
		fmt.Fprintf(&text, "ada@example.org,l%d,unsubscribed\nada@example.org,l%d,manual\nben%d@example.org,,bounced\n", i, i, i)
	}
	w.load(t, text.String(), Spec{Start: true})
	seen := 0
	p := pager{from: w.db.Consent(), now: testNow}
	p.filter.Limit = 4
	for {
		page, more, err := p.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen += len(page); !more {
			break
		}
	}
	if seen != 90 {
		t.Errorf("%d records", seen)
	}
}
