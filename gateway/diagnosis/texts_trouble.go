package diagnosis

// Texts about a mailbox that exists: full, switched off, not ready.
const mailboxTexts = `
mailbox full
mailbox is full
mailbox * is full
mailbox * full
mail box full
mail box is full
mbox full
mailfolder is full
mail folder is full
inbox is full
inbox full
incoming mailbox * is full
account is full
account full
user is full
mailbox size limit
mailbox limit
mailbox exceed~
mailbox quota
mailbox has exceeded
mailbox over
mailbox too large
mailbox is too large
mailbox would exceed
quota
overquota
quotaexceeded
over limit
disk space
disk usage
storage limit
storage space
storage full
storage is full
storage allocation
exceeded storage
exceeded * storage
out of storage
out of space
not enough storage
not enough space
not enough room
not enough disk
insufficient storage
insufficient space
insufficient mailbox
no space
no room
would exceed
would be over
over the allowed
over the maximum
exceeded the allowed
exceeded allowed
exceeded the storage
exceeded its
exceeded his
exceeded their
maildir delivery failed
too much mail
too many messages in
receiving mail too quickly
receiving mail at a rate
disabled
disable
deactivated
suspended
inactive
inactivity
not active
not activated
frozen
dormant
locked
on hold
expired account
account expired
account has expired
account blocked
account is blocked
account has been blocked
account is restricted
account on hold
mailbox blocked
mailbox closed
mailbox is closed
mailbox busy
mailbox is busy
mailbox unavailable try
mailbox temporarily
temporarily blocked
temporarily suspended
is not receiving
not currently accept~
not currently receiv~
currently not accept~
unable to receive mail at this time
does not want
doesnt want
does not wish
refuses to accept
refused by user
refused by recipient
rejected by recipient
rejected by user
recipient has blocked
recipient has not
only accept~ mail
only accept~ messages
user rejects
user filter
filtered by
domain filter
domain specified reception
reception refusal
postfach voll
postfach ist voll
postfach * voll
postfach * uberfullt
speicherplatz
speicher voll
uberfullt
quote uberschritten
quota uberschritten
kontingent
konto gesperrt
gesperrt
deaktiviert
boite pleine
boite * pleine
boite * saturee
saturee
depassement de quota
quota depasse
espace insuffisant
compte desactive
desactive
desactivee
compte suspendu
suspendu
buzon lleno
buzon * lleno
cuota
espacio insuficiente
sin espacio
suspendida
suspendido
deshabilitad~
desactivad~
casella piena
casella * piena
spazio esaurito
spazio insufficiente
disabilitat~
disattivat~
sospes~
caixa cheia
caixa * cheia
cota excedida
cota
espaco insuficiente
sem espaco
desativad~
suspens~
bloquead~
vol en
is vol
mailbox vol
postvak vol
postvak * vol
quotum
opslagruimte
geblokkeerd
gedeactiveerd
uitgeschakeld
pelna
przepelnion~
przekroczon~
zablokowan~
zawieszon~
nieaktywn~
переполнен
переполнена
заполнен
квота
квоты
заблокирован
заблокирована
отключен
отключена
неактивен
容量
いっぱい
一杯です
満杯
受信制限
受信拒否
利用停止
利用を停止
停止中
空间不足
空間不足
超过配额
配额
已满
已滿
满了
已禁用
被禁用
已停用
被冻结
已冻结
停用
ممتلئ
ممتلئة
الحصة
معطل
موقوف
`

// Texts about the message itself: its size, form, contents.
const contentTexts = `
too large
too big
toolarge
too long
message size
size limit
size exceed~
exceed~ size
exceed~ maximum
exceeds the maximum
maximum message
message exceed~
message is larger
larger than
maximum size
max size
file size
spam
spamming
spammy
junk
ube
unsolicited
bulk mail
bulk email
phish~
quarantine~
missing header
missing from
missing date
missing message
malicious
malware
virus
viruses
infected
trojan
attachment
attachments
message content
mail content
content filter
content reject~
content denied
content violation
content not accepted
contentrejected
due to content
because of content
inappropriate
suspicious
message rejected
message refused
message blocked
message was rejected
message failed
message filtered
message has been rejected
message has been blocked
mail content denied
rfc 5322
rfc5322
rfc 822
rfc 2822
rfc 5321
not rfc
non compliant
not compliant
malformed
header
headers
bare lf
bare cr
line too long
line length
8bit
utf 8
utf8
smtputf8
charset
mime
duplicate message
url
urls
zu gross
zu umfangreich
als spam
werbung
schadsoftware
anhang
trop volumineux
trop grand
trop gros
pourriel
indesirable
demasiado grande
contenido
correo no deseado
troppo grande
contenuto
posta indesiderata
muito grande
conteudo
indesejad~
te groot
inhoud
ongewenst~
za duza
zbyt duza
niechcian~
слишком большой
слишком велик~
спам
спама
вирус
вирусы
スパム
迷惑メール
ウイルス
ウィルス
サイズ
大きすぎ
垃圾
病毒
过大
太大
内容
كبيرة جدا
مزعجة
فيروس
`

