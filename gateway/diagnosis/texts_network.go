package diagnosis

// Texts about connections, name service and the machines on the way.
const networkTexts = `
milter
delivery agent unknown user
policy server host
unable to run
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
not answering
host is down
server is down
network error
network is
network problem
youre sending
couldnt create
could not create
couldnt open
unable to open
dns error
dns failure
dns lookup failed
dns lookup failure
dns problem
dns issue
dns server
server error
name server reply
name lookup failure
host name lookup
lookup failure
lookup failed
cname lookup
no data found
recursive
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
verbindung
warteschlange
connexion
conexion
connessione
conexao
verbinding
polaczeni~
соединение
соединения
接続
连接
اتصال
`

// The same where it is only for a while.
const passingTexts = `
timed out
time out
timeout
timeouts
no response
not responding
did not respond
didnt respond
not respond
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
host not found try again
name service error for * host not found try again
dns timeout
dns temporary
servfail
name server timeout
zeitüberschreitung
vorübergehend
später
delai
temporaire
temporairement
plus tard
tiempo de espera
temporal
temporalmente
mas tarde
tempo scaduto
temporane~
piu tardi
tempo limite
temporari~
mais tarde
tijdelijk
przekroczono czas
tymczasow~
временно
тайм аут
позже
タイムアウト
一時的
しばらく
超时
暂时
稍后
مؤقت
مؤقتا
مهلة
server failure
at the moment
come back later
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
verzögert
zustellung verzögert
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
