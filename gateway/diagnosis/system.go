package diagnosis

import "strings"

// systemMark is a text by which a mail system gives itself away.
type systemMark struct {
	name  string
	field string // header field; "text": the report; "status": the fields of RFC 3464
	mark  string // lower case
}

// systemMarks are asked in order: hosted services before the programs they run.
var systemMarks = []systemMark{
	{"Amazon SES", "Received", "amazonses.com"}, {"Amazon SES", "X-AWS-Outgoing", ""}, {"Amazon SES", "X-SES-Outgoing", ""}, {"Amazon SES", "status", "amazonses.com"},
	{"Amazon WorkMail", "X-Mailer", "amazon workmail"}, {"Amazon WorkMail", "status", "amazonaws.com"},
	{"SendGrid", "X-SG-EID", ""}, {"SendGrid", "status", "sendgrid"}, {"Mailgun", "X-Mailgun-Sid", ""}, {"Mailgun", "status", "mailgun"}, {"PowerMTA", "status", "pmta"}, {"PowerMTA", "text", "powermta"},
	{"Google Groups", "text", "google groups"}, {"Gmail", "X-Gm-Message-State", ""}, {"Gmail", "From", "googlemail.com"}, {"Gmail", "status", "googlemail.com"}, {"Gmail", "Received", "google.com"},
	{"Outlook.com", "From", "hotmail.com"}, {"Outlook.com", "From", "outlook.com"}, {"Outlook.com", "status", "outlook.com"}, {"Outlook.com", "status", "hotmail.com"},
	{"Yahoo", "From", "yahoo."}, {"AOL", "From", "aol.com"}, {"AOL", "status", "aol.com"}, {"Zoho", "X-Zohomailclient", ""}, {"Zoho", "From", "zoho.com"}, {"Zoho", "Received", "zoho.com"},
	{"Mimecast", "X-Mimecast-Spam-Score", ""}, {"Mimecast", "status", "mimecast"}, {"Mimecast", "text", "mimecast"}, {"Proofpoint", "status", "pphosted"}, {"Proofpoint", "text", "proofpoint"},
	{"Barracuda", "text", "barracuda"}, {"Barracuda", "X-Barracuda-Envelope-From", ""}, {"Postini", "text", "postini"}, {"Mail.ru", "From", "mail.ru"}, {"Yandex", "From", "yandex."}, {"Yandex", "status", "yandex"},
	{"GMX", "From", "gmx."}, {"GMX", "text", "gmx mail system"}, {"1&1", "From", "kundenserver.de"}, {"1&1", "text", "1&1"}, {"QQ", "From", "qq.com"}, {"NetEase", "From", "163.com"}, {"NetEase", "From", "126.com"},
	{"docomo", "From", "docomo.ne.jp"}, {"au", "From", "ezweb.ne.jp"}, {"au", "From", "au.com"}, {"KDDI", "From", "dion.ne.jp"}, {"SoftBank", "From", "softbank.ne.jp"}, {"SoftBank", "From", "vodafone.ne.jp"},
	{"Microsoft 365", "X-MS-Exchange-CrossTenant-Id", ""}, {"Microsoft 365", "status", "protection.outlook.com"}, {"Microsoft Exchange", "X-MS-Exchange-Organization-AuthAs", ""},
	{"Microsoft Exchange", "X-MS-Exchange-Message-Is-Ndr", ""}, {"Microsoft Exchange", "From", "microsoftexchange"}, {"Microsoft Exchange", "text", "msexch"}, {"Microsoft Exchange", "X-Mailer", "internet mail service"}, {"Microsoft Exchange", "X-MimeOLE", "exchange"}, {"Microsoft Exchange", "text", "generating server:"},
	{"Domino", "X-MIMETrack", "domino"}, {"Domino", "text", "domino directory"}, {"Domino", "X-Mailer", "lotus"}, {"GroupWise", "X-Mailer", "groupwise"}, {"GroupWise", "text", "groupwise"},
	{"IMail", "X-Mailer", "imail"}, {"Oracle MessagingServer", "text", "this report relates to a message you sent"}, {"Apache James", "text", "apache james"}, {"Courier", "text", "courier mail server"}, {"Courier", "Message-ID", "courier."}, {"McAfee", "text", "mcafee"}, {"MailMarshal", "text", "mailmarshal"}, {"MDaemon", "text", "mdaemon"},
	{"qmail", "text", "this is the qmail-send program"}, {"qmail", "Received", "(qmail"}, {"Exim", "X-Failed-Recipients", ""}, {"Exim", "text", "created automatically by mail delivery software"},
	{"Postfix", "text", "this is the mail system at host"}, {"Postfix", "text", "this is the postfix program"}, {"Postfix", "status", "x-postfix"}, {"sendmail", "text", "permanent fatal errors"}, {"sendmail", "text", "transcript of session follows"},
	{"OpenSMTPD", "text", "opensmtpd"}, {"Haraka", "text", "haraka"}, {"Offramp", "text", "this is offramp"}, {"Postfix", "Received", "(postfix)"}, {"Exim", "Received", "(exim"},
}

// systemOf names the mail system that wrote a report, or "".
func systemOf(l *letter) string {
	text := strings.ToLower(clip(l.text, maxReason))
	status := strings.ToLower(string(l.status[:min(len(l.status), 2<<10)]))
	values := map[string]string{}
	for _, f := range l.header.Fields() {
		name := strings.ToLower(f.Name)
		// The last of Received is where it was written, the others are of the way.
		if _, known := values[name]; (!known || name == "received") && len(values) < 200 {
			values[name] = strings.ToLower(clip(f.Value(), 1<<10))
		}
	}
	for _, m := range systemMarks {
		switch m.field {
		case "text":
			if strings.Contains(text, m.mark) {
				return m.name
			}
		case "status":
			if strings.Contains(status, m.mark) {
				return m.name
			}
		default:
			if value, ok := values[strings.ToLower(m.field)]; ok && strings.Contains(value, m.mark) {
				return m.name
			}
		}
	}
	return ""
}
