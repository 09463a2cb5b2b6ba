package diagnosis

import (
	"strings"

	"offramp/gateway/mime"
)

// receiptOf knows a disposition notification (RFC 8098): a reader's program says
// that the message was shown or deleted.
func receiptOf(l *letter) []Finding {
	if !l.receipt {
		return nil
	}
	if f := l.rejectedBySieve(); f.Class != "" {
		return []Finding{f}
	}
	return []Finding{{Kind: AutoReply, Recipient: l.from, System: systemOf(l), Why: "it is a read receipt (RFC 8098)"}}
}

// rejectedBySieve knows a disposition notification that a mail system sends in
// place of a bounce (RFC 5429 section 2.2), where it says that the mailbox takes
// no mail. Whatever else a script says, its reader is there.
func (l *letter) rejectedBySieve() Finding {
	text := l.said()
	class, cause, why := Classify("", "", text)
	if cause != CauseMailbox || class == Hard || !containsAny(normalSpace(clip(text, maxReason)), []string{"reject", "could not be delivered", "not be delivered", "undeliver"}) {
		return Finding{}
	}
	f := Finding{Kind: Bounce, Class: Soft, Cause: cause, Recipient: l.mentioned(), System: systemOf(l), Why: why}
	f.Diagnostic = clip(strings.TrimSpace(text), maxDiagnostic)
	if a := typedAddress(mime.ParseHeader(l.disposition).Get("Final-Recipient")); strings.Contains(a, "@") {
		f.Recipient = a
	}
	return f
}

// challenge knows systems that ask the sender to prove that he is one: their
// mail says no word about the address.
func challenge(l *letter) []Finding {
	sign := ""
	switch subject := fold(l.subject); {
	case l.header.Count("X-TMDA-Confirm") > 0, strings.Contains(strings.ToLower(l.header.Get("X-Delivery-Agent")), "tmda"):
		sign = "TMDA"
	case strings.HasSuffix(l.from, "@boxbe.com"):
		sign = "Boxbe"
	case l.status == nil && l.header.Count("X-Failed-Recipients") == 0 && containsAny(subject, challengeSubjects):
		sign = "the subject"
	case l.status == nil && containsAny(normalSpace(clip(l.text, 4<<10)), challengeTexts):
		sign = "the text"
	}
	if sign == "" || l.isReport() {
		return nil
	}
	return []Finding{{Kind: AutoReply, Recipient: l.from, Why: "it asks the sender to prove that they are human: " + sign + " says so"}}
}

func (l *letter) isReport() bool {
	return mime.Keyword(l.header.Get("Content-Type")) == "multipart/report"
}

// challengeSubjects are folded, challengeTexts are not.
var (
	challengeSubjects = []string{"please confirm your message", "please confirm your email", "confirm your message", "please confirm delivery", "message confirmation required", "sender verification required", "action required to deliver", "challenge response", "your message is awaiting verification", "waiting for your confirmation"}
	challengeTexts    = []string{"to release your message for delivery", "confirm that you are a human", "verify that you are a human", "prove that you are human", "prove you are not a spammer", "this one-time verification", "is being held because the address has not been verified", "added to the guest list", "you will only have to do this once", "complete this one-time"}
)

// automatic knows answering machines: those that follow RFC 3834, and those that
// have an older field or only a subject.
func automatic(l *letter) []Finding {
	why := l.automaticField()
	if why == "" && l.awaySubject() {
		why = "its subject is that of an answering machine"
	}
	if why == "" && l.null {
		if containsAny(fold(clip(l.text, 2<<10)), awayTexts) {
			why = "its text is that of an answering machine, from the null reverse-path"
		} else {
			return []Finding{l.unknownReport()}
		}
	}
	if why == "" {
		return nil
	}
	return []Finding{{Kind: AutoReply, Recipient: l.from, System: systemOf(l), Why: why}}
}

// awaySubject says whether the subject is one of answering machines; people who
// answer to one keep the subject.
func (l *letter) awaySubject() bool {
	return containsAny(" "+fold(l.subject)+" ", awaySubjects) && (l.null || !isAnswer(strings.ToLower(l.subject)))
}

// unknownReport is what came from the null reverse-path in no known form: only
// machines send so, and the address may be dead or well.
func (l *letter) unknownReport() Finding {
	f := Finding{Kind: Bounce, Class: Undecided, Recipient: l.mentioned(), System: systemOf(l)}
	f.Diagnostic = clip(strings.TrimSpace(l.text), maxDiagnostic)
	f.Why = "it came from the null reverse-path, but its form is not known"
	return f
}

