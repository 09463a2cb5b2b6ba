package diagnosis

import "strings"

// said is what a report says of why: its text without the lines that describe the
// message, and without the subject of that, which may hold any word. One that
// names a dead address is more likely the report's own.
func (l *letter) said() string {
	text := l.text
	for _, subject := range []string{words(l.returned.Get("Subject")), l.lostSubject()} {
		if subject = strings.TrimSpace(subject); len(subject) >= 4 && !reasons().find(subject).named() {
			text = strings.ReplaceAll(text, subject, " ")
		}
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if describes(line) {
			line = "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// lostSubject is the subject of the message that was not delivered, where the
// report has it in its own: "Undeliverable: Weekly news".
func (l *letter) lostSubject() string {
	kind, subject, _ := strings.Cut(l.subject, ": ")
	if containsAny(strings.ToLower(kind), bounceSubjects) && addressIn(subject) == "" {
		return subject
	}
	return ""
}

// describes says whether a line only names a field of the message, with what it
// has there. A reply, or a reason in a sentence, is none.
func describes(line string) bool {
	label, value, ok := strings.Cut(strings.TrimLeft(line, "-*|> \t"), ":")
	if !ok || !fieldLabels[strings.Join(strings.Fields(fold(label)), " ")] {
		return false
	}
	_, reply := codesIn(clip(value, maxDiagnostic))
	return reply == ""
}

// fieldLabels are folded.
var fieldLabels = labelSet(
	"subject", "message subject", "original subject", "mail subject", "sender", "original sender", "envelope sender", "message sender", "from", "mail from", "return path",
	"date", "sent", "message id", "original message id", "size", "message size", "attachment", "attachments", "attachment name", "file", "filename", "reply to", "cc", "headers", "content type",
	"betreff", "absender", "von", "datum", "gesendet", "anhang", "objet", "expéditeur", "de", "envoyé", "pièce jointe", "asunto", "remitente", "fecha", "enviado", "adjunto",
	"oggetto", "mittente", "da", "data", "allegato", "assunto", "remetente", "anexo", "onderwerp", "afzender", "van", "bijlage", "temat", "nadawca", "od", "załącznik",
	"тема", "отправитель", "от", "件名", "差出人", "送信者", "日時", "主题", "主題", "发件人", "寄件者", "时间",
)

func labelSet(labels ...string) map[string]bool {
	set := map[string]bool{}
	for _, label := range labels {
		set[strings.Join(strings.Fields(fold(label)), " ")] = true
	}
	return set
}
