package diagnosis

// Texts about who sends and how: policy, reputation, authentication,
// rate.
const senderTexts = `
used to send
using to send
activate sending
outgoing
outbound
login
log in
logged in
logon
server address
host address
network address
your provider
bcc
too many unknown
too many invalid
too many non~
unable to verify that
could not verify that
cannot verify that
for sending
to send from
allowed to send
permitted to send
authorized to send
authorised to send
entitled to send
allowed list
allow list
owner discourages
ihr mailserver
ihr mail server
ihr server
votre serveur
su servidor
vostro server
ваш сервер
reverse
rcpthosts
open relay
sender
senders
submitter
sending mailbox
sending address
sending account
sending user
sending domain
sending host
sending server
보낸 사람~
보내는 사람~
발신자~
발송자~
송신자~
harvest~ attack
dictionary attack
senderid
mail from
mailfrom
envelope from
from address
from domain
from header
in from
in the from
in your from
return path
reverse path
originat~
helo
ehlo
reverse dns
reverse lookup
rdns
fcrdns
ptr
your dns
bad dns
dns record
your ip
your ips
client ip
client host
client address
ip address * block~
ip address * list~
ip address * not allowed
ip address * reputation
ip blocked
ip is blocked
your host
your domain
your server
your mail server
your email server
your network
your organization
blocked
blocking
block list
blocklist
blocklisted
blacklist
blacklisted
blacklists
black list
black listed
blacklisting
denylist
is listed
are listed
was listed
been listed
ip listed
host listed
address listed
currently listed
found listed
listed in spam~
listed in rbl
listed at
denylisted
block listed
rbl
rbls
dnsbl
ubl
spamhaus
spamcop
sorbs
barracudacentral
senderbase
reputation
policy
policies
policyviolation
violation
spf
dkim
dmarc
arc
dane
mta sts
domainkeys
authentication
authenticate
authenticated
unauthenticated
authrequired
auth required
must authenticate
smtp auth
banned
suspect~
abuse
abusive
complaint
complaints
rate limit
rate limited
ratelimit
rate exceeded
too many connections
too many recipients
too many messages
too many emails
too many mails
too many errors
too many invalid
too many concurrent
too many sessions
too many requests
too many bad
too many failed
too many unknown
too many simultaneous
too many smtp
too many open
too much
too fast
too quickly
throttl~
greylist~
graylist~
grey listed
deferred
connection limit
limit exceeded
maximum number
sending limit
daily limit
hourly limit
you are not
by filter
reply to address
reply to header
reply to domain
reply to field
callout
verification failed for
callback
call back
challenge
dial up
dialup
dynamic
residential
starttls
tls
ssl
encryption
encrypted
must issue
moderat~
approval
members only
not a member
subscriber~
mailing list
posting
not accept mail from
not accept email from
not accepting mail from
no mail from
mail from domain
mails from
messages from
emails from
connections from
trusted
untrusted
whitelist~
allowlist~
allow list
geo
bad reputation
rejected by policy
rejected by administrator
rejected by the administrator
transport rule
transport rules
firewall
content policy
fraud
spoof~
forged
forgery
impersonat~
absender
absenderadresse
richtlinie
richtlinien
ablehnungsliste
blockiert
nicht erlaubt
nicht gestattet
keine berechtigung
expediteur
lexpediteur
emetteur
liste noire
bloque
non autorise
politique
remitente
lista negra
bloqueado
no autorizado
no permitido
politica
politicas
mittente
bloccato
non autorizzato
non consentito
remetente
nao autorizado
nao permitido
afzender
beleid
zwarte lijst
niet toegestaan
nadawca
nadawcy
czarna lista
czarnej liscie
niedozwolon~
отправитель
отправителя
черном списке
заблокированы
политика
送信元
送信者
発信元
ブラックリスト
ポリシー
拒否されました
发件人
发信人
黑名单
策略
拒收
反垃圾
频率
المرسل
القائمة السوداء
سياسة
suppression list
suppressed
gray
`

// Texts that say something is not allowed, and not whether the sender or the
// recipient is the reason. Beside words about the address they do not outweigh
// those, and by themselves they say nothing about it.
const barredTexts = `
unverified address
mail rejected
mail refused
mail was rejected
mail rejete
email rejected
e mail rejected
message rejected
message refused
message was rejected
message failed
message has been rejected
unauthorized
unauthorised
not authorized
not authorised
not permitted
not allowed
isnt allowed
arent allowed
forbidden
prohibited
prohibition
restricted
restriction
restrictions
permission
permissions
access denied
accessdenied
access control
access not allowed
access restricted
administratively
security
verification
verify failed
group
groups
country
region
`

// Texts that refuse to pass mail on. A server says so of its own people's mail,
// too, where it knows nobody of that name.
const relayTexts = `
relaying
to relay
not relay
no relay
relay access
relay denied
relay not
relay prohibit~
relay attempt
relay operation
relay restrict~
relay is
unable to relay
may not relay
relaydenied
norelay
`
