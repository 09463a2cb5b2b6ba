package exchange

import (
	"slices"
	"strings"
)

// layout is a CSV file with a header row. Names of columns are in lower case.
type layout struct {
	format Format
	need   []string
	may    []string
	// free says that columns before the one named are the sender's own and say nothing
	// about the row: the fields of a Mailchimp audience.
	free string
	take func(*Reader, fields) ([]Record, Skip, error)
}

var ownColumns = []string{"list", "reason", "source", "created_at", "expires_at", "note", "event_id"}

var mailchimpColumns = []string{
	"first name", "last name", "member_rating", "optin_time", "optin_ip", "confirm_time", "confirm_ip", "latitude", "longitude", "gmtoff", "dstoff",
	"timezone", "cc", "region", "leid", "euid", "notes", "tags",
}

// layouts are all of them. The first whose columns fit without one left over counts.
var layouts = []layout{
	{format: SendGridBounces, need: []string{"email", "status", "reason", "created"}, take: sendGridBounce},
	{format: SendGridBlocks, need: []string{"email", "status", "reason", "created"}, take: sendGridBlock},
	{format: SendGridSpam, need: []string{"email", "created", "ip"}, take: sendGridSpam},
	{format: SendGridInvalid, need: []string{"email", "reason", "created"}, take: sendGridInvalid},
	{format: SendGridUnsubscribes, need: []string{"email", "created"}, take: sendGridUnsubscribe},
	{format: MailgunBounces, need: []string{"address", "code"}, may: []string{"error", "created_at", "createdat"}, take: mailgunBounce},
	{format: MailgunBounces, need: []string{"address", "error"}, may: []string{"created_at", "createdat"}, take: mailgunBounce},
	{format: MailgunUnsubscribes, need: []string{"address", "tags"}, may: []string{"created_at", "createdat"}, take: mailgunUnsubscribe},
	{format: MailgunComplaints, need: []string{"address", "created_at"}, may: []string{"count"}, take: mailgunComplaint},
	{format: MailgunComplaints, need: []string{"address", "createdat"}, may: []string{"count"}, take: mailgunComplaint},
	{
		format: MailchimpUnsubscribed, need: []string{"email address", "unsub_time"}, free: "member_rating", take: mailchimpUnsubscribed,
		may: append([]string{"unsub_campaign_title", "unsub_campaign_id", "unsub_reason", "unsub_reason_other"}, mailchimpColumns...),
	},
	{
		format: MailchimpCleaned, need: []string{"email address", "clean_time"}, free: "member_rating", take: mailchimpCleaned,
		may: append([]string{"clean_campaign_title", "clean_campaign_id"}, mailchimpColumns...),
	},
	{
		format: Listmonk, need: []string{"uuid", "email", "status"}, take: listmonkSubscriber,
		may: []string{"id", "name", "attributes", "attribs", "created_at", "updated_at"},
	},
	{format: Mandrill, need: []string{"email", "reason", "detail"}, may: mandrillColumns, take: mandrillEntry},
	{format: Mandrill, need: []string{"email", "reason", "last_event_at"}, may: mandrillColumns, take: mandrillEntry},
	{format: CSV, need: []string{"email"}, may: ownColumns, take: ownRecord},
}

var mandrillColumns = []string{"detail", "created_at", "expires_at", "last_event_at", "subaccount"}

// subscribed says whether a header is that of the people who get mail of a Mailchimp
// audience: neither when they left nor when they were cleaned is in it.
func subscribed(header []string) bool {
	has := func(name string) bool { return slices.Contains(header, name) }
	return has("email address") && has("member_rating") && !has("unsub_time") && !has("clean_time")
}

// has says whether a header has all columns that the layout needs.
func (l *layout) has(header []string) bool {
	return !slices.ContainsFunc(l.need, func(name string) bool { return !slices.Contains(header, name) })
}

// unknown returns the columns of a header that the layout does not know.
func (l *layout) unknown(header []string) (names []string) {
	free := -1
	if l.free != "" {
		free = slices.Index(header, l.free)
	}
	for i, name := range header {
		if i >= free && !slices.Contains(l.need, name) && !slices.Contains(l.may, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// layoutOf finds the layout of a header: of format, or, where that is Auto, the one
// that fits. name is that of the file. nil: there is none.
func layoutOf(header []string, format Format, name string) (best *layout, err error) {
	for i := range layouts {
		l := &layouts[i]
		if format != Auto && l.format != format || !l.has(header) {
			continue
		}
		if best == nil || len(best.unknown(header)) > len(l.unknown(header)) {
			best = l
		}
	}
	if best == nil || format != Auto {
		return best, nil
	}
	return hinted(best, header, name)
}

// hinted tells layouts with the same columns apart by the name of the file, and does
// not guess.
func hinted(l *layout, header []string, name string) (*layout, error) {
	name = strings.ToLower(name)
	block, bounce, spam := strings.Contains(name, "block"), strings.Contains(name, "bounce"), strings.Contains(name, "spam")
	switch l.format {
	case SendGridBounces:
		switch {
		case block == bounce:
			return nil, fileFault("line 1: SendGrid's files of bounces and of blocks have the same columns, and the name of this one does not tell: give its format (--format), %s or %s", SendGridBounces, SendGridBlocks)
		case block:
			return layoutOf(header, SendGridBlocks, name)
		}
	case SendGridUnsubscribes:
		if block || bounce || spam {
			return nil, fileFault("line 1: the columns are those of SendGrid's unsubscribes, and the name of the file says otherwise: give its format (--format)")
		}
	case MailgunComplaints:
		if bounce || strings.Contains(name, "unsub") {
			return nil, fileFault("line 1: the columns are those of Mailgun's complaints, and the name of the file says otherwise: give its format (--format)")
		}
	}
	return l, nil
}

// ignored says whether the operator said that a column changes nothing.
func (o Options) ignored(name string) bool {
	return slices.ContainsFunc(o.Ignore, func(i string) bool { return i == "*" || strings.EqualFold(strings.TrimSpace(i), name) })
}

// refuse returns an error that names columns which nobody knows.
func (o Options) refuse(format Format, line int64, unknown []string) error {
	unknown = slices.DeleteFunc(unknown, o.ignored)
	for i, name := range unknown {
		unknown[i] = quoted(name)
	}
	const most = 20
	if len(unknown) > most {
		unknown = append(unknown[:most], "...")
	}
	if len(unknown) > 0 {
		return &ColumnsError{Line: line, Format: format, Unknown: unknown}
	}
	return nil
}
