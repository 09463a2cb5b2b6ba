package diagnosis

import "strings"

// reportLeads are words with which mail systems begin a report. One is enough.
var reportLeads = []string{
	"this is the qmail-send program", "this is the mail system at host", "this is the postfix program",
	"this message was created automatically by mail delivery software", "this message was created automatically by the mail system",
	"a message that you sent could not be delivered", "a message that you have sent could not be delivered",
	"the following addresses had permanent fatal errors", "the following addresses had transient", "the following addresses had delivery",
	"the following addresses have delivery notifications", "transcript of session follows",
	"did not reach the following recipient", "delivery to the following recipient", "delivery to these recipients or groups",
	"delivery to these recipients or distribution lists", "delivery has failed to these recipients", "couldn't be delivered to",
	"could not be delivered to the following", "was not delivered to:", "unable to deliver your message", "unable to deliver message to",
	"the message that you sent was undeliverable", "this is an automatically generated delivery status notification",
	"your message cannot be delivered", "your message could not be delivered", "could not deliver your message", "could not deliver mail to",
	"message could not be delivered", "could not be delivered to", "could not be sent", "error message below", "message was undeliverable", "undeliverable message", "wasn't delivered to", "was not delivered because",
	"the user(s) account is", "each of the following recipients was rejected", "each of the following recipients",
	"your message was automatically rejected", "returned to you", "this is a delivery failure notification", "delivery failed for",
	"the following recipients could not be reached", "the following recipient", "this report relates to your message", "failed addresses follow",
	"the following destination addresses were unknown", "failure reasons", "message delivery failed", "mail delivery failed", "delivery failure",
	"the following address(es) failed", "sorry, i was unable to deliver", "sorry, we were unable to deliver", "sorry, the mail could not be delivered",
	"i'm sorry to have to inform you", "your e-mail could not be delivered", "your email could not be delivered", "could not send the message to the following recipient",
	"konnte nicht zugestellt werden", "konnten nicht zugestellt werden", "nicht zugestellt werden konnte", "unzustellbar",
	"n'a pas pu être remis", "n'a pas pu être distribué", "n'a pas pu être délivré", "n'a pas été remis",
	"no se pudo entregar", "no se ha podido entregar", "no pudo ser entregado", "no ha podido ser entregado",
	"impossibile recapitare", "non è stato possibile recapitare", "non è stato recapitato", "non può essere consegnat", "non è stato consegnato",
	"não pôde ser entregue", "não foi possível entregar", "não foi entregue", "nao pode ser entregue",
	"kon niet worden afgeleverd", "kon niet worden bezorgd", "kan niet worden afgeleverd", "niet worden bezorgd",
	"nie można było dostarczyć", "nie została dostarczona", "nie mogła zostać dostarczona", "nie można dostarczyć",
	"не было доставлено", "не удалось доставить", "не может быть доставлено",
	"配信できませんでした", "配送できませんでした", "送信できませんでした", "届けることができません", "お届けできません", "配達できません", "送信に失敗", "配信に失敗",
	"无法投递", "无法送达", "无法发送到", "退信", "投递失败", "發送失敗", "未能送达",
	"تعذر تسليم", "لم يتم تسليم", "فشل تسليم", "전송 실패", "배달되지",
}

// bounceSubjects are words of the subjects of bounces.
var bounceSubjects = []string{
	"undeliver", "undelivered", "delivery status notification", "failure notice", "returned mail", "mail delivery fail", "delivery failure", "delivery fail",
	"mail system error", "non delivery", "non-delivery", "nondeliver", "not deliver", "couldn't be delivered", "delivery report", "delivery notification", "delivery problem",
	"mail delivery", "message delivery", "returned to sender", "return to sender", "returning message", "delivery error", "send failed", "failed delivery",
	"delivery has failed", "mail error", "mail failure", "unknown recipient", "rejected mail", "mail could not", "message could not", "error mail", "bounce", "delivery delay", "delayed",
	"unzustellbar", "nicht zugestellt", "zustellung fehlgeschlagen", "fehlgeschlagen", "non remis", "non distribu", "échec de", "echec de la remise",
	"no se puede entregar", "no entregado", "no se pudo entregar", "no se ha podido", "error de entrega", "devuelto", "mancato recapito", "impossibile recapitare", "non recapitabile", "non recapitato", "mancata consegna",
	"não entregue", "nao entregue", "não é possível entregar", "falha na entrega", "devolvid", "niet bezorgd", "onbestelbaar", "niet afgeleverd", "niedostarczon", "nie dostarczono", "niedoręczal", "zwrot",
	"не доставлено", "недоставлен", "недоставка", "не удалось доставить", "配信", "配送", "エラー", "送信エラー", "不達", "送信失敗", "退信", "无法送达", "未送达", "系统退信", "投递失败", "退回", "تعذر", "فشل", "لم يتم",
}

