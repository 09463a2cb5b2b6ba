package footer

// phrases are how people are told that they can leave a list, in lower case.
// Beginnings of words stand for all their endings. A line that names settings or
// preferences alone is none of them: it does not say that it ends the mail.
var phrases = byFirst([]string{
	// English
	"unsubscrib", "opt out", "opt-out", "opting out", "stop receiving", "stop these e", "stop getting", "no longer wish", "no longer want",
	"don't want to receive", "don’t want to receive", "do not wish to receive", "do not want to receive", "don't wish to receive",
	"leave this list", "leave the list", "remove me", "remove yourself", "be removed from", "cancel your subscription", "cancel subscription",
	"end your subscription", "end subscription", "manage subscription", "manage your subscription",
	// German
	"abmeld", "abbestell", "austragen", "abonnement beenden", "abo beenden", "abo kündigen", "newsletter kündigen", "deabonnieren",
	"keine weiteren e-mails", "keine e-mails mehr", "nicht mehr erhalten", "nicht mehr empfangen", "nicht mehr beziehen", "keine newsletter mehr", "keinen newsletter mehr", "newsletter beenden", "aus dem verteiler", "von der liste löschen",
	// French
	"désabonn", "desabonn", "désinscri", "desinscri", "ne plus recevoir", "plus recevoir", "résilier votre abonnement", "se désinscrire",
	// Spanish, Catalan, Galician
	"de baja", "cancelar suscripción", "cancelar la suscripción", "cancelar tu suscripción", "cancelar su suscripción", "cancelar suscripcion",
	"anular suscripción", "anular la suscripción", "desuscri", "desinscrib", "dejar de recibir", "no recibir más", "no quiere recibir", "no quieres recibir", "no desea recibir", "no deseas recibir", "no vols rebre", "deixar de rebre", "cancela tu suscripción", "cancele su suscripción", "donar-se de baixa", "donar-te de baixa",
	"cancel·lar la subscripció", "darse de baixa",
	// Portuguese
	"cancelar inscrição", "cancelar a inscrição", "cancelar sua inscrição", "cancelar assinatura", "cancelar a assinatura", "cancelar subscrição",
	"cancelar a subscrição", "anular subscrição", "anular a subscrição", "descadastr", "desinscrev", "deixar de receber", "não receber mais", "não queira mais receber", "não quer mais receber", "não quiser mais receber", "não desejar mais receber", "cancele sua inscrição", "cancele a inscrição", "cancele a subscrição", "remova-me", "sair da lista",
	"não deseja mais receber", "remover inscrição",
	// Italian
	"disiscri", "annulla iscrizione", "annulla l'iscrizione", "annulla l’iscrizione", "annullare l'iscrizione", "annullare l’iscrizione",
	"cancella iscrizione", "cancella l'iscrizione", "cancella l’iscrizione", "cancellazione dalla", "cancellati dalla", "cancellarti", "non ricevere più", "più ricevere", "cancellare l'iscrizione", "cancellare l’iscrizione", "annulla la tua iscrizione", "rimuovimi", "disdire", "disdici",
	// Dutch
	"uitschrijv", "afmelden", "schrijf je uit", "schrijf u uit", "meld je af", "meld u af", "niet meer ontvangen", "geen nieuwsbrief meer", "abonnement opzeggen", "nieuwsbrief opzeggen", "geen e-mails meer",
	// Swedish, Norwegian, Danish, Icelandic, Finnish
	"avregistrera", "avprenumerera", "avsluta prenumeration", "avsluta din prenumeration", "säg upp prenumeration", "sluta få", "avmeld", "meld deg av", "meld meg av", "avslutt abonnement",
	"afmeld", "framelde", "afskrá", "peruuta tilau", "peruuttaa tilau", "lopettaa tilau", "perua tilau", "peru tilau", "lopeta tilau", "poistu listalta", "poistu postituslistalta",
	// Polish, Czech, Slovak, Hungarian, Romanian
	"wypisz", "wypisa", "anuluj subskrypcj", "zrezygnuj", "zrezygnowa", "rezygnacj", "wyrejestruj", "odsubskrybuj", "nie chcesz otrzymywać", "anulować subskrypcj", "odhlásit", "odhlásiť", "odhláš",
	"zrušit odběr", "zrušiť odber", "odhlasit", "odhlás", "nechcete dostávat", "neželáte dostávať", "nepřejete dostávat", "leiratkoz", "iratkozzon le", "iratkozz le", "dezabon", "nu mai doriți", "nu mai dorești",
	// Croatian, Serbian, Slovene, Estonian, Latvian, Lithuanian, Turkish, Greek
	"odjav", "loobu", "atrakst", "atsisak", "abonelikten", "aboneliği iptal", "aboneliğimi", "listeden çık", "üyelikten", "διαγραφ", "απεγγραφ", "κατάργηση εγγραφής",
	// Russian, Ukrainian, Bulgarian, Serbian
	"отпис", "отпиш", "не получать", "отменить подписку", "прекратить подписку", "отказаться от", "відпис", "відпиш", "скасувати підписку", "не отримувати", "відмовитися від", "отказ от", "одјав",
	// Arabic, Persian, Hebrew, Urdu
	"إلغاء الاشتراك", "الغاء الاشتراك", "إلغاء اشتراك", "إلغاء متابعة", "لغو اشتراک", "لغو عضویت", "הסר", "ביטול הרשמה", "ביטול מנוי", "לביטול",
	// Japanese, Chinese, Korean
	"配信停止", "配信解除", "購読解除", "購読停止", "購読を停止", "購読をやめる", "登録解除", "メルマガ解除", "解除はこちら", "解除手続", "退会", "退订", "退訂", "取消订阅", "取消訂閱",
	"수신거부", "수신 거부", "구독 취소", "구독취소", "구독 해지", "구독해지",
	// Vietnamese, Thai, Indonesian, Malay, Hindi
	"hủy đăng ký", "huỷ đăng ký", "ยกเลิกการสมัคร", "ยกเลิกการรับ", "ยกเลิกการเป็นสมาชิก", "berhenti berlangganan", "berhenti melanggan", "सदस्यता समाप्त", "सदस्यता रद्द",
})

// urlWords are how addresses say the same, without hyphens and underscores.
var urlWords = byFirst([]string{
	"unsub", "optout", "removeme", "signoff", "leavelist", "cancelsubscription", "abmeld", "abbestell", "austragen", "desabon", "desinscri", "désabon",
	"désinscri", "darsedebaja", "dardebaja", "desuscri", "descadastr", "cancelarinscri", "cancelarassin", "cancelarsuscri", "disiscri",
	"cancellaiscrizione", "annullaiscrizione", "uitschrijv", "afmeld", "avregistrer", "avprenumer", "avmeld", "framelding", "wypisz", "rezygn",
	"leiratkoz", "dezabon", "odhlas", "odjav", "otpis", "otkazatsya", "abonelikten", "odsubskr",
})

// index is texts by their first byte.
type index [256][]string

func byFirst(texts []string) *index {
	var x index
	for _, t := range texts {
		x[t[0]] = append(x[t[0]], t)
	}
	return &x
}

// in says whether one of the texts stands in s.
func (x *index) in(s string) bool {
	for i := range len(s) {
		for _, t := range x[s[i]] {
			if len(s)-i >= len(t) && s[i:i+len(t)] == t {
				return true
			}
		}
	}
	return false
}
