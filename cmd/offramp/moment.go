package main

import "time"

// parseMoment reads a time, or a day, which stands for its beginning in UTC.
func parseMoment(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

// lastMoment reads when something ends: the end of a day, or a moment.
func lastMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fault("%s: invalid date %q: write one such as 2030-03-31 or 2030-03-31T12:00:00Z", flag, text)
	}
	return t, nil
}

// moment reads a time, or how long ago one was.
func (a *app) moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return a.now().Add(-d).UTC(), nil
	}
	if at, err := parseMoment(text); err == nil {
		return at.UTC(), nil
	}
	return time.Time{}, fault("%s: invalid time %q: write one such as 2026-11-29, 2026-11-29T12:00:00Z or 24h", flag, text)
}
