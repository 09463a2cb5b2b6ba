package api

import (
	"cmp"
	"context"

	"offramp/gateway/record"
	"offramp/gateway/stream"
	"offramp/store"
)

func (s *server) streams(ctx context.Context, _ *noInput) (record.Streams, error) {
	rows, err := s.Traffic.Traffic(ctx, 0)
	if err != nil {
		return record.Streams{}, err
	}
	earlier, err := s.Traffic.EarlierStream(ctx)
	if err != nil {
		return record.Streams{}, err
	}
	a := record.Streams{Default: s.DefaultStream, Earlier: earlier, Senders: pageOf(rows, record.SenderOf), Kept: []record.KeptList{}}
	if cmp.Or(a.Default, a.Earlier) == stream.List {
		a.Kept, err = s.kept(ctx, rows)
	}
	return a, err
}

// kept finds lists with opt-outs that get unmarked mail, or of which nothing is
// counted yet: a list of a From domain has no name unless somebody gave it one.
func (s *server) kept(ctx context.Context, rows []store.Traffic) ([]record.KeptList, error) {
	counted, unmarked := map[string]bool{}, map[string]bool{}
	for _, t := range rows {
		counted[t.List] = true
		unmarked[t.List] = unmarked[t.List] || t.Unmarked
	}
	lists, err := s.Lists.Lists(ctx)
	if err != nil {
		return nil, err
	}
	kept := []record.KeptList{}
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
			kept = append(kept, record.KeptList{ID: l.ID, OptOuts: n})
		}
	}
	return kept, nil
}