// daemons are local parts and names that mail systems write bounces under.
var daemons = []string{"mailer-daemon", "mailerdaemon", "mail-daemon", "mail_daemon", "maildaemon", "postmaster", "mail delivery", "mail deliver", "mdaemon", "microsoftexchange", "mailer_daemon", "bounce", "smtp-daemon", "mail-delivery", "post_master", "mail administrator", "mail system", "system administrator"}

// looksBounced says whether somebody's mail system wrote the message to say that
// mail was not delivered. One sign alone may be chance; from the null
// reverse-path one is enough.
func (l *letter) looksBounced() bool {
	if l.header.Count("X-Failed-Recipients") > 0 {
		return true
	}
	subject := strings.ToLower(l.subject)
	lead := containsAny(normalSpace(clip(l.text, 4<<10)), reportLeads)
	daemon := l.daemon()
	signs := 0
	for _, sign := range []bool{lead, daemon, l.bounceSubject(), l.null} {
		if sign {
			signs++
		}
	}
	status, reply := codesIn(clip(l.text, maxReason))
	code := status != "" || reply != ""
	machine := l.automaticField() != "" || l.awaySubject()
	if signs == 0 || l.null && machine && (signs == 1 || !daemon && !code) {
		return false // an answering machine, which also sends from nobody
	}
	if l.null && (code || len(l.returned.Fields()) > 0) {
		signs++
	}
	if signs == 1 && l.bounceSubject() && !isAnswer(subject) && !machine {
		return l.tellsDeath()
	}
	if isAnswer(subject) && !l.null && !(lead && daemon) {
		return signs > 2
	}
	return signs >= 2
}

// bounceSubject says whether the subject is that of a bounce, or names a dead
// address itself: "Warning: a@b - User unknown!".
func (l *letter) bounceSubject() bool {
	return containsAny(strings.ToLower(l.subject), bounceSubjects) || !isAnswer(strings.ToLower(l.subject)) && reasons().find(l.subject).named()
}

// tellsDeath says whether a message that is known by its subject alone says in
// its text, too, that an address is dead, and which.
func (l *letter) tellsDeath() bool {
	text := clip(l.text, maxReason)
	_, reply := codesIn(text)
	return l.mentioned() != "" && (reply != "" || reasons().find(text).named())
}

// daemon says whether From is that of a mail system.
func (l *letter) daemon() bool {
	return containsAny(strings.ToLower(words(l.header.Get("From"))), daemons)
}

// isAnswer says whether a subject is of an answer or a forwarded message, which
// people write about bounces.
func isAnswer(subject string) bool {
	for _, p := range []string{"re:", "aw:", "fw:", "fwd:", "sv:", "antw:", "odp:", "wg:", "tr:", "rv:"} {
		if strings.HasPrefix(subject, p) {
			return true
		}
	}
	return false
}

func normalSpace(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(s, "’", "'"))), " ")
}

func containsAny(s string, marks []string) bool {
	for _, m := range marks {
		if strings.Contains(s, m) {
			return true
		}
	}
	return false
}

// delayed says whether a text bounce is only a warning: no word of it may say
// that the mail system gave up.
func (l *letter) delayed() bool {
	text := normalSpace(clip(l.text, 4<<10))
	if containsAny(text, []string{"giving up", "gave up", "given up", "permanent", "permanently", "failed after", "was returned", "will not be retried", "no further"}) {
		return false
	}
	subject := strings.ToLower(l.subject)
	if containsAny(subject, []string{"(delay)", "delayed", "delivery delay", "warning: could not send", "warning: message", "verzögert", "verzoegert", "retardé", "retrasad", "ritardat", "atrasad", "vertraagd", "opóźni"}) {
		return true
	}
	return reasons().find(text)[delay] != ""
}
