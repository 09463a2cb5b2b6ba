package trial

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// The lists of these trials. The third is for others.
const (
	weekly  = "weekly.trial.example"
	offers  = "offers.trial.example"
	adverts = "adverts.trial.example"
)

var allThree = []string{weekly, offers, adverts}

// wish is one choice on the page, made by a person of its own, and what it does
// to mail that waits in the queue at that moment. A list that is named may send
// its two queued messages up to that number; what is not named sends none.
type wish struct {
	name   string
	button string
	fields []string
	mailed bool           // the person had mail of every list before
	queued map[string]int // how many of the two messages of each list arrive
	after  map[string]int // how many of one message of each list, later
	drops  []string       // reasons that are recorded
}

func (w wish) address() string { return w.name + "@dest.example" }

var (
	everything = map[string]int{weekly: 2, offers: 2, adverts: 2}
	each       = map[string]int{weekly: 1, offers: 1, adverts: 1}
)

// but is m with other numbers, given as a list and its number.
func but(m map[string]int, list string, n int) map[string]int {
	m = maps.Clone(m)
	m[list] = n
	return m
}

const save = "Save my choices"

// wishes are all choices that the page offers.
func wishes() []wish {
	noWeekly, noWeeklyAfter := but(everything, weekly, 0), but(each, weekly, 0)
	day := time.Now().AddDate(0, 0, 10).UTC().Format(time.DateOnly)
	all := []wish{
		{"none", "", nil, true, everything, each, nil},
		{"every", save, []string{"list:" + weekly, "all"}, true, everything, each, nil},
		{"button", "Unsubscribe", nil, true, noWeekly, noWeeklyAfter, []string{"unsubscribed"}},
		{"off", save, []string{"list:" + weekly, "off"}, true, noWeekly, noWeeklyAfter, []string{"unsubscribed"}},
		{"all-off", "Unsubscribe from all lists", nil, true, nil, nil, []string{"unsubscribed-all"}},
		{"until", save, []string{"list:" + weekly, "pause-until", "until", day}, true, noWeekly, noWeeklyAfter, []string{"paused"}},
		{"all-until", save, []string{"list:", "pause-until", "until", day}, true, nil, nil, []string{"paused-all"}},
		{"private", save, []string{"sharing", "refuse"}, true, but(everything, adverts, 0), but(each, adverts, 0), []string{"sharing-refused"}},
	}
	for _, days := range []string{"30", "60", "90"} {
		all = append(all,
			wish{"pause-" + days, save, []string{"list:" + weekly, "pause-" + days}, true, noWeekly, noWeeklyAfter, []string{"paused"}},
			wish{"all-pause-" + days, save, []string{"list:", "pause-" + days}, true, nil, nil, []string{"paused-all"}})
	}
	for _, every := range []string{"day", "week", "month"} {
		all = append(all,
			wish{every, save, []string{"list:" + weekly, every}, false, but(everything, weekly, 1), noWeeklyAfter, []string{"limited"}},
			wish{every + "-mailed", save, []string{"list:" + weekly, every}, true, noWeekly, noWeeklyAfter, []string{"limited"}},
			// Of all lists together one message, whichever comes first.
			wish{"all-" + every, save, []string{"list:", every}, false, map[string]int{"": 1}, nil, []string{"limited-all"}},
			wish{"all-" + every + "-mailed", save, []string{"list:", every}, true, nil, nil, []string{"limited-all"}})
	}
	return all
}

// choicesTrial is a gateway whose next hop can be shut, with three lists.
type choicesTrial struct {
	*process
	s    *sink.Sink
	open atomic.Bool
}

func startChoices(t *testing.T) *choicesTrial {
	t.Helper()
	c := &choicesTrial{}
	c.open.Store(true)
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, _ sink.Transaction) sink.Fault {
		if (st == sink.Banner || st == sink.Mail) && !c.open.Load() {
			return sink.Fault{Reply: "421 4.3.2 not now"}
		}
		return sink.Fault{}
	}})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	c.s = s
	c.process = start(t, "smtp://"+s.Addr())
	for _, list := range allThree {
		args := []string{"lists", "add", list, "--public"}
		if list == adverts {
			args = append(args, "--third-party")
		}
		if out, code := c.run(args...); code != 0 {
			t.Fatalf("lists add: exit %d %s", code, out)
		}
	}
	return c
}

// mail sends one message of each list to people.
func (c *choicesTrial) mail(people ...string) {
	c.t.Helper()
	conn, err := dial(c.smtp)
	must(c.t, err)
	defer conn.close()
	for _, list := range allThree {
		must(c.t, conn.send("news@trial.example", people, letter(list)))
	}
}

func letter(list string) []byte {
	return []byte("From: News <news@trial.example>\r\nX-Offramp-List: " + list + "\r\nX-Trial: " + list + "\r\nSubject: news\r\n\r\nhello\r\n")
}

