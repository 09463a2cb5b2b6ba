package diagnosis

// Texts that say the host or domain does not exist or takes no mail.
const noHostTexts = `
host or domain name not found
host or domain not found
dns domain does not exist
domain no longer exists
domain * no longer exists
domain is gone
domain * not exist
host unknown
unknown host
unknown mail host
host not found
host * not found
domain not found
domain * not found
domain * couldnt be found
domain * could not be found
domain couldnt be found
domain could not be found
domain does not exist
domain doesnt exist
domain * does not exist
domain * doesnt exist
domain name not found
domain name does not exist
no such host
no such domain
no host found
host does not exist
host doesnt exist
couldnt find any host named
could not find any host named
non existent domain
nonexistent domain
non existent host
nonexistent host
non existent hosts
nonexistent hosts
nxdomain
domain takes no mail
domain * does not accept mail
domain does not accept mail
domain does not accept email
domain does not accept e mail
recipient domain does not accept
domain * accepts no mail
null mx
nullmx
domain has null
no mail exchanger at all
mail domain is dead
illegal host domain name found
bad destination system address
domain existiert nicht
domäne existiert nicht
domäne nicht gefunden
rechner nicht gefunden
unbekannter rechner
unbekannte domain
domaine inconnu
domaine inexistant
domaine * nexiste pas
hote inconnu
dominio desconocido
dominio inexistente
dominio no existe
dominio * no existe
dominio no encontrado
host desconocido
dominio inesistente
dominio sconosciuto
dominio * non esiste
host sconosciuto
dominio desconhecido
dominio nao existe
dominio * nao existe
dominio nao encontrado
onbekend domein
domein bestaat niet
domein * bestaat niet
domena nie istnieje
nieznana domena
nieznany host
домен не найден
домен не существует
домен * не существует
域名不存在
域名未找到
找不到域名
找不到主机
ホストが見つかりません
ドメインが見つかりません
ドメインが存在しません
ドメインは存在しません
النطاق غير موجود
an mx or srv record indicated no smtp service
indicated no smtp service
`

// Texts that say the reader has gone to another address and nothing is
// forwarded (RFC 5321 section 3.4.2: reply 551).
const movedTexts = `
user not local please try
user not local please forward
user has moved
user moved
user * has moved
user * moved to
recipient has moved
mailbox has moved
mailbox moved
mailbox has been moved permanently
account has moved
address has changed
address changed to
address was changed
email address has changed
user has left
moved left no address
moved and left no
`

// Texts that speak of the address without saying that it is dead.
const doubtfulTexts = `
left the company
mailbox * has been closed
tried to reach has been closed
has left the
no longer works
no longer employed
delivery to this address
address does not resolve
adresse ist ungültig
ungültige adresse
ungültige empfängeradresse
ungültiger empfänger
empfänger ungültig
nest plus valide
adresse invalide
destinataire invalide
direccion no valida
destinatario no valido
indirizzo non valido
destinatario non valido
endereco invalido
destinatario invalido
ongeldig adres
nieprawidlowy adres
неверный адрес
недействителен
無効なアドレス
地址无效
无效地址
mailbox unavailable
mailbox not found or
is no longer valid
longer valid
cannot be accessed
no longer on
local mailbox * is unavailable
unknown domain
domain unknown
has moved
new address
mailbox is unavailable
mailbox not available
mailbox is not available
recipient unavailable
recipient rejected
recipient not accepted
recipient refused
recipient not allowed
recipient not ok
recipient denied
invalid address
invalid email
invalid e mail
invalid domain
bad address
bad recipient
bad mailbox
bad destination
address rejected
address unavailable
undeliverable address
not deliverable
no valid recipients
no valid recipient
no valid hosts
all recipients
no valid address
host found but no data
no mx
no mail exchanger
no mail server
no mail hosts
mail exchanger or ip
domain not hosted
not hosted here
not local
not our domain
no longer active
no longer available
not in use
no longer in use
no longer accept~
no longer in service
no longer receiv~
no longer with
unable to receive
cannot receive
unrouteable
unroutable
unresolvable
name or service not known
name no longer
ambiguous
syntax error in address
may not exist
might not exist
may be misspelled
account or domain may
destinataire rejete
empfänger abgelehnt
empfängeradresse abgelehnt
previously bounced
not delivering to
`

// The words of RFC 5321 section 4.2.3 for reply 550, which Outlook.com, GMX and
// others give for an address that does not exist.
const vacantTexts = `
requested action not taken mailbox unavailable
requested mail action not taken mailbox unavailable
requested mailbox action not taken mailbox unavailable
`

// Texts that speak of the address without saying that it is dead, and whose words
// mean something else by themselves.
const spurnedTexts = `
user lookup failed
not in our database
recipient lookup failed
address lookup failed
all recipient addresses rejected
recipient address rejected
domain is not reachable
domain not reachable
domain is unreachable
domain name does not resolve
domain does not resolve
domain not resolve
unable to resolve domain
cannot resolve domain
could not resolve domain
couldnt resolve domain
no longer registered
domain is not registered
domain not registered
domain * suspended
destination computer was not found
destination * was not found
destination host not found
no mx or a records
no mx or address record
no a or mx record
no mx record
has no mx
name service error for * host not found
unrouteable mail domain
unroutable mail domain
domain has expired
domain name has expired
domain expired
domain is expired
`

// Texts that say that a check of the address failed: beside "user unknown" they
// only say how that was found out.
const unverifiedTexts = `
callout verification failed
recipient verification failed
recipient verify failed
recipient address verification failed
address verification failed
`
