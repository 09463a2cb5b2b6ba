package diagnosis

import (
	"strings"

	"offramp/gateway/mime"
)

// optOut knows an answer whose first line says nothing but that the reader wants
// no more mail. What a machine wrote never counts.
func optOut(l *letter) []Finding {
	if l.null || l.isReport() || l.automaticField() != "" || l.fromList() {
		return nil
	}
	if AppleUnsubscribe(l.header) {
		return []Finding{{Kind: OptOut, Recipient: l.from, Why: "Apple Mail sent it when its Unsubscribe button was pressed"}}
	}
	line := firstLine(firstOf(l.answer, l.text))
	if !saysStop(line) {
		if line != "" || !saysStop(l.subject) {
			return nil
		}
	}
	return []Finding{{Kind: OptOut, Recipient: l.from, Why: "its first line only asks for no more mail"}}
}

// AppleUnsubscribe says whether Apple Mail wrote a message because its
// Unsubscribe button was pressed. It marks that mail as "auto-replied", too, as
// only answering machines should (RFC 3834 section 5.2).
func AppleUnsubscribe(h mime.Header) bool {
	return mime.Keyword(h.Get("X-Apple-Unsubscribe")) == "true"
}

// fromList says whether a message went to many, so that it is not an answer to our message.
func (l *letter) fromList() bool {
	switch mime.Keyword(l.header.Get("Precedence")) {
	case "bulk", "junk", "list":
		return true
	}
	return l.header.Count("List-Id") > 0
}

// firstLine returns the first line somebody wrote himself: neither quoted nor the
// line that introduces a quotation, a greeting or a signature. Some answer above
// what they quote, some below.
func firstLine(text string) string {
	lines := strings.Split(clip(text, maxReason), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(strings.TrimLeft(lines[i], "\ufeff\u00a0 \t"))
	}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "--") || strings.HasPrefix(line, "__") {
			return ""
		}
		if line == "" || quoted(line) || greeting(line) {
			continue
		}
		if end := introduces(lines[i:]); end > 0 {
			i += end
			continue
		}
		return line
	}
	return ""
}

func quoted(line string) bool { return strings.HasPrefix(line, ">") || strings.HasPrefix(line, "|") }

// introduces returns how far the lines reach that introduce a quotation, such as
// "On Monday Ada wrote:", which may be wrapped, or 0.
func introduces(lines []string) int {
	end := 0
	for end < len(lines) && end < 3 && lines[end] != "" && !quoted(lines[end]) {
		end++
	}
	next := end
	for next < len(lines) && lines[next] == "" {
		next++
	}
	last := strings.TrimSpace(lines[end-1])
	if next < len(lines) && quoted(lines[next]) && (strings.HasSuffix(last, ":") || strings.HasSuffix(last, "：")) {
		return end
	}
	return 0
}

// greeting says whether a line only greets.
func greeting(line string) bool {
	words := strings.Fields(fold(line))
	if len(words) == 0 {
		return true
	}
	return len(words) <= 4 && len(line) < 50 && courtesies[words[0]] == greets && !saysStop(line)
}

// courtesy is what may be said beside the request itself.
type courtesy int

const (
	greets courtesy = iota + 1
	polite
)

// saysStop says whether a line consists of words that end mail, with nothing
// beside them but courtesies: "please don't stop sending" has a word too many.
func saysStop(line string) bool {
	if len(line) > 200 || strings.ContainsRune(line, '?') || strings.ContainsRune(line, '？') || strings.ContainsRune(line, '؟') {
		return false
	}
	words := strings.Fields(fold(withoutNames(line)))
	for len(words) > 0 && courtesies[words[0]] != 0 && !stops[strings.Join(words, " ")] {
		words = words[1:]
	}
	for len(words) > 0 && courtesies[words[len(words)-1]] != 0 && !stops[strings.Join(words, " ")] {
		words = words[:len(words)-1]
	}
	return len(words) > 0 && stops[strings.Join(words, " ")]
}

