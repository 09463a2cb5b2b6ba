package diagnosis

// The tables hold what mail systems say, in the form that normal makes: lower
// case, no apostrophes, no brackets. A star stands for anything in between.
// What is said about the sender, the message or the mailbox comes before what
// is said about the address: "user unknown" beside "blocked" is no dead address.

// senderPhrases are about who sends, and from where.
var senderPhrases = []string{
	"blacklist", "black list", "blocklist", "block list", "blocked", "blocking", "banned", "denylist", "rbl",
	"spamhaus", "spamcop", "barracuda reputation", "dnsbl", "reputation", "is listed", "are listed", "been listed",
	"ip listed", "listed at", "listed on", "listed by", "poor reput", "senderbase", "greylist", "graylist",
	"grey listed", "client host rejected", "access denied", "access is denied", "access not permitted",
	"no access from", "permission denied", "not permitted to", "not allowed to", "not authorized", "not authorised",
	"unauthorized", "not authenticated", "authentication required", "authentication is required", "must authenticate",
	"unauthenticated", "relay access", "relaying denied", "relaying not allowed", "relaying prohibited",
	"relay not permitted", "relay denied", "not relay", "unable to relay", "cannot relay", "no relaying",
	"relaying is not", "relay prohibited", "to relay", "open relay", "relay operation", "rejected for policy",
	"policy reasons", "policy violation", "policy rejection", "local policy", "policy reject", "due to policy",
	"against policy", "policy restriction", "security policy", "site policy", "sending policy", "dmarc", "dkim", "spf",
	"sender policy framework", "sender id", "domainkeys", "purported responsible", "reverse dns", "ptr record", "rdns",
	"reverse lookup", "hostname verification", "reverse hostname", "resolve your", "your hostname", "helo", "ehlo",
	"your ip", "your server", "your mail server", "your domain", "your host", "your network", "sending ip", "client ip",
	"source ip", "ip address", "dynamic ip", "dial-up", "too many connections", "connection rate", "rate limit",
	"too many messages", "too many recipients", "too many errors", "too many unknown", "receiving mail at a rate",
	"exceeded the maximum number", "throttl", "message rate", "sending limit", "hourly", "daily limit",
	"sender address", "sender rejected", "sender denied", "sender verify", "sender verification", "verify sender",
	"verify failed", "verification failed for", "callout verif", "callback setup failed", "verifying", "sender domain",
	"sender is", "sender not", "invalid sender", "senders", "bad sender", "domain of sender", "mail from",
	"from address", "from domain", "return path", "return-path", "envelope sender", "reverse path", "reverse-path",
	"refused to talk", "unsolicited", "not accepting mail from", "not accept mail from", "does not accept mail from",
	"does not accept e-mail from", "refuse mail from", "refused by recipient", "you are not", "cannot send",
	"you cannot", "may not send", "restricted", "only accepts", "only accept", "accept messages only", "challenge",
	"whitelist", "white list", "not on the", "allow list", "suspicious", "abuse", "complaint", "starttls",
	"tls required", "must issue", "encryption", "certificate", "feedback loop", "contact your", "unexpected volume",
	"not a registered gateway", "protocol violation", "protocol error", "command parameter", "improper sequence",
	"syntax error", "command not", "out of sequence", "bad sequence", "pipelin", "lost synchron", "resolver.rst",
	"group * rejected", "posting to", "post messages to", "permission to post", "members of", "moderated",
	"recipnotauth", "notauthenticated", "email address is not verified", "identities failed the check", "sender's",
	"your message was rejected", "trusted", "geolocation", "country", "refused by policy", "administrative prohibition",
	"administratively", "prohibited", "forbidden", "absender", "expéditeur", "remitente", "mittente", "remetente",
	"送信者", "发件人", "发信", "拒绝", "受信拒否",
}