// Texts about who sends and how: policy, reputation, authentication, relaying,
// rate.
const senderTexts = `
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
reverse
norelay
relaydenied
rcpthosts
open relay
sender
senders
senderid
mail from
mailfrom
envelope from
from address
from domain
from header
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
verify failed
verification
callout
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
group
groups
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
country
region
bad reputation
rejected by policy
rejected by administrator
rejected by the administrator
transport rule
transport rules
firewall
security
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
`

// Texts about connections, name service and the machines on the way.
const networkTexts = `
timed out
time out
timeout
timeouts
connection refused
connection reset
connection dropped
connection lost
connection closed
connection died
connection failed
connection failure
connection was
connect failed
connect to
lost connection
no connection
unable to connect
could not connect
couldnt connect
cannot connect
cant connect
failed to connect
unable to establish
unreachable
not reachable
no route
no answer
no response
not responding
not answering
did not respond
didnt respond
not respond
host is down
server is down
network error
network is
network problem
temporarily
temporary
temporarily unavailable
transient
try again later
please try later
try later
try again in
retry later
retry timeout
retry time
retry limit
youre sending
couldnt create
could not create
couldnt open
unable to open
host not found try again
dns error
dns failure
dns lookup failed
dns lookup failure
dns problem
dns issue
dns timeout
dns temporary
dns server
servfail
server failure
server error
name server reply
name lookup failure
host name lookup
lookup failure
lookup failed
cname lookup
no data found
recursive
name server timeout
nameserver
misconfigured
misconfiguration
mail loop
loop
looping
loops
too many hops
hop count
hops
maximum hop
too many received
routing
system error
internal error
internal server
local error
local problem
local configuration
configuration error
config error
configuration problem
i o error
io error
disk full
device
insufficient system
insufficient disk
insufficient resources
resources
out of memory
overload~
too busy
is busy
service unavailable
service not available
service is unavailable
service currently
system not accepting
not accepting network messages
not accepting connections
unavailable at
expired
expiration
message expired
queue
queued
command died
command failed
command not implemented
command unrecognized
command not recognized
unrecognized command
unknown command
unknown mailer
mailer error
mailer failure
bad sequence
protocol error
syntax error
parameters
exit status
exit code
exit value
program
pipe
script
script failed
cant create
cannot open
could not open
cannot create
read only
input output
database
ldap
lda
lmtp
backend
zeituberschreitung
verbindung
vorubergehend
spater
warteschlange
delai
connexion
temporaire
temporairement
plus tard
tiempo de espera
conexion
temporal
temporalmente
mas tarde
tempo scaduto
connessione
temporane~
piu tardi
tempo limite
conexao
temporari~
mais tarde
time out
verbinding
tijdelijk
polaczeni~
przekroczono czas
tymczasow~
соединение
соединения
временно
тайм аут
позже
タイムアウト
接続
一時的
しばらく
超时
连接
暂时
稍后
مؤقت
مؤقتا
اتصال
مهلة
`

// Texts that refuse without a reason: they outweigh a bare status code, and
// nothing else.
const refusalTexts = `
rejected
reject
rejects
refused
denied
declined
not accepted
not acceptable
unacceptable
unable to accept
cannot accept
will not accept
not wanted
bounced
dropped
filtered
discarded
abgelehnt
abgewiesen
verweigert
rejete
refuse
rechazado
rifiutato
rejeitad~
recusad~
geweigerd
odrzucon~
отклонено
отказано
拒否
拒绝
拒絕
مرفوض
`

// Texts of a report that delivery takes longer (RFC 3464 section 2.3.3,
// "delayed").
const delayTexts = `
warning message only
do not need to resend
dont need to resend
no need to resend
will continue to try
will keep trying
will keep on trying
will be retried
will retry
will try again
still trying
delivery attempts will continue
delivery will continue
not yet been delivered
not been delivered yet
has not yet been
has been delayed
is delayed
was delayed
message delayed
delivery delayed
delivery delay
could not be delivered for the last
not been delivered after
delivery is delayed
delivery to the following recipients has been delayed
delivery incomplete
temporary problem delivering
noch nicht zugestellt
weiterhin versucht
verzogert
zustellung verzogert
na pas encore ete
retarde
retrasad~
se ha retrasado
aun no se ha
non e stato ancora
ritardat~
ainda nao foi
atrasad~
vertraagd
nog niet
opoznion~
задержан~
пока не доставлено
配信が遅れ
遅延
延迟
تأخر
`
