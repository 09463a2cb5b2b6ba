package diagnosis

import (
	"strings"

	"offramp/gateway/message"
)

// bounceText reads a bounce that is written for people only.
func (r *reader) bounceText() (found []Finding) {
	if !r.isBounce() {
		return nil
	}
	all := r.readSections()
	if len(all) == 0 {
		all = []section{{recipient: r.returnedRecipient(), text: cut(r.text, maxSection)}}
	}
	for _, s := range all {
		e := evidence{text: s.text, human: s.human, command: s.command, own: true, delayed: holdsAny(strings.ToLower(r.text), delays)}
		f := e.judge()
		if f.Class == Undecided && f.Cause == "" && len(all) == 1 {
			// The reason may stand before the address.
			e.text = cut(s.human, maxSection) + s.text
			f = e.judge()
		}
		f.Kind, f.Recipient = Bounce, s.recipient
		found = append(found, f)
	}
	return found
}

// delays say that a message is still being tried.
var delays = []string{
	"has not yet been delivered", "delivery is delayed", "delivery delay", "still being attempted",
	"will continue to be tried", "will be retried", "will keep trying", "you do not need to resend",
	"is only a warning", "this is a warning message only", "no action is required on your part", "delivery incomplete",
	"will retry", "still being retried", "could not be delivered for 4 hours",
	"warning: could not send message for past",
}

// subjects of bounces, in lower case.
var bounceSubjects = []string{
	"undeliver", "not deliver", "delivery status notification", "delivery failure", "delivery failed", "failure notice",
	"returned mail", "mail delivery fail", "delivery problem", "mail system error", "returned to sender",
	"delivery notification", "non-delivery", "could not send message", "delivery error", "message status",
	"rejected mail", "mail could not be delivered", "message not sent", "undelivered mail", "mail failure",
	"delivery unsuccessful", "unzustellbar", "nicht zugestellt", "konnte nicht zugestellt", "fehlgeschlagen",
	"non remis", "échec de", "non distribu", "no se puede entregar", "no entregado", "error de entrega",
	"mancato recapito", "non recapitat", "não entregue", "falha na entrega", "onbestelbaar", "niet bezorgd",
	"nie dostarczono", "niedostarczon", "配信不能", "送信できません", "エラーメール", "退信", "无法投递", "退回", "فشل التسليم", "تعذر تسليم",
	"delayed", "delivery delay", "mail delivery system", "bounced", "user unknown",
}

// isBounce says whether the message reports that mail did not arrive. Mail of
// the null reverse-path alone is not enough: answering machines use it too.
func (r *reader) isBounce() bool {
	from := addressesIn(r.header.Get("From"))
	system := len(from) > 0 && (isSystem(from[0]) || strings.Contains(strings.ToLower(r.header.Get("From")), "mail delivery"))
	subject := holdsAny(strings.ToLower(decodeWords(r.header.Get("Subject"))), bounceSubjects)
	if r.header.Get("X-Failed-Recipients") != "" || message.Keyword(r.header.Get("Content-Type")) == "multipart/report" {
		return true
	}
	text := strings.ToLower(r.text)
	failed := holdsAny(text, failures)
	return subject && (system || r.null || failed) || failed && (system || r.null)
}

// failures are what bounces say in their text, in lower case.
var failures = []string{
	"could not be delivered", "couldn't be delivered", "was not delivered", "wasn't able to deliver",
	"unable to deliver", "not able to deliver", "delivery to the following", "failed permanently",
	"permanent fatal errors", "did not reach the following", "undeliverable", "delivery failed", "delivery has failed",
	"delivery of your message", "delivery error", "cannot be delivered", "can't be delivered", "returned message",
	"message was rejected", "rejected your message", "returning message", "transcript of session follows",
	"undelivered", "failure reasons", "unknown user", "user unknown", "nicht zugestellt", "unzustellbar",
	"n'a pas pu être remis", "no se pudo entregar", "non è stato possibile", "não pôde ser entregue", "kon niet worden",
	"nie mogła zostać", "送信できませんでした", "配信できません", "無法", "无法", "تعذر", "invalid final delivery", "gave up",
	"has been rejected", "was automatically rejected", "address not found", "message blocked", "message not delivered",
	"error message below", "has not yet been delivered", "delivery incomplete",
}

// returnedRecipient is whom the returned message names, when it is one.
func (r *reader) returnedRecipient() string {
	for _, name := range [...]string{"X-Envelope-To", "Envelope-To", "Delivered-To", "To"} {
		if all := addressesIn(r.returned.Get(name)); len(all) == 1 {
			return all[0]
		}
	}
	return ""
}
