package report

import "time"

// Deadline is how soon an opt-out must be in force for somebody.
type Deadline struct {
	Name string // e.g. "48 hours"
	For  string // who asks for it, e.g. "Gmail, Yahoo"
	// Due is the last moment at which what was received then is in time.
	Due func(received time.Time) time.Time
}

// Deadlines returns all that a report measures against, shortest first.
//
// Business days are Monday to Friday in UTC; holidays count as business days,
// since each country has others, so a day of this report can only be earlier
// than that of the law. A deadline in business days or months ends at the time
// of day at which the request came, not at the end of that day.
func Deadlines() []Deadline {
	return []Deadline{
		// Gmail, Email sender guidelines: within 48 hours; Yahoo, Sender
		// requirements: within two days.
		{"48 hours", "Gmail, Yahoo", func(t time.Time) time.Time { return t.Add(48 * time.Hour) }},
		// CAN-SPAM, 15 U.S.C. 7704(a)(4)(A); CASL, S.C. 2010, c. 23, section 11(3).
		{"10 business days", "CAN-SPAM, CASL", func(t time.Time) time.Time { return businessDays(t, 10) }},
		// CCPA regulations, 11 CCR 7026(f): opt-out of sale and sharing.
		{"15 business days", "CCPA", func(t time.Time) time.Time { return businessDays(t, 15) }},
		// Regulation (EU) 2016/679, article 12(3).
		{"one month", "GDPR", month},
	}
}

// businessDays returns the same time of day, n business days later. What comes
// on a weekend counts from the Monday after it on, which is its first day.
func businessDays(t time.Time, n int) time.Time {
	t = t.UTC()
	for n > 0 {
		t = t.AddDate(0, 0, 1)
		if day := t.Weekday(); day != time.Saturday && day != time.Sunday {
			n--
		}
	}
	return t
}

// month returns the same day of the next month, or its last day where it has
// no such day (Regulation (EEC, Euratom) 1182/71, article 3(2)(c)).
func month(t time.Time) time.Time {
	t = t.UTC()
	next := t.AddDate(0, 1, 0)
	if next.Day() != t.Day() {
		next = next.AddDate(0, 0, -next.Day())
	}
	return next
}
