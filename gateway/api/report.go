package api

import (
	"context"
	"net/http"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/ledger"
	"offramp/gateway/record"
)

func (s *server) reportRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/report", id: "getReport", tag: "Reports", summary: "How soon opt-outs are in force",
		doc:   "Measures how soon opt-outs were in force, how the deadlines of laws and mailbox providers were kept, and how far other systems have followed.",
		scope: access.Read,
	}, s.report)
	add(s, route{
		method: http.MethodGet, path: "/stats", id: "getStats", tag: "Reports", summary: "What happened, by day",
		doc:   "Opt-outs, complaints, bounces, drops and more, counted by day in UTC: the figures of a dashboard. Every day is in it, also one on which nothing happened.",
		scope: access.Read,
	}, s.stats)
	add(s, route{
		method: http.MethodGet, path: "/streams", id: "getStreams", tag: "Reports", summary: "Which mail is taken for what",
		scope: access.Read,
	}, s.streams)
}

// reportPeriod is how far back a report goes when nobody says otherwise.
const reportPeriod = 30 * 24 * time.Hour

type sinceQuery struct {
	Since time.Time `query:"since" doc:"From then on; left out: the last 30 days."`
}

func (s *server) report(ctx context.Context, in *sinceQuery) (record.Report, error) {
	now := s.now().UTC()
	since := in.Since.UTC()
	if in.Since.IsZero() {
		since = now.Add(-reportPeriod)
	}
	made, err := ledger.MakeReport(ctx, s.Records, since, now)
	if err != nil {
		return record.Report{}, err
	}
	return reportOf(made), nil
}

func reportOf(r *ledger.Report) record.Report {
	out := record.Report{
		Since: r.Since, Until: r.Until, OptOuts: r.OptOuts, ByWay: map[string]int64{}, Unrecorded: r.Unrecorded,
		Median: r.Time.Median.Seconds(), P95: r.Time.P95.Seconds(), Longest: r.Time.Longest.Seconds(),
		Deadlines: make([]record.Deadline, 0, len(r.Deadlines)), Readers: make([]record.ReaderReport, 0, len(r.Readers)),
	}
	for way, n := range r.ByWay {
		out.ByWay[string(way)] = n
	}
	for _, d := range r.Deadlines {
		out.Deadlines = append(out.Deadlines, record.Deadline{
			Name: d.Name, For: d.For, Source: d.Source, Since: d.Since, Kept: d.Kept, Missed: d.Missed, Left: d.Left.Seconds(), Event: d.Event,
		})
	}
	for _, b := range r.Readers {
		line := record.ReaderReport{Reader: record.ReaderOf(b.Reader), Age: b.Age.Seconds()}
		if b.Oldest != nil {
			line.Oldest, line.Received = b.Oldest.ID, b.Oldest.Time
		}
		for _, d := range b.Due {
			line.Due = append(line.Due, record.Due{Name: d.Name, For: d.For, At: d.At, Overdue: d.Overdue})
		}
		out.Readers = append(out.Readers, line)
	}
	return out
}
