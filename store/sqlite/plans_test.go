package sqlite

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

var manyEvents = flag.Int("events", 100_000, "how many events the ledger of the tests of plans has")

// growing matches steps that may read the whole of a table that strangers make
// longer, or time does: a SEARCH without a condition is min() or max() along an
// index, until a row fits.
var growing = regexp.MustCompile(`^(SCAN|SEARCH) (events|e|f|choices|suppressions|contacts|targets|bounces|codes|erased|sharing|messages|m|recipients|r|chunks|lists|api_keys|requests|fates|fate_blocks)\b[^(]*$`)

// mayScan are the statements that read a whole table, by why nobody but the
// operator makes them run.
var mayScan = map[string]string{
	"countErased": "at the start", "selectUnchained": "at the start", "selectCounts": "at the start", "selectHints": "at the start",
	"deleteOrphans": "at the start", "endFar": "at the start", "selectMessageCnt": "at the start", "spool.go SELECT state, count(*) FROM": "at the start",
	"selectListMail":  "once for each erasure, which takes a code of a mail; it is about the queue",
	"selectFailed":    "by an index of its own, which has only what failed and is not reported yet",
	"selectLists":     "for the operator",
	"selectKeys":      "for the operator; there are at most store.MaxKeys",
	"countKeys":       "for the operator; there are at most store.MaxKeys",
	"deleteOldKey":    "for the operator; there are at most store.MaxKeys",
	"selectPublic":    "by an index of its own: all of them are shown",
	"selectThirdOnes": "the first row of an index of its own",
	"selectOldest":    "its first row",
	"selectLast":      "the greatest keys",
	"selectNewest":    "the greatest keys",
	"selectHead":      "its last row",
	"selectRetired":   "its first rows",
	"selectEvents":    "a part; what it is completed to is explained below",
	"selectCopied":    "of a copy that nobody uses",
	"salvageAll":      "by a repair, while no server runs",
	"selectDamaged":   "at the start and once an hour, as a whole",

	// The history of mail:
	"selectWaiting":     "when most of what is in memory has left; by an operator's look-up where no server runs",
	"deleteStray":       "at the start, by an index alone",
	"selectLastFate":    "its last row",
	"selectFirstFate":   "its first row",
	"selectLastSegment": "the greatest keys",
	"selectOldFates":    "its first rows",
}

// No statement reads the whole of a table that grows, or one of those above.
func TestStatementsUseIndexes(t *testing.T) {
	db := openTest(t, Options{Dir: t.TempDir()})
	statements := constants(t)
	list := "news.example"
	for i, f := range []store.EventFilter{
		{Recipient: "x"}, {Recipient: "x", Since: moment(1)}, {Recipient: "x", Latest: true, Before: 9}, {After: 3}, {Latest: true},
		{Recipient: "x", List: &list, Kinds: []store.EventKind{store.EventUnsubscribed, store.EventInForce}, Latest: true},
	} {
		where, _ := eventConditions(f)
		statements[fmt.Sprintf("events %d", i)] = selectEvents + where + " ORDER BY id LIMIT ?"
		statements[fmt.Sprintf("events %d, newest first", i)] = selectEvents + where + " ORDER BY id DESC LIMIT ?"
	}
	if len(statements) < 90 {
		t.Errorf("only %d statements were found", len(statements))
	}
	scans := map[string]bool{}
	for name, text := range statements {
		plan := planOf(t, db, text)
		for _, step := range plan {
			if !growing.MatchString(step) {
				continue
			}
			scans[name] = true
			if mayScan[name] == "" {
				t.Errorf("%s: %s\n%s", name, step, text)
			}
		}
		if len(plan) == 0 && strings.HasPrefix(text, "SELECT") {
			t.Errorf("%s is not explained: %s", name, text)
		}
	}
	if plan := planOf(t, db, selectOptOuts); !strings.Contains(strings.Join(plan, "; "), "events_opt_outs") {
		t.Errorf("opt-outs are not read by their index: %q", plan)
	}
	for name := range mayScan {
		if !scans[name] {
			t.Errorf("%s reads no whole table (any more), and stands among those that may", name)
		}
	}
}