var courtesies = courtesyTable(
	"hi hello hey dear sir madam team all greetings hallo guten tag moin liebe lieber sehr geehrte damen und herren bonjour bonsoir salut madame monsieur hola buenos dias buenas tardes estimados ola bom dia boa tarde prezados ciao buongiorno salve gentile gentili goedendag beste geachte dag czesc witam dzien dobry szanowni panstwo 您 好 你 مرحبا السلام عليكم",
	"please pls plz kindly thanks thank you thx ty now immediately today asap cheers regards bitte danke vielen dank sofort mfg gruss merci svp sil s il vous plait te immediatement cordialement por favor gracias ya ahora inmediatamente saludos obrigado obrigada agora ja favor per favore grazie subito adesso saluti alstublieft aub graag bedankt dank nu direct groeten prosze dziekuje natychmiast pozdrawiam 请 谢 謝 請 من فضلك شكرا رجاء لطفا",
)

func courtesyTable(greetings, politeness string) map[string]courtesy {
	table := map[string]courtesy{}
	for _, w := range strings.Fields(fold(politeness)) {
		table[w] = polite
	}
	for _, w := range strings.Fields(fold(greetings)) {
		table[w] = greets
	}
	return table
}

// stops are the wishes in eleven languages, folded; a whole line, not a part.
var stops = stopTable(
	"stop", "stop it", "stop stop", "stop stop stop", "stop all", "stopall", "end", "quit", "cancel", "unsubscribe", "unsubscribe me", "unsubscribe us", "unsubscribed", "un subscribe", "unsuscribe", "unsubcribe", "unsub", "unsubscribe this address", "unsubscribe my address", "unsubscribe my email", "unsubscribe my email address", "unsubscribe from this list", "unsubscribe me from this list", "unsubscribe me from your list", "unsubscribe me from all lists", "unsubscribe from all", "unsubscribe from mailing list", "unsubscribe from your mailing list", "unsubscribe me from your mailing list", "unsubscribe me from this mailing list", "opt out", "optout", "opt me out", "remove", "remove me", "remove us", "remove my email", "remove my address", "remove my email address", "remove me from your list", "remove me from this list", "remove me from the list", "remove me from your mailing list", "remove me from this mailing list", "remove me from the mailing list", "remove me from all lists", "remove me from your lists", "remove from list", "take me off", "take me off your list", "take me off this list", "take me off your mailing list", "take me off the list", "delete me", "delete me from your list", "no more", "no more emails", "no more mail", "no more mails", "stop emailing me", "stop mailing me", "stop sending me emails", "stop sending emails", "stop sending me mail", "stop sending", "stop sending me these emails", "stop these emails", "stop the emails", "stop emails", "stop all emails", "stop spamming me", "do not email me", "dont email me", "do not contact me", "do not send me emails", "do not send me any more emails", "dont send me emails", "dont send me any more emails", "i want to unsubscribe", "i would like to unsubscribe", "id like to unsubscribe", "i wish to unsubscribe", "i want to opt out",
	"退订", "退訂", "取消订阅", "取消訂閱", "停止", "停止发送", "停止發送", "取消", "删除我", "不要再发", "不要再发邮件", "不要再给我发邮件", "别再发了", "td", "我要退订", "我想退订", "停止发送邮件",
	"abmelden", "abmeldung", "abbestellen", "abbestellung", "mich abmelden", "melden sie mich ab", "newsletter abbestellen", "newsletter abmelden", "austragen", "mich austragen", "entfernen", "löschen", "stopp", "keine mails mehr", "keine e-mails mehr", "keine weiteren mails", "keine weiteren e-mails", "kündigen", "abmelden vom newsletter", "vom newsletter abmelden", "nehmen sie mich aus dem verteiler", "aus dem verteiler nehmen", "aus verteiler löschen", "ich möchte mich abmelden", "ich möchte den newsletter abbestellen", "adresse löschen", "meine adresse löschen", "keine werbung mehr",
	"désabonnement", "désabonner", "me désabonner", "désabonnez-moi", "désabonnez moi", "désinscription", "désinscrire", "me désinscrire", "désinscrivez-moi", "désinscrivez moi", "je souhaite me désabonner", "je veux me désabonner", "je souhaite me désinscrire", "je veux me désinscrire", "veuillez me désabonner", "veuillez me désinscrire", "arrêt", "arrêter", "arrêtez", "supprimer", "retirez-moi de la liste", "retirez-moi de votre liste", "supprimez-moi de votre liste", "plus de mails", "plus d'emails", "ne plus recevoir", "stop mails", "stop pub",
	"baja", "darme de baja", "dar de baja", "dame de baja", "denme de baja", "deme de baja", "darse de baja", "quiero darme de baja", "deseo darme de baja", "cancelar", "cancelar suscripción", "cancelar la suscripción", "cancelar mi suscripción", "anular suscripción", "anular la suscripción", "desuscribir", "desuscribirme", "desuscribirse", "eliminar", "elimíneme de la lista", "eliminarme de la lista", "bórrenme de la lista", "no más correos", "no más emails", "alto", "parar",
	"cancelar inscrição", "cancelar a inscrição", "cancelar minha inscrição", "cancelar subscrição", "cancelar a subscrição", "cancelar assinatura", "cancelar a assinatura", "descadastrar", "descadastrar-me", "me descadastre", "descadastre-me", "descadastre meu email", "remover", "remova-me", "remover-me", "me remova", "me remova da lista", "remova-me da lista", "remover da lista", "remova meu email", "sair", "sair da lista", "quero sair", "quero cancelar a inscrição", "quero cancelar minha inscrição", "não quero mais receber", "não quero mais receber emails", "pare", "parar de receber", "anular subscrição",
	"disiscrivimi", "disiscrivetemi", "disiscrizione", "disiscriviti", "disiscriversi", "disiscrivermi", "annulla iscrizione", "annullare iscrizione", "annulla l'iscrizione", "annullare l'iscrizione", "annullate la mia iscrizione", "cancellami", "cancellatemi", "cancellazione", "cancella", "cancella iscrizione", "cancellatemi dalla lista", "cancellami dalla lista", "rimuovimi", "rimuovetemi", "rimuovetemi dalla lista", "rimuovi", "voglio disiscrivermi", "desidero disiscrivermi", "vorrei disiscrivermi", "basta", "basta email", "non voglio più ricevere email", "non inviatemi più email", "ferma",
	"afmelden", "afmelding", "uitschrijven", "uitschrijving", "mij uitschrijven", "mij afmelden", "schrijf mij uit", "schrijf me uit", "meld mij af", "meld me af", "ik wil mij afmelden", "ik wil me afmelden", "ik wil mij uitschrijven", "ik wil me uitschrijven", "ik wil mij graag afmelden", "ik wil me graag afmelden", "opzeggen", "verwijderen", "verwijder mij", "verwijder me", "verwijder mij van de lijst", "verwijder mij uit de lijst", "geen mail meer", "geen mails meer", "geen e-mails meer", "abonnement opzeggen", "nieuwsbrief opzeggen",
	"wypisz", "wypisz mnie", "wypisać", "wypisanie", "wypisz mnie z listy", "chcę się wypisać", "chce sie wypisać", "rezygnuję", "rezygnacja", "rezygnacja z subskrypcji", "anuluj subskrypcję", "anulowanie subskrypcji", "anuluj", "zrezygnuj", "usuń", "usuń mnie", "usuń mnie z listy", "proszę o wypisanie", "proszę mnie wypisać", "proszę o usunięcie", "o wypisanie z listy", "mnie wypisać", "koniec", "nie chcę więcej maili", "wyrejestruj", "wyrejestruj mnie", "nie wysyłajcie więcej",
	"配信停止", "配信停止希望", "配信停止してください", "配信停止お願いします", "配信停止をお願いします", "配信停止を希望します", "配信を停止してください", "配信解除", "解除", "登録解除", "退会", "退会希望", "退会します", "購読解除", "購読停止", "購読を解除", "停止してください", "メール停止", "メールを停止してください", "送らないでください", "もう送らないでください", "メールを送らないでください", "ストップ", "不要", "不要です", "削除してください", "メルマガ解除",
	"إلغاء الاشتراك", "إلغاء اشتراكي", "الغاء الاشتراك", "الغاء", "إلغاء", "توقف", "أوقف", "أوقفوا", "قف", "إيقاف", "ألغوا اشتراكي", "أريد إلغاء الاشتراك", "أرجو إلغاء الاشتراك", "يرجى إلغاء الاشتراك", "احذفني", "إزالة", "احذفوني من القائمة", "أوقفوا الرسائل", "لا ترسلوا لي",
)

// stopTable folds the wishes. Each one also counts without what folding strips
// from its ends as a courtesy.
func stopTable(wishes ...string) map[string]bool {
	table := make(map[string]bool, len(wishes))
	for _, w := range wishes {
		for _, spelled := range spellings(w) {
			table[strings.Join(strings.Fields(fold(spelled)), " ")] = true
		}
	}
	return table
}
