package diagnosis

import "strings"

// systems are known by what they write, in lower case: into the header, or into
// the text.
var systems = []struct{ name, header, text string }{
	{"qmail", "qmail", "this is the qmail-send program"},
	{"Exim", "x-failed-recipients:", "this message was created automatically by mail delivery software"},
	{"Postfix", "(postfix)", "this is the mail system at host"},
	{"Postfix", "", "this is the postfix program"},
	{"sendmail", "mail delivery subsystem", "----- the following addresses had"},
	{"sendmail", "", "----- transcript of session follows"},
	{"Amazon SES", "amazonses.com", ""},
	{"Amazon WorkMail", "workmail", ""},
	{"Gmail", "mail delivery subsystem <mailer-daemon@google", "technical details of permanent failure"},
	{"Gmail", "x-gm-message-state:", ""},
	{"Microsoft 365", "outlook.com", "generating server:"},
	{"Microsoft Exchange", "x-ms-exchange", "msexch:"},
	{"Microsoft Exchange", "microsoft exchange", "did not reach the following recipient(s)"},
	{"HCL Domino", "x-mimetrack:", "not listed in domino directory"},
	{"HCL Domino", "lotus", ""},
	{"IMail", "imail", "invalid final delivery userid"},
	{"Courier", "courier", "this is a delivery status notification from"},
	{"PowerMTA", "powermta", ""},
	{"SendGrid", "sendgrid", ""},
	{"Mimecast", "mimecast", ""},
	{"Proofpoint", "proofpoint", ""},
	{"Barracuda", "barracuda", ""},
	{"Yandex", "yandex", ""},
	{"Yahoo", "yahoo", ""},
	{"Mail.ru", "mail.ru", ""},
	{"GMX", "gmx.", ""},
	{"NTT DOCOMO", "docomo.ne.jp", ""},
	{"au", "ezweb.ne.jp", ""},
	{"Apache James", "javamail", ""},
	{"Zoho", "zoho", ""},
	{"Sun Messaging Server", "sun java", "this report relates to a message you sent"},
	{"GroupWise", "groupwise", ""},
}

// system names the mail system that wrote the message; "": not known.
func (r *reader) system() string {
	header := strings.ToLower(string(r.header.Raw()[:min(len(r.header.Raw()), 16<<10)]))
	text := strings.ToLower(cut(r.text, maxSection))
	for _, s := range systems {
		if s.text != "" && strings.Contains(text, s.text) {
			return s.name
		}
	}
	for _, s := range systems {
		if s.header != "" && strings.Contains(header, s.header) {
			return s.name
		}
	}
	return ""
}