// constants returns the statements that stand in the code of this package, by
// the name of their constant or their file and beginning.
func constants(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	must(t, err)
	values := map[string]ast.Expr{}
	var loose []ast.Expr
	where := map[ast.Expr]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		must(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) {
						values[name.Name] = n.Values[i]
					}
				}
				return false
			case *ast.BasicLit:
				loose = append(loose, n)
				where[n] = path
			}
			return true
		})
	}
	all := map[string]string{}
	statement := regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE) `)
	for name, v := range values {
		if text, ok := textOf(v, values); ok && statement.MatchString(text) {
			all[name] = text
		}
	}
	for _, v := range loose {
		if text, _ := textOf(v, values); statement.MatchString(text) && strings.Contains(text, "FROM") && !strings.HasSuffix(text, " ") {
			all[where[v]+" "+strings.Join(strings.Fields(text)[:min(4, len(strings.Fields(text)))], " ")] = text
		}
	}
	return all
}

// textOf is the text of a constant expression.
func textOf(v ast.Expr, values map[string]ast.Expr) (string, bool) {
	switch v := v.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(v.Value)
		return text, err == nil && v.Kind == token.STRING
	case *ast.Ident:
		if values[v.Name] == nil {
			return "", false
		}
		return textOf(values[v.Name], values)
	case *ast.BinaryExpr:
		left, ok := textOf(v.X, values)
		right, also := textOf(v.Y, values)
		return left + right, ok && also
	}
	return "", false
}

// planOf explains a statement on the database that has its tables.
func planOf(t *testing.T, db *DB, text string) (plan []string) {
	t.Helper()
	var fault error
	for _, f := range []*file{db.consent.file, db.spool.file} {
		plan = nil
		fault = f.readers.do(context.Background(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+text, func(r row) error {
				plan = append(plan, r.text(3))
				return nil
			})
		})
		if fault == nil {
			return plan
		}
	}
	t.Errorf("%s: %v", text, fault)
	return nil
}

// fillLedger adds n events of other people, of which every tenth is an opt-out
// with its proof, all within one day.
func fillLedger(t *testing.T, c *Consent, n int) {
	t.Helper()
	err := c.file.write(context.Background(), &op{run: func(c *conn) error {
		_, err := c.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
			INSERT INTO events (id, time, kind, recipient, list, way, reason, ref, queue_id, message_id, ip, user_agent, who, detail, salt, erased, digest, link)
			SELECT i, ?2 + i * (86400000000 / ?1), CASE i % 10 WHEN 0 THEN 'unsubscribed' WHEN 1 THEN 'in-force' ELSE 'dropped' END,
				'p' || (i / 20) || '@x.example', 'news.example', 'one-click', '', CASE WHEN i % 10 = 1 AND i > 1 THEN i - 1 ELSE 0 END, '', '', '', '', '', '',
				zeroblob(16), 0, zeroblob(32), zeroblob(32) FROM n`, n, micros(moment(0)))
		return err
	}})
	must(t, err)
}

// A receipt, the report and a person's events cost the same however long the
// ledger is. The bounds are a hundred times what it takes, and a tenth of what
// it took.
func TestTheLedgerMayBeLong(t *testing.T) {
	ctx := t.Context()
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	fillLedger(t, c, *manyEvents)
	within := func(what string, most time.Duration, work func()) {
		t.Helper()
		began := time.Now()
		work()
		took := time.Since(began)
		t.Logf("%s: %s", what, took)
		if took > most {
			t.Errorf("%s took %s", what, took)
		}
	}
	people := *manyEvents / 20
	within("100 receipts", time.Second, func() {
		for i := range 100 {
			events, err := c.Events(ctx, store.EventFilter{Recipient: fmt.Sprintf("p%d@x.example", (i+1)*people/101), Kinds: []store.EventKind{store.EventUnsubscribed}, Latest: true, Limit: 1})
			must(t, err)
			entries, err := c.Entries(ctx, events[0].ID-1, 1)
			must(t, err)
			optOuts, err := c.OptOuts(ctx, time.Time{}, events[0].ID-1, 1)
			must(t, err)
			if entries[0].Event.ID != events[0].ID || optOuts[0].Event.ID != events[0].ID || optOuts[0].InForce.IsZero() {
				t.Fatalf("%+v", optOuts)
			}
		}
	})
	within("100 looks at a day of one person", time.Second, func() {
		for i := range 100 {
			if _, err := c.Events(ctx, store.EventFilter{Recipient: fmt.Sprintf("p%d@x.example", i+1), Since: moment(0), Limit: 100}); err != nil {
				t.Fatal(err)
			}
		}
	})
	within("counts of a day", time.Second, func() {
		days, err := c.CountEvents(ctx, moment(0), moment(24*60))
		must(t, err)
		total := int64(0)
		for _, d := range days {
			total += d.Count
		}
		if total < int64(*manyEvents)-1 {
			t.Errorf("%d events were counted", total)
		}
	})
	within("all opt-outs", time.Duration(*manyEvents)*100*time.Microsecond, func() {
		n, after := 0, int64(0)
		for {
			some, err := c.OptOuts(ctx, moment(0), after, 1000)
			must(t, err)
			n += len(some)
			if len(some) < 1000 {
				break
			}
			after = some[len(some)-1].Event.ID
		}
		if n != *manyEvents/10 {
			t.Errorf("%d opt-outs", n)
		}
	})
}

// Events that were recorded in another order than they happened are found by
// their time: within an hour those of all, and those of one person in any case.
func TestEventsOutOfOrder(t *testing.T) {
	ctx := t.Context()
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	for _, minute := range []int{-300, 120, 59, 0, 300} {
		must(t, c.AddEvents(ctx, store.Event{Time: moment(minute), Kind: store.EventUnsubscribed, Recipient: "p", Way: store.Page}))
	}
	for _, e := range []struct {
		who  string
		want []int64
	}{{"", []int64{3, 4, 5}}, {"p", []int64{2, 3, 4, 5}}} {
		events, err := c.Events(ctx, store.EventFilter{Recipient: e.who, Since: moment(0)})
		must(t, err)
		var ids []int64
		for _, o := range events {
			ids = append(ids, o.ID)
		}
		if !slices.Equal(ids, e.want) {
			t.Errorf("of %q since then: %v, want %v", e.who, ids, e.want)
		}
	}
	optOuts, err := c.OptOuts(ctx, moment(0), 0, 9)
	must(t, err)
	if len(optOuts) != 3 || optOuts[0].Event.ID != 3 {
		t.Errorf("opt-outs %+v", optOuts)
	}
	if optOuts, err = c.OptOuts(ctx, moment(301), 0, 9); err != nil || len(optOuts) != 0 {
		t.Errorf("opt-outs %+v, %v, since the last event", optOuts, err)
	}
}
