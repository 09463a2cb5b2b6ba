package admin

import (
	"net/http"
	"time"

	"offramp/gateway/ledger"
)

// Report is the answer of GET /api/v1/report: how soon opt-outs are in force,
// and how far other systems have followed. All durations are in seconds.
type Report struct {
	Since      time.Time        `json:"since"`
	Until      time.Time        `json:"until"`
	OptOuts    int64            `json:"opt_outs"`
	ByWay      map[string]int64 `json:"by_way"`
	Median     float64          `json:"median_seconds"`
	P95        float64          `json:"p95_seconds"`
	Longest    float64          `json:"longest_seconds"`
	Unrecorded int64            `json:"unrecorded"` // without a recorded time in force
	Deadlines  []Deadline       `json:"deadlines"`
	Readers    []ReaderReport   `json:"readers"`
}

// Deadline is how one deadline was kept. Business days are Monday to Friday in
// UTC, holidays included.
type Deadline struct {
	Name   string  `json:"name"`
	For    string  `json:"for"`
	Source string  `json:"source"`
	Since  string  `json:"since"` // date from which it holds
	Kept   int64   `json:"kept"`
	Missed int64   `json:"missed"`
	Left   float64 `json:"least_left_seconds"` // of the opt-out that came nearest; negative: late
	Event  int64   `json:"event,omitempty"`    // that opt-out; 0: there is none
}

// ReaderReport is how far another system is behind.
type ReaderReport struct {
	Reader
	Oldest   int64     `json:"oldest,omitempty"` // the first opt-out it has not acknowledged; 0: none
	Received time.Time `json:"received,omitzero"`
	Age      float64   `json:"age_seconds,omitempty"`
	Due      []Due     `json:"due,omitempty"`
}

// Due is a deadline for the oldest opt-out of a [ReaderReport].
type Due struct {
	Name    string    `json:"name"`
	For     string    `json:"for"`
	At      time.Time `json:"at"`
	Overdue bool      `json:"overdue"`
}

// reportPeriod is how far back a report goes when nobody says otherwise.
const reportPeriod = 30 * 24 * time.Hour

// report measures: ?since=.
func (s *server) report(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "since")
	if err != nil {
		return err
	}
	since, err := q.time("since")
	if err != nil {
		return err
	}
	now := s.now().UTC()
	if since.IsZero() {
		since = now.Add(-reportPeriod)
	}
	made, err := ledger.MakeReport(r.Context(), s.Records, since.UTC(), now)
	if err != nil {
		return err
	}
	return answer(w, reportOf(made))
}

func reportOf(r *ledger.Report) Report {
	out := Report{
		Since: r.Since, Until: r.Until, OptOuts: r.OptOuts, ByWay: map[string]int64{}, Unrecorded: r.Unrecorded,
		Median: r.Time.Median.Seconds(), P95: r.Time.P95.Seconds(), Longest: r.Time.Longest.Seconds(),
		Deadlines: make([]Deadline, 0, len(r.Deadlines)), Readers: make([]ReaderReport, 0, len(r.Readers)),
	}
	for way, n := range r.ByWay {
		out.ByWay[string(way)] = n
	}
	for _, d := range r.Deadlines {
		out.Deadlines = append(out.Deadlines, Deadline{
			Name: d.Name, For: d.For, Source: d.Source, Since: d.Since, Kept: d.Kept, Missed: d.Missed, Left: d.Left.Seconds(), Event: d.Event,
		})
	}
	for _, b := range r.Readers {
		line := ReaderReport{Reader: readerOf(b.Reader), Age: b.Age.Seconds()}
		if b.Oldest != nil {
			line.Oldest, line.Received = b.Oldest.ID, b.Oldest.Time
		}
		for _, d := range b.Due {
			line.Due = append(line.Due, Due{Name: d.Name, For: d.For, At: d.At, Overdue: d.Overdue})
		}
		out.Readers = append(out.Readers, line)
	}
	return out
}
