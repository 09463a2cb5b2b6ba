package admin

import (
	"net/http"
	"time"
)

// Scrub is the answer of GET /api/v1/scrub: how far what was erased is
// overwritten on the disk. Sizes are in bytes.
type Scrub struct {
	Asked   int64     `json:"asked"`          // how often it was asked for
	Done    int64     `json:"done"`           // how many of these are through
	Since   time.Time `json:"since,omitzero"` // when the oldest that is not was asked for
	By      time.Time `json:"by,omitzero"`    // when that must be through
	Whole   int64     `json:"whole"`          // free space that is looked through at this moment
	Left    int64     `json:"left"`           // of it, still to be looked at
	Written int64     `json:"written"`        // overwritten since the start
}

// Late says whether what was erased longer ago than promised is not overwritten.
func (s Scrub) Late(now time.Time) bool { return !s.By.IsZero() && now.After(s.By) }

func (s *server) scrub(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	var out Scrub
	if s.Scrubber != nil {
		d, err := s.Scrubber.Scrubbed(r.Context())
		if err != nil {
			return err
		}
		out = Scrub{Asked: d.Asked, Done: d.Done, Since: d.Since, Whole: d.Whole, Left: d.Left, Written: d.Written}
		if !d.Since.IsZero() {
			out.By = d.Since.Add(s.EraseWithin)
		}
	}
	return answer(w, out)
}