// messagePhrases are about what was sent.
var messagePhrases = []string{
	"spam", "junk", "content reject", "content filter", "content restriction", "message content", "content denied",
	"because its content", "banned content", "banned file", "bad content", "virus", "malware", "infected", "phish",
	"attachment", "executable", "scored as", "bulk mail", "unwanted", "too large", "too big", "size limit",
	"message size", "maximum size", "maximum message", "size exceed", "exceeds size", "larger than",
	"exceeds the maximum", "exceeds fixed", "header error", "malformed", "bad header", "multiple addresses in from",
	"not rfc", "rfc compliant", "rfc5322", "rfc2822", "rfc 2822", "rfc 5322", "8bit", "8-bit", "line too long",
	"mime error", "bad mime", "message filtered", "message rejected", "message refused", "message not accepted",
	"message was not accepted", "email rejected", "mail rejected", "mail refused", "transaction failed", "redundant",
	"ube", "uce", "smtputf8", "internationalized", "ndr", "loop", "too many hops", "hop count", "mail is looping",
	"duplicate", "refused the message", "because of its content", "nachricht zu gro", "trop volumineux",
	"demasiado grande", "迷惑メール", "垃圾邮件", "过大",
}

// fullPhrases say that there is no room in the mailbox.
var fullPhrases = []string{
	"mailbox full", "mailbox is full", "mail box full", "mailbox for user is full", "inbox is full", "inbox full",
	"box full", "box is full", "is full", "mailfolder is full", "folder is full", "account is full", "quota",
	"over the limit", "storage", "disk space", "no space left", "not enough space", "insufficient", "diskspace",
	"out of space", "exceeded * size", "would exceed", "mailbox size", "mailbox limit", "mailbox exceeds",
	"exceeded the space", "too much mail", "over limit", "postfach voll", "postfach ist voll", "speicherplatz",
	"überfüllt", "boîte pleine", "boite pleine", "boîte aux lettres pleine", "buzón lleno", "buzon lleno",
	"casella piena", "caixa cheia", "caixa de correio cheia", "skrzynka * pełna", "mailbox vol", "満杯", "容量", "邮箱已满",
	"空间不足", "已满", "ممتلئ",
}

// idlePhrases say that the mailbox is there, or was a while ago, and takes
// nothing now.
var idlePhrases = []string{
	"disabled", "inactive", "not active", "deactivated", "suspended", "frozen", "locked", "blocked * mailbox",
	"dormant", "expired", "on hold", "is closed", "unpaid", "out of memory", "temporarily", "temporary", "try again",
	"try later", "try your request", "later", "at this time", "at the moment", "currently", "not available",
	"unavailable at", "is unavailable", "in use", "busy", "defer", "not accepting messages", "not accepting mail",
	"not accepting email", "does not accept messages", "account has been", "account closed", "timed out", "zu viele",
	"一時的",
}

// networkPhrases are about the way there.
var networkPhrases = []string{
	"connection refused", "connection timed out", "connection timeout", "connection reset", "connection lost",
	"lost connection", "connection closed", "connection dropped", "no route to host", "network unreachable",
	"network is unreachable", "host unreachable", "not reachable", "unreachable", "could not connect",
	"unable to connect", "cannot connect", "cant connect", "timeout", "time out", "name service error", "name server",
	"nameserver", "lookup failure", "lookup failed", "lookup error", "dns error", "dns failure", "dns server",
	"servfail", "malformed or unexpected", "server error", "system error", "internal error", "internal system error",
	"service not available", "service unavailable", "service currently unavailable", "service is unavailable",
	"local error", "i/o error", "write error", "ldap", "database", "configuration error", "misconfig",
	"mail system failure", "unable to contact", "establish * connection", "did not accept our requests",
	"too long in queue", "in the queue too long", "retry time", "retry timeout", "retries", "message expired",
	"conversation with", "host or domain name not found. name service error*type=mx: malformed", "unable to route",
	"unrouteable", "unroutable", "routing", "delivery time exceeded", "could not be delivered for", "pipe", "procmail",
	"command died", "couldnt create", "cannot open", "cant create", "not be created", "exit status", "return code",
	"lmtp", "tls is required", "does not advertise", "malformed", "unspecified error", "verbindung", "serveur", "サーバ",
}
