package diagnosis

import (
	"strings"

	"offramp/gateway/mime"
)

// returnMarks are lines that start the returned message in a text, such as
// "--- Below this line is a copy of the message. ---". Their words occur in no
// report itself. They are compared in lower case, without the dashes.
var returnMarks = []string{
	"below this line is a copy of the message",
	"this is a copy of the message",
	"this is a copy of your message",
	"this is a copy of the headers",
	"original message follows",
	"possibly truncated original message follows",
	"original message headers",
	"original message header",
	"original message attached",
	"original message",
	"original headers",
	"original e-mail",
	"original email",
	"original mail",
	"unsent message follows",
	"unsent message below",
	"undelivered message follows",
	"returned message follows",
	"returned message",
	"returned mail",
	"message header follows",
	"message headers follow",
	"message headers",
	"message header",
	"message follows",
	"message text follows",
	"header of the original message",
	"headers of the original message",
	"the header of the original message is following",
	"the headers of the message follow",
	"begin returned message",
	"beginning of the original message",
	"the original message was",
	"your message follows",
	"your original message",
	"the rejected message is",
	"included is a copy of the message header",
	"enclosed is a copy of the message",
	"a copy of the original message",
	"a copy of your message",
	"contents of the undelivered message",
	"forwarded message",
	"ursprungliche nachricht", "ursprüngliche nachricht", "originalnachricht", "original-nachricht",
	"der header der original-nachricht folgt",
	"message d'origine", "message original",
	"mensaje original", "mensagem original", "messaggio originale",
	"oorspronkelijk bericht", "oryginalna wiadomość", "исходное сообщение",
	"元のメッセージ", "原始邮件", "原邮件", "الرسالة الأصلية",
}

// cutReturned cuts a text in front of the message it returns.
func cutReturned(text string) (own, returned string) {
	for pos := 0; pos < len(text); {
		end := pos + 1 + strings.IndexByte(text[pos:], '\n')
		if end == pos {
			end = len(text)
		}
		line := strings.TrimRight(text[pos:end], " \t\r\n")
		if isReturnMark(line) {
			return text[:pos], strings.TrimLeft(text[end:], "\r\n")
		}
		if start, ok := mime.HeaderIn(text, pos); ok {
			return text[:start], text[start:]
		}
		pos = end
	}
	return text, ""
}

// isReturnMark distinguishes a mark from a sentence of a report that has the same words:
// a mark is alone on its line, between signs or at least with a colon or full
// stop behind it.
func isReturnMark(line string) bool {
	if len(line) < 8 || len(line) > 120 {
		return false
	}
	bare := strings.ToLower(strings.Trim(line, "-=_*#~>|+. :\t<"))
	frame := strings.TrimLeft(line, "| \t>")
	signs := strings.HasPrefix(frame, "--") || strings.HasPrefix(frame, "==") || strings.HasPrefix(frame, "__") || strings.HasPrefix(frame, "**")
	for _, m := range returnMarks {
		rest, ok := strings.CutPrefix(bare, m)
		if !ok {
			rest, ok = strings.CutPrefix(bare, "the "+m)
		}
		if !ok {
			continue
		}
		if signs || rest == "" && (strings.HasSuffix(line, ":") || strings.HasSuffix(line, ".")) {
			return true
		}
	}
	return false
}
