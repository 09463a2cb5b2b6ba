package diagnosis

import (
	"strings"
	"testing"
)

// quoting is how mail programs put what they quote below an answer, which
// stands for ANSWER.
var quoting = map[string]string{
	"Gmail":              `<div dir="ltr">ANSWER</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, News &lt;<a href="mailto:n@s.example">n@s.example</a>&gt; wrote:<br></div><div>Unsubscribe</div></div>`,
	"Yahoo":              `<html><body><div class="ydp1yahoo-style-wrap"><div dir="ltr">ANSWER</div><div><br></div></div><div id="ydp2yahoo_quoted_7" class="ydp2yahoo_quoted"><div><div>Unsubscribe</div></div></div></body></html>`,
	"Thunderbird":        `<p>ANSWER</p><div class="moz-cite-prefix">Am 4.3. schrieb News:<br></div><blockquote type="cite" cite="mid:1">Unsubscribe</blockquote>`,
	"Outlook on the web": `<div class="elementToProof">ANSWER</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><b>From:</b> News</div><div>Unsubscribe</div>`,
	"Outlook on the web, without appendonsend": `<div>ANSWER</div><div id="x_divRplyFwdMsg" dir="ltr"></div><div>Unsubscribe</div>`,
	"Outlook":           `<div class="WordSection1"><p class="MsoNormal">ANSWER</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"></p></div></div><p class="MsoNormal">Unsubscribe</p></div>`,
	"Outlook for Mac":   `<div>ANSWER</div><span id="OLK_SRC_BODY_SECTION"><div>Unsubscribe</div></span>`,
	"Outlook, new":      `<div>ANSWER</div><div id="mail-editor-reference-message-container"><div>Unsubscribe</div></div>`,
	"Hotmail":           `<div>ANSWER<br><hr id="stopSpelling">Unsubscribe</div>`,
	"Proton":            `<div>ANSWER</div><div class="protonmail_quote">Unsubscribe<br></div>`,
	"Tuta":              `<div>ANSWER</div><blockquote class="tutanota_quote">Unsubscribe</blockquote>`,
	"Zoho":              `<div>ANSWER</div><div class="zmail_extra_hr"></div><div class="zmail_extra"><div>Unsubscribe</div></div>`,
	"Zimbra":            `<div>ANSWER</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"></div><div data-marker="__QUOTED_TEXT__">Unsubscribe</div>`,
	"GMX":               `<div>ANSWER</div><div name="quote" style="margin:10px"><div>Unsubscribe</div></div>`,
	"Apple Mail":        `<div>ANSWER</div><div><br><blockquote type="cite"><div>Unsubscribe</div></blockquote></div>`,
	"NetEase":           `<div>ANSWER</div><div class="ntes-mailmaster-quote"><div>Unsubscribe</div></div>`,
	"original message":  `<div>ANSWER</div><div>-----Original Message-----</div><div>Unsubscribe</div>`,
	"message d'origine": `<div>ANSWER</div><div>-----Message d'origine-----</div><div>Désabonner</div>`,
}

// originals are the lines that Outlook and others put above what they quote.
var originals = []string{
	"-----Original Message-----", "-----Ursprüngliche Nachricht-----", "-----Message d'origine-----", "-----Mensaje original-----",
	"-----Mensagem original-----", "-----Messaggio originale-----", "-----Oorspronkelijk bericht-----", "-----Oryginalna wiadomość-----",
	"-----Wiadomość oryginalna-----", "-----元のメッセージ-----", "-----オリジナル メッセージ-----", "-----邮件原件-----", "-----原始邮件-----", "------------------ 原始邮件 ------------------", "-----原始郵件-----", "-----الرسالة الأصلية-----",
	"-------- Original message --------", "-------- Forwarded Message --------", "________________________________",
}

func answered(media, body string) Kind {
	return Read([]byte("From: ada@dest.example\nTo: b+token@lists.sender.example\nSubject: Re: News\nMIME-Version: 1.0\nContent-Type: "+media+"; charset=utf-8\n\n"+body), false).Findings[0].Kind
}

// What an answer quotes is not what its author wrote: an empty one opts nobody out,
// and one that asks for it does.
func TestQuotedIsNotWritten(t *testing.T) {
	for name, page := range quoting {
		if got := answered("text/html", strings.Replace(page, "ANSWER", "", 1)); got == OptOut {
			t.Errorf("%s: an empty answer opts out", name)
		}
		if got := answered("text/html", strings.Replace(page, "ANSWER", "Stop", 1)); got != OptOut {
			t.Errorf("%s: an answer does not opt out: %s", name, got)
		}
	}
	for _, line := range originals {
		if got := answered("text/plain", "\n\n"+line+"\n\nUnsubscribe\n"); got == OptOut {
			t.Errorf("%s: an empty answer opts out", line)
		}
		if got := answered("text/plain", "Stop\n\n"+line+"\n\nFrom: News\n\nHello\n"); got != OptOut {
			t.Errorf("%s: an answer does not opt out: %s", line, got)
		}
		if got := answered("text/html", "<div>"+line+"</div><div>Unsubscribe</div>"); got == OptOut {
			t.Errorf("%s in a page: an empty answer opts out", line)
		}
	}
}
