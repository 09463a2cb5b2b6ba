package main

import (
	"strings"
	"testing"

	"offramp/gateway/record"
	"offramp/gateway/stream"
)

func TestWhatPassesIsNamed(t *testing.T) {
	unmarked := record.Sender{From: "hello@example.com", Mark: "transactional", Unmarked: true, Messages: 1204, Recipients: 1204}
	with := func(s record.Sender, change func(*record.Sender)) record.Sender {
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		streams record.Streams
		chosen  string
		want    []string // of each finding: state, part of its text, fix
	}{
		"quiet": {want: []string{"ok|no opt-out stops it|"}},
		"unmarked": {streams: record.Streams{Senders: []record.Sender{unmarked}}, want: []string{"ok|no opt-out|",
			"ok|1,204 messages from hello@example.com carry no mark of a list: if these are newsletters|echo 'list example.com from=hello@example.com' >> streams.rules"}},
		"by number": {streams: record.Streams{Senders: []record.Sender{with(unmarked, func(s *record.Sender) { s.Peak, s.Login = 400, "shop" })}}, want: []string{"ok||",
			"warn|hello@example.com (login shop) carry no mark of a list (one Subject went to 400 recipients within an hour): if|echo"}},
		"by fields": {streams: record.Streams{Senders: []record.Sender{with(unmarked, func(s *record.Sender) { s.Precedence, s.FeedbackID = 1204, 700 })}}, want: []string{"ok||",
			"warn|(they have Precedence: bulk or list, they have a Feedback-ID)|echo"}},
		"few":    {streams: record.Streams{Senders: []record.Sender{with(unmarked, func(s *record.Sender) { s.Messages = 3 })}}, want: []string{"ok||"}},
		"marked": {streams: record.Streams{Senders: []record.Sender{{From: "n@example.com", List: "l.example", Mark: "List-Id", Messages: 100, Recipients: 5000, Repeated: 95}}}, want: []string{"ok||"}},
		"receipts": {streams: record.Streams{Senders: []record.Sender{{From: "shop@example.com", List: "example.com", Mark: "List-Unsubscribe", Messages: 100, Recipients: 100, Repeated: 2}}},
			want: []string{"ok||", "warn|to the list example.com (by List-Unsubscribe) have one recipient each and hardly a Subject twice|"}},
		"one recipient each, one Subject": {streams: record.Streams{Senders: []record.Sender{{From: "n@example.com", List: "example.com", Mark: "List-Unsubscribe", Messages: 100, Recipients: 100, Repeated: 90}}},
			want: []string{"ok||"}},
		"signed upstream": {streams: record.Streams{Senders: []record.Sender{{From: "n@example.com", Mark: stream.MarkSigned, Messages: 7}, {From: "m@example.com", Mark: stream.MarkSigned, Messages: 1}}},
			want: []string{"ok||", "warn|8 newsletters from example.com came signed|offramp init example.com"}},
		"earlier": {streams: record.Streams{Earlier: "list", Kept: []record.KeptList{{ID: "example.com", OptOuts: 1}}},
			want: []string{"warn|an earlier release served this data|", "warn|reach the 1 person who opted out. No such mail is counted|"}},
		"earlier, senders known": {streams: record.Streams{Earlier: "list", Kept: []record.KeptList{{ID: "example.com", OptOuts: 3}}, Senders: []record.Sender{
			{From: "gazette@example.com", List: "example.com", Mark: "list", Unmarked: true, Messages: 1}, {From: "n@example.com", List: "example.com", Mark: "List-Id", Messages: 9}}},
			want: []string{"warn|an earlier release|", "warn|3 people who opted out. If gazette@example.com sends its newsletter|echo 'list example.com from=gazette@example.com' >> streams.rules"}},
		"by a rule":       {streams: record.Streams{Senders: []record.Sender{{From: "shop@example.com", List: "example.com", Mark: stream.RuleMark + "3", Messages: 100, Recipients: 100}}}, want: []string{"ok||"}},
		"earlier, chosen": {streams: record.Streams{Earlier: "list"}, chosen: "auto", want: []string{"ok|no opt-out|"}},
		"alarm": {streams: record.Streams{Senders: []record.Sender{with(unmarked, func(s *record.Sender) { s.List, s.Dropped, s.Messages = "example.com", 2, 2 })}}, chosen: "list",
			want: []string{"warn|OFFRAMP_DEFAULT_STREAM=list|", "warn|opt-outs stopped 2 copies from hello@example.com that had no mark of a list|echo 'transactional from=hello@example.com'"}},
		"odd sender": {streams: record.Streams{Senders: []record.Sender{with(unmarked, func(s *record.Sender) { s.From = "o'hara@example.com" })}}, want: []string{"ok||", "ok|o'hara@example.com|"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(settings)
			s.DataDir = "my data"
			s.Gateway.Relay.DefaultStream, s.Gateway.Relay.StreamRules = tt.chosen, "streams.rules"
			c := &checker{app: &app{}, settings: s}
			c.judgeStreams(tt.streams)
			if len(c.findings) != len(tt.want) {
				t.Fatalf("%d findings, want %d: %+v", len(c.findings), len(tt.want), c.findings)
			}
			for i, want := range tt.want {
				f, w := c.findings[i], strings.Split(want, "|")
				if f.State != w[0] || !strings.Contains(f.Text, w[1]) || !strings.HasPrefix(f.Fix, w[2]) {
					t.Errorf("finding %+v, want %q", f, want)
				}
			}
		})
	}
}

// A rules file that is not there yet is made, and named in the settings.
func TestRuleForNoFile(t *testing.T) {
	s := new(settings)
	s.DataDir = "my data"
	c := &checker{app: &app{envFile: ".env"}, settings: s}
	want := "echo 'transactional from=a@example.com' >> 'my data/streams.rules' && echo 'OFFRAMP_STREAM_RULES=my data/streams.rules' >> .env"
	if got := c.rule("transactional from=a@example.com"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
