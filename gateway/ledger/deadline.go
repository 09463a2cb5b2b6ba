package ledger

import "time"

// Deadline is how soon an opt-out must be in force for somebody.
type Deadline struct {
	Name   string // e.g. "48 hours"
	For    string // who asks for it, e.g. "Gmail, Yahoo"
	Source string // where it says so
	Since  string // from when it holds, as a date
	// Due is the last moment at which what was received then is in time.
	Due func(received time.Time) time.Time
}

// Deadlines returns all that a report measures against, shortest first.
//
// Business days are Monday to Friday; holidays count as business days, since
// each country has others. A deadline in business days or months ends at the
// time of day at which the request came, not at the end of that day. Where a
// country has several time zones, the one counts that ends first. So a deadline
// of this report can only be earlier than that of the law.
func Deadlines() []Deadline {
	return []Deadline{
		{
			Name: "48 hours", For: "Gmail, Yahoo", Since: "2024-02-01",
			Source: "Gmail, Email sender guidelines: within 48 hours; Yahoo, Sender requirements: within two days",
			Due:    func(t time.Time) time.Time { return t.Add(48 * time.Hour) },
		},
		{
			Name: "5 business days", For: "Australia", Since: "2004-04-10",
			Source: "Spam Act 2003, schedule 2, clause 6: at the end of 5 business days beginning on the day of the request",
			Due:    inZones(5, true, 8, 9.5, 10, 10.5, 11),
		},
		{
			Name: "5 working days", For: "New Zealand", Since: "2007-09-05",
			Source: "Unsolicited Electronic Messages Act 2007, section 9(2): with effect from the day that is 5 working days after that of the request",
			Due:    inZones(4, false, 12, 12.75, 13, 13.75), // a message on the fifth is too late
		},
		{
			Name: "10 business days", For: "CAN-SPAM, CASL", Since: "2004-01-01",
			Source: "15 U.S.C. 7704(a)(4)(A): after receipt; S.C. 2010, c. 23, section 11(3), since 2014-07-01: without delay, and at the latest 10 business days after it was sent",
			Due:    inZones(10, false, 0, -2.5, -3.5, -4, -5, -6, -7, -8, -9, -10),
		},
		{
			Name: "15 business days", For: "CCPA", Since: "2020-08-14",
			Source: "11 CCR 7026(f), until 2022 999.315(e): opt-out of sale and sharing, from the day it is received",
			Due:    inZones(15, false, 0, -7, -8),
		},
		{
			// Articles 7(3) and 21(3) ask to stop and name no days; regulation 22 of
			// the United Kingdom's PECR and the ICO's guidance name none either.
			Name: "one month", For: "GDPR, UK GDPR", Since: "2018-05-25",
			Source: "Regulation (EU) 2016/679, and the UK GDPR, article 12(3): the longest time to say what was done about articles 7(3) and 21(3)",
			Due:    month,
		},
	}
}

// inZones returns the earliest end of n business days in time zones, given in
// hours east of UTC. With first, a business day on which the request comes is
// the first of them.
func inZones(n int, first bool, zones ...float64) func(time.Time) time.Time {
	return func(t time.Time) (due time.Time) {
		for _, hours := range zones {
			local := t.In(time.FixedZone("", int(hours*3600)))
			days := n
			if first && business(local) {
				days--
			}
			if at := businessDays(local, days); due.IsZero() || at.Before(due) {
				due = at
			}
		}
		return due.UTC()
	}
}

func business(t time.Time) bool {
	day := t.Weekday()
	return day != time.Saturday && day != time.Sunday
}

// businessDays returns the same time of day, n business days later. What comes
// on a weekend counts from the Monday after it on, which is its first day.
func businessDays(t time.Time, n int) time.Time {
	for n > 0 {
		t = t.AddDate(0, 0, 1)
		if business(t) {
			n--
		}
	}
	return t
}

// month returns the same day of the next month, or its last day where it has
// no such day (Regulation (EEC, Euratom) 1182/71, article 3(2)(c)), in UTC or an
// hour or two east of it.
func month(t time.Time) (due time.Time) {
	for hours := range 4 {
		local := t.In(time.FixedZone("", hours*3600))
		next := local.AddDate(0, 1, 0)
		if next.Day() != local.Day() {
			next = next.AddDate(0, 0, -next.Day())
		}
		if due.IsZero() || next.Before(due) {
			due = next
		}
	}
	return due.UTC()
}
