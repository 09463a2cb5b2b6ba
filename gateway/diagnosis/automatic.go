package diagnosis

import (
	"mime"
	"strings"

	"github.com/emersion/go-message/charset"

	"offramp/gateway/message"
)

// automaticAnswer knows what a machine answered: vacation notes, challenges,
// receipts (RFC 3834 section 2, RFC 8098). Bounces are looked for before, since
// some systems mark theirs as automatic replies too.
func (r *reader) automaticAnswer() []Finding {
	why := r.automatic()
	if why == "" || r.header.Get("X-Failed-Recipients") != "" {
		return nil
	}
	if from := addressesIn(r.header.Get("From")); len(from) > 0 && isSystem(from[0]) && r.isBounce() {
		return nil
	}
	return []Finding{{Kind: AutoReply, Recipient: firstAddress(r.header.Get("From")), Why: why}}
}

func firstAddress(value string) string {
	if all := addressesIn(value); len(all) > 0 {
		return all[0]
	}
	return ""
}

// automatic says why the message is an automatic answer; "": it is none.
func (r *reader) automatic() string {
	for _, p := range r.parts {
		if !p.inside && p.media == "message/disposition-notification" {
			return "it is a receipt (RFC 8098)"
		}
	}
	subject := strings.ToLower(strings.TrimSpace(decodeWords(r.header.Get("Subject"))))
	bounce := holdsAny(subject, bounceSubjects)
	for _, f := range r.header.Fields() {
		value := f.Value()
		word := message.Keyword(value)
		switch strings.ToLower(f.Name) {
		case "auto-submitted":
			if word != "no" && word != "auto-generated" && !bounce {
				return "Auto-Submitted says so (RFC 3834)"
			}
		case "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply":
			if word != "no" {
				return f.Name + " says so"
			}
		case "precedence":
			if word == "auto_reply" || word == "auto-reply" {
				return "Precedence says so"
			}
		case "x-apple-action":
			if word == "vacation" {
				return f.Name + " says so"
			}
		case "delivered-to":
			if word == "autoresponder" {
				return f.Name + " says so"
			}
		}
	}
	for _, phrase := range answerSubjects {
		if strings.Contains(subject, phrase) {
			return `its subject says "` + phrase + `"`
		}
	}
	return ""
}

// answerSubjects are those of answering machines and challenges, lower case.
var answerSubjects = []string{
	"out of office", "out-of-office", "out of the office", "automatic reply", "auto reply", "auto-reply", "autoreply",
	"auto response", "auto-response", "autoresponse", "automated response", "automated reply", "automatic response",
	"vacation reply", "vacation response", "on vacation", "away from my mail", "away from the office", "on leave",
	"annual leave", "maternity leave", "parental leave", "i am away", "please confirm your e-mail",
	"please confirm your message", "confirm your message to", "verification required for", "challenge from",
	"sender verification", "spam blocker", "spamarrest", "boxbe", "自动回复", "自動回覆", "不在办公室", "休假", "外出", "abwesenheit",
	"abwesend", "automatische antwort", "nicht im büro", "im urlaub", "außer haus", "réponse automatique",
	"absence du bureau", "message d'absence", "absent du bureau", "en congé", "absence de", "respuesta automática",
	"respuesta automatica", "fuera de la oficina", "ausente de la oficina", "de vacaciones", "resposta automática",
	"resposta automatica", "fora do escritório", "ausência", "de férias", "risposta automatica", "fuori ufficio",
	"fuori sede", "assenza dall", "in ferie", "automatisch antwoord", "afwezig", "niet op kantoor", "met vakantie",
	"op vakantie", "odpowiedź automatyczna", "automatyczna odpowiedź", "poza biurem", "nieobecność", "na urlopie",
	"自動返信", "自動応答", "不在通知", "不在のお知らせ", "休暇", "رد تلقائي", "الرد التلقائي", "خارج المكتب", "في إجازة",
}

// decodeWords undoes the encoded words of a field (RFC 2047), as far as it can.
func decodeWords(value string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if s, err := d.DecodeHeader(value); err == nil {
		return s
	}
	return value
}
