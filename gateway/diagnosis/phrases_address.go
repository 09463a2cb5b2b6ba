package diagnosis

// unknownPhrases say that there is no such mailbox.
var unknownPhrases = []string{
	"user unknown", "unknown user", "unknown local user", "unknown local part", "unknown recipient",
	"recipient unknown", "unknown mailbox", "mailbox unknown", "unknown address", "address unknown",
	"unknown or illegal user", "unknown or illegal alias", "unknown account", "account unknown", "no such user",
	"no such mailbox", "no such recipient", "no such address", "no such account", "no such person",
	"no such local user", "no such domain user", "no mailbox here", "no mailbox by that name",
	"no account by that name", "not a valid mailbox", "not a valid user", "not a valid recipient",
	"not a valid address", "not a known user", "not a local user", "not our user", "not our customer",
	"no valid recipients", "user doesnt exist", "user does not exist", "user not exist", "user not found", "user isnt",
	"user is not found", "user not known", "not a user", "user doesnt have a",
	"user you are trying to contact does not exist", "account that you tried to reach does not exist",
	"account does not exist", "account doesnt exist", "account not found", "account that you tried to reach is not",
	"mailbox does not exist", "mailbox doesnt exist", "mailbox not found", "mailbox not exist",
	"mailbox * does not exist", "mailbox name not found", "recipient does not exist", "recipient doesnt exist",
	"recipient not found", "recipient not exist", "recipients not found", "recipient no longer",
	"address does not exist", "address doesnt exist", "address not found", "address no longer",
	"address couldnt be found", "address could not be found", "couldnt find the address", "wasnt found at",
	"email address you entered couldnt be found", "e-mail address you entered couldnt be found", "invalid recipient",
	"recipient invalid", "invalid mailbox", "invalid user", "invalid userid", "invalid final delivery userid",
	"invalid address", "bad address", "bad destination mailbox", "bad recipient", "nonexistent", "non-existent",
	"non existent", "not listed in", "not recognized", "not in my", "recipientnotfound", "recipnotfound",
	"unrecognized recipient", "unrecognised recipient", "undeliverable address", "local user not found", "has moved",
	"user has left", "no longer available", "no longer exists", "no longer valid", "no longer in use", "no longer with",
	"no longer works", "no longer employed", "no longer on server", "does not like recipient",
	"requested user mailbox not found", "unable to find recipient", "cannot find the recipient", "adresse * invalide",
	"adresse inconnue", "utilisateur inconnu", "destinataire inconnu", "boîte aux lettres inconnue",
	"empfänger unbekannt", "empfänger nicht gefunden", "benutzer unbekannt", "unbekannter empfänger",
	"unbekannter benutzer", "adresse existiert nicht", "empfänger existiert nicht", "usuario desconocido",
	"usuario no existe", "no existe el usuario", "la cuenta no existe", "dirección * no existe",
	"destinatario desconocido", "utente sconosciuto", "destinatario sconosciuto", "indirizzo * inesistente",
	"utente inesistente", "usuário desconhecido", "usuário inexistente", "destinatário inexistente",
	"destinatário desconhecido", "conta inexistente", "onbekende gebruiker", "gebruiker onbekend", "adres bestaat niet",
	"nieznany użytkownik", "użytkownik nie istnieje", "adres nie istnieje", "nieznany adresat", "宛先不明", "该用户不存在",
	"用户不存在", "收件人不存在", "地址不存在", "邮箱不存在", "нет такого пользователя", "пользователь не найден", "mailbox unavailable",
	"address rejected",
}

// domainPhrases say that there is no such domain, or that it wants no mail.
var domainPhrases = []string{
	"host unknown", "unknown host", "host not found", "domain not found", "domain name not found", "unknown domain",
	"domain unknown", "no such domain", "no such host", "nxdomain", "domain does not exist", "domain doesnt exist",
	"host does not exist", "bad destination system", "bad destination host", "could not find any host",
	"couldnt find any host named", "couldnt find a mail exchanger", "no mail exchanger", "domain * couldnt be found",
	"all relevant mx records point to non-existent hosts", "null mx", "nullmx", "domain does not accept mail",
	"domain doesnt receive email", "domain does not receive", "mx 0", "non-existent domain", "nonexistent domain",
	"invalid domain", "no mx or a records", "no mx record", "ドメインが見つかりません", "域名不存在", "domain existiert nicht",
	"domaine inexistant", "dominio inexistente",
}

// certain are said of nothing but a dead address, in whatever reply and
// whatever stands around them. They come before everything else.
var certain = []string{
	"account that you tried to reach does not exist", "wasnt delivered to * because the address couldnt be found",
	"recipientnotfound", "recipnotfound", "no mailbox here by that name", "couldnt find any host named",
	"couldnt find a mail exchanger or ip address", "all relevant mx records point to non-existent hosts",
	"host unknown * authoritative answer", "type=* host not found", "this user doesnt have a",
	"not listed in domino directory", "not listed in public name & address book", "not listed in directory",
	"user unknown in virtual mailbox table", "user unknown in local recipient table",
	"user unknown in relay recipient table", "user unknown in virtual alias table", "recipient name is not recognized",
	"invalid final delivery userid",
}

// tellingPhrases are said of nothing but an address, in reply to whatever command.
var tellingPhrases = []string{
	"null mx", "nullmx", "host unknown", "unknown host", "host not found", "domain not found", "domain name not found",
	"nxdomain", "no such domain", "no such host", "domain does not exist", "domain doesnt exist", "not our user",
	"address not found", "bad destination mailbox", "address couldnt be found", "unknown or illegal user",
}

// guesses are the words of a mail system that is not sure.
var guesses = []string{
	" may not ", " may be ", " may have ", " might ", " perhaps ", " possibly ", " probably ", " maybe ", " either ",
	" could be ", " usually ", " seems ", " eventuell ", " möglicherweise ", " vielleicht ", " peut-être ", " quizás ",
	" tal vez ", " forse ", " talvez ", " misschien ", " być może ", "可能", "かもしれ", "または", "ربما",
}

// doubtful name an address and often mean something else.
var doubtful = []string{
	"does not like recipient", "no longer available", "has moved", "no valid recipients", "not in my", "no mx record",
	"no mail exchanger", "invalid address", "bad address", "not recognized", "undeliverable address", "no longer works",
	"mailbox unavailable", "address rejected",
}

// suspicious are parts of words that a text about a dead address does not hold.
var suspicious = []string{
	"reject", "block", "spam", "policy", "denied", "deny", "filter", "relay",
	"sender", "auth", "limit", "full", "size", "virus", "again", "allow", "permi", "list", "content", "refus",
	"not accept", "violat", "loop", "secur", "restrict", "error", "fail", "unavailable", "disabled", "timeout",
	"message", "delivery",
}

// hostGone says the same of a host, where it stands alone.
var hostGone = []string{"does not exist"}