// drained waits until nothing is queued.
func (c *choicesTrial) drained() {
	c.t.Helper()
	if err := poll(30*time.Second, func() error {
		if out, _ := c.run("queue", "list", "--json"); strings.TrimSpace(out) != "" {
			return fmt.Errorf("still queued: %.300s", out)
		}
		return nil
	}); err != nil {
		c.t.Fatalf("%v\n%s", err, c.log)
	}
}

// arrived counts messages by person and list; for a person with a limit over
// all lists also those of all of them, under "".
func (c *choicesTrial) arrived() map[string]map[string]int {
	got := map[string]map[string]int{}
	for _, m := range c.s.Messages() {
		for _, to := range m.Recipients {
			if got[to] == nil {
				got[to] = map[string]int{}
			}
			got[to][field(m.Data, "X-Trial")]++
			got[to][""]++
		}
	}
	return got
}

// wants fails where mail arrived otherwise than was wished since a count.
func (c *choicesTrial) wants(when string, before map[string]map[string]int, wanted func(wish) map[string]int) {
	c.t.Helper()
	now := c.arrived()
	for _, w := range wishes() {
		want, lists := wanted(w), allThree
		if _, together := want[""]; together {
			lists = []string{""}
		}
		for _, list := range lists {
			if got := now[w.address()][list] - before[w.address()][list]; got != want[list] {
				c.t.Errorf("%s: %q got %d messages of %q, want %d", when, w.name, got, list, want[list])
			}
		}
	}
}

// chooses makes the wish on the person's page.
func (c *choicesTrial) chooses(w wish) {
	c.t.Helper()
	if w.button == "" {
		return
	}
	page := c.process.open(sealed(c.process, weekly, w.address())).press(w.button, w.fields...)
	if page.status != 200 {
		c.t.Fatalf("%s: %d\n%s", w.name, page.status, page.text)
	}
}

// Every choice there is: mail before it arrives, mail that waits in the queue
// while it is made arrives or is dropped as was chosen, also when the gateway
// is killed and started again in between, and so does mail after it.
func TestEveryChoiceHolds(t *testing.T) {
	c := startChoices(t)
	var mailed, all []string
	for _, w := range wishes() {
		if all = append(all, w.address()); w.mailed {
			mailed = append(mailed, w.address())
		}
	}
	c.mail(mailed...)
	c.drained()
	c.wants("before", nil, func(w wish) map[string]int {
		if w.mailed {
			return each
		}
		return nil
	})

	c.open.Store(false)
	c.mail(all...)
	c.mail(all...)
	for _, w := range wishes() {
		c.chooses(w)
	}
	before := c.arrived()
	c.stop()
	c.start()
	c.kill()
	c.start()
	c.open.Store(true)
	c.run("queue", "flush")
	c.drained()
	c.wants("queued", before, func(w wish) map[string]int { return w.queued })

	before = c.arrived()
	c.mail(all...)
	c.drained()
	c.wants("after", before, func(w wish) map[string]int { return w.after })
	c.dropsAreRecorded()
}

// dropsAreRecorded: each drop has the reason the person chose, and nobody
// else's.
func (c *choicesTrial) dropsAreRecorded() {
	c.t.Helper()
	for _, w := range wishes() {
		out, _ := c.run("events", "--json", "--recipient", w.address())
		got := map[string]bool{}
		for line := range strings.Lines(out) {
			if strings.Contains(line, `"dropped"`) {
				got[between(line, `"reason":"`, `"`)] = true
			}
		}
		if reasons := slices.Sorted(maps.Keys(got)); !slices.Equal(reasons, w.drops) {
			c.t.Errorf("%q: dropped for %q, want %q", w.name, reasons, w.drops)
		}
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// A limit is exact: of fifty messages that come at once by fifty connections,
// one goes out, for a list and over all lists.
func TestLimitUnderConcurrentSubmissions(t *testing.T) {
	c := startChoices(t)
	for name, w := range map[string]wish{
		"one list":  {"one", save, []string{"list:" + weekly, "week"}, false, nil, nil, nil},
		"all lists": {"all", save, []string{"list:", "day"}, false, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.chooses(w)
			var senders sync.WaitGroup
			begin := make(chan struct{})
			for i := range 50 {
				senders.Go(func() {
					list := weekly
					if name == "all lists" {
						list = allThree[i%3]
					}
					conn, err := dial(c.smtp)
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.close()
					<-begin
					if err := conn.send("news@trial.example", []string{w.address()}, letter(list)); err != nil {
						t.Error(err)
					}
				})
			}
			close(begin)
			senders.Wait()
			c.drained()
			if n := deliveriesTo(c.s, w.address()); n != 1 {
				t.Errorf("%d of 50 messages went out, want 1\n%s", n, c.log)
			}
			out, _ := c.run("events", "--json", "--recipient", w.address(), "--limit", "200")
			if n := strings.Count(out, `"dropped"`); n != 49 {
				t.Errorf("%d drops are recorded, want 49", n)
			}
		})
	}
}