// automaticField names a field only machines write. "auto-generated" is no
// answer (RFC 3834 section 5.1): providers send opt-outs so.
func (l *letter) automaticField() string {
	suppress := false
	for _, f := range l.header.Fields() {
		value := strings.ToLower(f.Value())
		word := mime.Keyword(value)
		switch strings.ToLower(f.Name) {
		case "auto-submitted":
			if word != "" && word != "no" && word != "auto-generated" && !(word == "auto-replied" && AppleUnsubscribe(l.header)) {
				return "the field Auto-Submitted says " + autoWord(word) + " (RFC 3834)"
			}
		case "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply", "x-autogenerated", "x-auto-reply", "x-auto-reply-from", "x-vacation", "x-away-message", "x-fc-machinegenerated":
			if word != "no" && word != "false" {
				return "it has the field " + f.Name
			}
		case "precedence", "x-precedence":
			if word == "auto_reply" || word == "auto-reply" || word == "autoreply" {
				return "the field Precedence says auto_reply"
			}
		case "x-ms-exchange-generated-message-source", "x-ms-exchange-inbox-rules-loop":
			return "it has the field " + f.Name
		case "x-auto-response-suppress":
			suppress = suppress || strings.Contains(value, "all") || strings.Contains(value, "oof") && strings.Contains(value, "autoreply")
		}
	}
	if suppress && l.header.Get("In-Reply-To") != "" && containsAny(fold(clip(l.text, 2<<10)), awayTexts) {
		return "it has the field X-Auto-Response-Suppress and the text of an answering machine"
	}
	return ""
}

// autoWord repeats a value only when it is a known word: "Auto-Submitted: call
// +1 900 555" must not put a stranger's text into the reason that is shown.
func autoWord(word string) string {
	switch word {
	case "auto-replied", "auto-notified":
		return word
	}
	return "that it is automatic"
}

// awaySubjects and awayTexts are folded. Subjects of one word have spaces around
// them, so that they are not part of another.
var (
	awaySubjects = foldAll("out of office", "out of the office", "out-of-office", "automatic reply", "automatic response", "auto reply", "autoreply", "auto-reply:", "autoresponse", "auto response", "auto-response", "autoresponder", "automated reply", "automated response", " vacation ", "on vacation", "vacation reply", "vacation notice", "away from my mail", "away from the office", "i am away", "on holiday", "on annual leave", "on parental leave",
		"自动回复", "自動回覆", "自動回复", "外出", "不在办公室", "休假", "度假",
		"automatische antwort", "abwesenheitsnotiz", "abwesenheit", "abwesend", "nicht im büro", "außer haus", "urlaub", "automatische rückantwort", "autoantwort",
		"réponse automatique", "absence du bureau", "absent du bureau", "en congé", "message d'absence", "je suis absent", "notification d'absence", "en vacances",
		"respuesta automática", "fuera de la oficina", "fuera de oficina", "ausente de la oficina", "de vacaciones", "contestación automática", "respuesta de ausencia",
		"resposta automática", "fora do escritório", "ausência temporária", "de férias", "em férias", "ausente do escritório", "resposta de ausência",
		"risposta automatica", "fuori ufficio", "fuori sede", "in ferie", "assente dall'ufficio", "assenza dall'ufficio", "messaggio di assenza",
		"automatisch antwoord", "afwezigheid", "afwezig", "niet aanwezig", "buiten kantoor", "op vakantie", "met vakantie", "automatische beantwoording", "automatische reactie",
		"odpowiedź automatyczna", "automatyczna odpowiedź", "poza biurem", "nieobecność", "nieobecny", "na urlopie", "urlop",
		"自動応答", "自動返信", "不在通知", "不在のお知らせ", "不在", "休暇", "外出中",
		"رد تلقائي", "رد آلي", "الرد التلقائي", "خارج المكتب", "في إجازة",
		"автоответ", "автоматический ответ", "нет на месте", "в отпуске", "отсутствую", "autosvar", "automatisk svar", "frånvaro")
	awayTexts = foldAll("out of office", "out of the office", "i am currently away", "i am away", "i'm away", "on vacation", "on holiday", "on leave", "automatic reply", "automated reply", "automatic response", "automated response", "auto reply", "autoreply", "will reply to your message", "will respond to your message", "limited access to email", "limited access to my email", "thank you for your message", "thank you for contacting", "thank you for your email", "we have received your", "no longer with the company", "no longer work", "when i return", "until i return",
		"nicht im büro", "nicht im hause", "im urlaub", "abwesend", "automatische antwort", "automatisch erstellt", "je suis absent", "en congé", "réponse automatique", "absent du bureau", "fuera de la oficina", "de vacaciones", "respuesta automática", "fora do escritório", "de férias", "resposta automática", "fuori ufficio", "in ferie", "risposta automatica", "niet aanwezig", "op vakantie", "afwezig", "automatisch antwoord", "poza biurem", "na urlopie", "automatyczna odpowiedź",
		"自动回复", "休假", "不在办公室", "自動応答", "自動返信", "不在", "休暇", "خارج المكتب", "في إجازة", "رد تلقائي", "в отпуске", "автоответ")
)

// foldAll folds marks, in each spelling, and keeps the spaces around them, which
// bound a word.
func foldAll(marks ...string) []string {
	out := make([]string, 0, len(marks))
	for _, m := range marks {
		for _, spelled := range spellings(m) {
			out = append(out, fold(spelled))
		}
	}
	return out
}
