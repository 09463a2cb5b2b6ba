package record

import "time"

// Clock is what is known about the machine's clock.
type Clock struct {
	Now  time.Time `json:"now" doc:"What the clock shows."`
	Sure time.Time `json:"sure" doc:"The time by which records are retired and mail is given up."`
	Off  float64   `json:"off_seconds" doc:"How far the clock is ahead of all that was seen, or behind it where it is negative; 0: it is believed."`
}

// Scrub is how far what was erased is overwritten on the disk. Sizes are in
// bytes.
type Scrub struct {
	Asked   int64     `json:"asked" doc:"How often it was asked for."`
	Done    int64     `json:"done" doc:"How many of these are through."`
	Since   time.Time `json:"since,omitzero" doc:"When the oldest that is not was asked for."`
	By      time.Time `json:"by,omitzero" doc:"When that must be through."`
	Whole   int64     `json:"whole" doc:"Bytes of free space that are looked through at this moment."`
	Left    int64     `json:"left" doc:"Bytes of it still to be looked at."`
	Written int64     `json:"written" doc:"Bytes overwritten since the start."`
}

// Late says whether what was erased longer ago than promised is not overwritten.
func (s Scrub) Late(now time.Time) bool { return !s.By.IsZero() && now.After(s.By) }
