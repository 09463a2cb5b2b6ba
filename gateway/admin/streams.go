package admin

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"offramp/gateway/stream"
	"offramp/store"
)

// Traffic reads what is counted of the mail that passed; a [store.Consent]
// does.
type Traffic interface {
	Traffic(ctx context.Context, limit int) ([]store.Traffic, error)
	EarlierStream(ctx context.Context) (string, error)
}

// Streams is the answer of GET /api/v1/streams: which mail is taken for what.
type Streams struct {
	// Default is OFFRAMP_DEFAULT_STREAM; empty: not chosen.
	Default string `json:"default"`
	// Earlier is the default of the releases that served this data before there
	// was a choice, and holds while Default is empty; empty: there were none.
	Earlier string `json:"earlier"`
	// Senders are counted for 30 days after their last message, 1000 at most:
	// first those whose unmarked mail opt-outs stopped, then those with the most
	// messages.
	Senders []Sender `json:"senders"`
	// Kept are lists with opt-outs to which mail without any mark of a list
	// belongs, as far as that can be told. With another default it would be
	// transactional. Only given where that default is list.
	Kept []KeptList `json:"kept"`
}

// Sender is what one sender sent to one list, or as transactional mail, for one
// cause.
type Sender struct {
	From       string    `json:"from"` // address, or "@" and a domain
	Login      string    `json:"login"`
	List       string    `json:"list"`     // empty: transactional
	Mark       string    `json:"mark"`     // what decided
	Unmarked   bool      `json:"unmarked"` // a default decided
	Messages   int64     `json:"messages"`
	Recipients int64     `json:"recipients"`
	Dropped    int64     `json:"dropped"`     // recipients that an opt-out stopped
	Repeated   int64     `json:"repeated"`    // messages with a Subject seen within the hour before
	Peak       int64     `json:"peak"`        // most recipients of one Subject within an hour
	Precedence int64     `json:"precedence"`  // messages with Precedence bulk, list or junk
	FeedbackID int64     `json:"feedback_id"` // messages with Feedback-ID
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

// KeptList is a list that a change of the default would take mail from.
type KeptList struct {
	ID      string `json:"id"`
	OptOuts int    `json:"opt_outs"` // 1000 at most are counted
}

func (s *server) streams(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	rows, err := s.Traffic.Traffic(r.Context(), 0)
	if err != nil {
		return err
	}
	earlier, err := s.Traffic.EarlierStream(r.Context())
	if err != nil {
		return err
	}
	a := Streams{Default: s.DefaultStream, Earlier: earlier, Senders: make([]Sender, 0, len(rows)), Kept: []KeptList{}}
	for _, t := range rows {
		a.Senders = append(a.Senders, Sender{
			From: t.Sender, Login: t.Login, List: t.List, Mark: t.Mark, Unmarked: t.Unmarked,
			Messages: t.Messages, Recipients: t.Recipients, Dropped: t.Dropped, Repeated: t.Repeated, Peak: t.Peak,
			Precedence: t.Precedence, FeedbackID: t.FeedbackID, First: t.First, Last: t.Last,
		})
	}
	if cmp.Or(a.Default, a.Earlier) == stream.List {
		if a.Kept, err = s.kept(r.Context(), rows); err != nil {
			return err
		}
	}
	return answer(w, a)
}

// kept finds lists with opt-outs that get unmarked mail, or of which nothing is
// counted yet: a list of a From domain has no name unless somebody gave it one.
func (s *server) kept(ctx context.Context, rows []store.Traffic) ([]KeptList, error) {
	counted, unmarked := map[string]bool{}, map[string]bool{}
	for _, t := range rows {
		counted[t.List] = true
		unmarked[t.List] = unmarked[t.List] || t.Unmarked
	}
	lists, err := s.Lists.Lists(ctx)
	if err != nil {
		return nil, err
	}
	kept := []KeptList{}
	for _, l := range lists {
		if l.Transactional || counted[l.ID] && !unmarked[l.ID] || !counted[l.ID] && l.Name != "" {
			continue
		}
		choices, err := s.Records.Choices(ctx, store.RecordFilter{List: &l.ID, Limit: 1000})
		if err != nil {
			return nil, err
		}
		n := 0
		for _, c := range choices {
			if state := c.At(s.now()); state == store.Unsubscribed || state == store.Paused {
				n++
			}
		}
		if n > 0 {
			kept = append(kept, KeptList{ID: l.ID, OptOuts: n})
		}
	}
	return kept, nil
}
