package diagnosis

import (
	"strings"
	"unicode"
)

// optOut reads a reply whose first own line asks to be left alone, and little
// else.
func (r *reader) optOut() []Finding {
	if r.null {
		return nil
	}
	line := firstOwnLine(r.text)
	if line == "" {
		// Some programs put it all into the subject.
		line = strings.TrimSpace(decodeWords(r.header.Get("Subject")))
	}
	if !asksToLeave(line) {
		return nil
	}
	return []Finding{{Kind: OptOut, Recipient: firstAddress(r.header.Get("From")), Why: "the first line asks for it", Diagnostic: line}}
}

// firstOwnLine is the first line that is not quoted and no greeting.
func firstOwnLine(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "|") {
			return "" // what follows is somebody else's
		}
		words := plainWords(line)
		if len(words) == 0 || len(words) <= 4 && greetings[words[0]] {
			continue
		}
		return line
	}
	return ""
}

// plainWords are the words of a line in lower case, without punctuation.
func plainWords(line string) []string {
	return strings.FieldsFunc(strings.ToLower(cut(line, 300)), func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsPunct(c) && c != '-' || unicode.IsSymbol(c)
	})
}

var greetings = map[string]bool{
	"hi": true, "hello": true, "dear": true, "hallo": true, "guten": true, "sehr": true, "bonjour": true, "hola": true, "olá": true, "ciao": true,
	"buongiorno": true, "dag": true, "beste": true, "dzień": true, "witam": true, "你好": true, "您好": true, "こんにちは": true, "مرحبا": true,
}

// asksToLeave says whether a line is a wish to get no more mail, with nothing
// but politeness around it.
func asksToLeave(line string) bool {
	words := plainWords(line)
	if len(words) == 0 || len(words) > 12 {
		return false
	}
	said := " " + strings.Join(words, " ") + " "
	for _, no := range negations {
		if strings.Contains(said, " "+no+" ") {
			return false
		}
	}
	for _, several := range [...]bool{true, false} { // "from this list" before "this"
		for _, polite := range politeness {
			if strings.Contains(polite, " ") == several {
				said = strings.ReplaceAll(said, " "+polite+" ", " ")
			}
		}
	}
	said = strings.TrimSpace(said)
	for _, wish := range leaveWishes {
		if said == wish {
			return true
		}
	}
	return false
}

// negations turn a wish round: "do not stop".
var negations = []string{
	"not", "dont", "don", "never", "nicht", "ne", "pas", "não", "non", "niet", "nie", "不要停", "why", "how", "can't",
	"cant", "cannot", "unable",
}

// politeness may stand around a wish.
var politeness = []string{
	"please", "pls", "plz", "thanks", "thank you", "thank", "kindly", "now", "immediately",
	"me", "us", "all", "this", "again", "asap", "from this list", "from the list", "from your list",
	"from your mailing list", "from this mailing list", "from list", "from all lists", "my email", "my address",
	"my email address", "i want to", "i would like to", "i wish to", "email", "emails", "newsletter", "the newsletter",
	"your newsletter", "mailing list", "bitte", "danke", "mich", "sofort", "vom newsletter", "von diesem newsletter",
	"aus dem verteiler", "aus der liste", "s'il vous plaît", "s il vous plaît", "svp", "merci", "moi", "veuillez",
	"de cette liste", "de votre liste", "por favor", "gracias", "de la lista", "de esta lista", "de su lista",
	"obrigado", "obrigada", "da lista", "desta lista", "per favore", "per cortesia", "grazie", "dalla lista",
	"da questa lista", "dalla newsletter", "alstublieft", "aub", "alsjeblieft", "graag", "van deze lijst",
	"van de lijst", "voor deze nieuwsbrief", "van deze nieuwsbrief", "proszę", "dziękuję", "z listy", "z tej listy",
	"z newslettera", "mnie", "请", "請", "谢谢", "お願いします", "してください", "من فضلك", "شكرا", "رجاء",
}

// leaveWishes are whole wishes, lower case, without what is in politeness.
var leaveWishes = []string{
	"stop", "stop it", "stop sending", "stop mailing", "stop emailing", "stop sending these", "unsubscribe",
	"unsubscribed", "un-subscribe", "unsubscribe unsubscribe", "unsub", "opt out", "opt-out", "optout", "remove",
	"remove remove", "take off", "cancel subscription", "end", "quit", "no more", "no more mail", "cancel", "leave",
	"signoff", "unsubscribe from", "退订", "取消订阅", "退訂", "取消訂閱", "停止", "停止发送", "退订邮件", "请退订", "请取消订阅", "不要再发", "不要再发了",
	"请停止发送", "abmelden", "abmeldung", "abbestellen", "austragen", "stopp", "keine mehr", "keine mails mehr",
	"keine e-mails mehr", "abbestellung", "kündigen", "löschen", "entfernen", "streichen", "désabonner", "désinscrire",
	"désinscription", "désabonnement", "désabonnez", "désinscrivez", "me désabonner", "me désinscrire", "desabonner",
	"désabonnez-moi", "désinscrivez-moi", "arrêt", "arrêter", "arrêtez", "plus de mail", "supprimer", "baja",
	"darme de baja", "dar de baja", "darse de baja", "deme de baja", "cancelar suscripción", "cancelar la suscripción",
	"cancelar suscripcion", "no más", "no mas", "desuscribir", "desuscribirme", "eliminar", "parar", "detener",
	"quiero darme de baja", "cancelar", "cancelar subscrição", "cancelar inscrição", "cancelar assinatura",
	"descadastrar", "remover", "sair", "desinscrever", "pare", "parar de enviar", "anular subscrição", "cancellami",
	"cancellatemi", "cancellare", "cancellazione", "disiscrivi", "disiscrivimi", "disiscrivetemi", "disiscrizione",
	"annulla iscrizione", "rimuovi", "rimuovimi", "rimuovetemi", "basta", "afmelden", "uitschrijven", "afmelding",
	"stop met mailen", "schrijf uit", "meld af", "verwijderen", "opzeggen", "wypisz", "wypisać", "wypisz się",
	"rezygnuję", "rezygnacja", "anuluj subskrypcję", "usuń", "proszę o wypisanie", "o wypisanie", "wyrejestruj",
	"koniec", "配信停止", "配信停止希望", "配信を停止", "配信停止をお願いします", "配信を停止してください", "配信停止してください", "解除", "登録解除", "登録を解除", "登録解除希望",
	"退会", "退会希望", "購読解除", "購読停止", "停止してください", "メール不要", "إلغاء الاشتراك", "الغاء الاشتراك", "أوقف", "توقف", "إيقاف",
	"ألغوا اشتراكي", "أزيلوني",
}
