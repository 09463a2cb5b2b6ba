package diagnosis

// Texts that say the mailbox does not exist.
const deadTexts = `
user unknown
unknown user
unknown recipient
recipient unknown
recipient is unknown
recipient not known
recipient address unknown
recipient address is unknown
recipients unknown
unknown address
address unknown
address is unknown
unknown mailbox
mailbox unknown
unknown local
unknown account
account unknown
unknown addressee
addressee unknown
unknown email
unknown e mail
unknown or illegal alias
unknown alias
unknown virtual
username unknown
user name unknown
user is unknown
user not known
user * is not known
user * unknown
user * not known
not a known user
not known here
unknown to this host
unknown to us
no such user
no such mailbox
no such recipient
no such address
no such account
no such person
no such local
no such addressee
no such email
no such e mail
no such mail drop
no such alias
no such virtual user
no such name
no mailbox here
no mailbox by that name
no mailbox found
no mailbox with
no mailbox for
no user by that name
no user with that name
no account by that name
no account with
no recipient by that name
no one by that name
nobody by that name
nobody here
no local mailbox
no matches to nameserver query for user
there is no such
there is no one at
there is no user
there is no mailbox
there is no account
mailbox not found
mailbox * not found
mailbox does not exist
mailbox doesnt exist
mailbox * does not exist
mailbox * doesnt exist
mailbox not exist
mailbox could not be found
mailbox cannot be found
mailbox no longer exists
mailbox has been deleted
mailbox has been removed
mailbox deleted
mailbox invalid
user not found
user * not found
user does not exist
user doesnt exist
user * does not exist
user * doesnt exist
user not exist
user dont exist
user account * does not exist
user could not be found
user cannot be found
user no longer exists
user has been deleted
user deleted
user invalid
user not local
user is not local
user * not listed in
users mailbox * was not found
recipient not found
recipient * not found
recipient does not exist
recipient doesnt exist
recipient * does not exist
recipient * doesnt exist
recipient not exist
recipient could not be found
recipient cannot be found
recipient no longer exists
recipients mailbox does not exist
recipient mailbox does not exist
recipient not exists
recipients email address * not found
recipient name is not recognized
recipient * not recognized
recipient invalid
recipnotfound
recipientnotfound
exrecipnotfound
nosuchuser
nosuchmailbox
userunknown
unknownuser
account not found
account * not found
account does not exist
account doesnt exist
account * does not exist
account * doesnt exist
account not exist
account that you tried to reach does not exist
account could not be found
account no longer exists
account has been deleted
account has been closed
account has been terminated
account has been removed
account is closed
account closed
account deleted
account terminated
address not found
address * not found
address does not exist
address doesnt exist
address * does not exist
address * doesnt exist
address not exist
address could not be found
address couldnt be found
address wasnt found
address cannot be found
address was not found
address no longer exists
address is no longer valid
address no longer valid
address does not belong
address has been deleted
address is not valid here
address not listed
addressee does not exist
alias does not exist
alias not found
email does not exist
email not found
username does not exist
username not found
does not exist at the organization
does not exist here
does not exist on this server
does not exist on this system
doesnt exist on this server
not exist in our
not exist on our
not found in directory
not listed in domino directory
not listed in public name
not listed in name
not found in domino directory
not our customer
is not our user
not a local user
not a valid user
not a valid mailbox
not a valid recipient
is not a valid email
not a user here
isnt a valid user
invalid recipient
invalid mailbox
invalid user
invalid username
invalid local address
invalid final delivery user
invalid final delivery userid
illegal user
illegal alias
bad destination mailbox address
bad destination email address
non existent user
nonexistent user
non existent mailbox
nonexistent mailbox
non existent recipient
nonexistent recipient
non existent address
nonexistent address
non existent account
nonexistent account
undefined mailbox
undefined user
unrouteable address
unroutable address
doesnt have a account
does not have a account
does not have an account
doesnt have an account
does not have an email account
doesnt have an email account
does not have a mailbox
doesnt have a mailbox
has no mailbox
has no account
didnt match any recipient
does not match any recipient
mailbox name not found
name not found at
no valid mailbox
person not found
user id not found
unknown addresses
unknown users
unbekannter empfanger
empfanger unbekannt
empfanger ist unbekannt
empfangeradresse unbekannt
benutzer unbekannt
unbekannter benutzer
unbekannte adresse
adresse unbekannt
empfangeradresse existiert nicht
empfanger existiert nicht
empfanger nicht gefunden
empfanger wurde nicht gefunden
empfanger * nicht gefunden
benutzer existiert nicht
benutzer nicht gefunden
benutzer * existiert nicht
adresse existiert nicht
adresse * existiert nicht
adresse * nicht gefunden
adresse * wurde nicht gefunden
adresse * konnte nicht gefunden werden
postfach existiert nicht
postfach * existiert nicht
postfach nicht gefunden
postfach unbekannt
konto existiert nicht
konto * existiert nicht
kein benutzer mit
kein postfach mit
utilisateur inconnu
utilisateur introuvable
utilisateur * nexiste pas
utilisateur nexiste pas
utilisateur inexistant
destinataire inconnu
destinataire introuvable
destinataire inexistant
destinataire * nexiste pas
lutilisateur * nexiste pas
adresse inconnue
adresse introuvable
adresse inexistante
adresse * nexiste pas
ladresse * nexiste pas
adresse * introuvable
ladresse * est introuvable
boite * nexiste pas
boite inconnue
boite * inconnue
boite * inexistante
compte * nexiste pas
compte inexistant
usuario desconocido
usuario no existe
usuario * no existe
usuario inexistente
usuario no encontrado
usuario no valido
no existe el usuario
no existe la cuenta
no existe el buzon
no existe la direccion
no existe ese usuario
destinatario desconocido
destinatario no existe
destinatario * no existe
destinatario no encontrado
destinatario inexistente
direccion no existe
direccion * no existe
direccion no encontrada
direccion inexistente
no se encontro la direccion
no se ha encontrado la direccion
no se ha encontrado el destinatario
no se encontro el destinatario
no se encontro el usuario
buzon no existe
buzon * no existe
buzon inexistente
buzon no encontrado
cuenta no existe
cuenta * no existe
cuenta inexistente
utente sconosciuto
utente inesistente
utente non trovato
utente non esiste
utente * non esiste
lutente * non esiste
destinatario sconosciuto
destinatario inesistente
destinatario non trovato
destinatario * non esiste
indirizzo inesistente
indirizzo non trovato
indirizzo sconosciuto
indirizzo * non esiste
lindirizzo * non esiste
casella inesistente
casella sconosciuta
casella * inesistente
casella * non esiste
account inesistente
laccount * non esiste
usuario desconhecido
utilizador desconhecido
usuario nao existe
usuario * nao existe
utilizador * nao existe
usuario nao encontrado
utilizador nao encontrado
destinatario desconhecido
destinatario nao encontrado
destinatario * nao existe
destinatario nao existe
endereco nao existe
endereco * nao existe
endereco nao encontrado
endereco * nao foi encontrado
endereco inexistente
endereco desconhecido
conta nao existe
conta * nao existe
conta inexistente
caixa * nao existe
caixa * inexistente
onbekende gebruiker
gebruiker onbekend
gebruiker bestaat niet
gebruiker * bestaat niet
gebruiker niet gevonden
onbekende ontvanger
ontvanger onbekend
ontvanger bestaat niet
ontvanger niet gevonden
adres onbekend
adres bestaat niet
adres * bestaat niet
adres niet gevonden
adres * niet gevonden
mailbox bestaat niet
mailbox * bestaat niet
postvak bestaat niet
account bestaat niet
nieznany uzytkownik
uzytkownik nieznany
uzytkownik nie istnieje
uzytkownik * nie istnieje
nie ma takiego uzytkownika
brak takiego uzytkownika
nieznany odbiorca
odbiorca nieznany
odbiorca nie istnieje
adres nie istnieje
adres * nie istnieje
konto nie istnieje
konto * nie istnieje
skrzynka nie istnieje
skrzynka * nie istnieje
nie znaleziono adresu
nie znaleziono odbiorcy
nie znaleziono uzytkownika
пользователь не найден
пользователь * не найден
пользователь не существует
пользователь * не существует
пользователя не существует
нет такого пользователя
такого пользователя нет
неизвестный пользователь
пользователь неизвестен
получатель не найден
получатель не существует
неизвестный получатель
адрес не найден
адрес не существует
адреса не существует
несуществующий адрес
почтовый ящик не существует
почтового ящика не существует
почтовый ящик не найден
ящик не найден
ящик * не существует
аккаунт не существует
ユーザが存在しません
ユーザーが存在しません
ユーザは存在しません
ユーザーは存在しません
ユーザが見つかりません
ユーザーが見つかりません
ユーザー不明
ユーザ不明
不明なユーザ
宛先が見つかりません
宛先は存在しません
宛先が存在しません
宛先不明
あて先不明
宛先人不明
アドレスは存在しません
アドレスが存在しません
アドレスが見つかりません
メールボックスが存在しません
メールボックスが見つかりません
受信者が見つかりません
受信者が存在しません
受信者不明
该用户不存在
用户不存在
用户未找到
用户未知
未知用户
无此用户
没有此用户
找不到用户
找不到该用户
找不到收件人
找不到邮箱
收件人不存在
收件人 * 不存在
收件人地址不存在
收件人未知
邮箱不存在
邮箱 * 不存在
邮箱未找到
地址不存在
地址 * 不存在
帐号不存在
账号不存在
账户不存在
帐户不存在
用戶不存在
無此用戶
收件者不存在
使用者不存在
无此用户
المستخدم غير موجود
مستخدم غير موجود
المستخدم * غير موجود
مستخدم غير معروف
المستخدم غير معروف
المستلم غير موجود
المستلم غير معروف
العنوان غير موجود
العنوان * غير موجود
عنوان البريد * غير موجود
صندوق البريد غير موجود
الحساب غير موجود
لم يتم العثور على العنوان
لم يتم العثور على المستلم
لم يتم العثور على المستخدم
사용자를 찾을 수 없
존재하지 않는 사용자
수신자를 찾을 수 없
kullanici bulunamadi
bilinmeyen kullanici
okand mottagare
okand anvandare
ukendt modtager
ukendt bruger
ukjent bruker
tuntematon vastaanottaja
neznamy uzivatel
ismeretlen cimzett
`

// Texts that say the host or domain does not exist or takes no mail.
const noHostTexts = `
host unknown
unknown host
unknown domain
domain unknown
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
host or domain name not found
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
domane existiert nicht
domane nicht gefunden
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
`

// Texts that say the reader has gone to another address and nothing is
// forwarded (RFC 5321 section 3.4.2: reply 551).
const movedTexts = `
user has moved
user moved
recipient has moved
mailbox has moved
mailbox moved
mailbox has been moved permanently
account has moved
has moved to
has moved please
address has changed
address changed to
address was changed
email address has changed
new address is
is no longer here
user has left
moved left no address
moved and left no
`

// Texts that speak of the address without saying that it is dead.
const doubtfulTexts = `
mailbox unavailable
mailbox is unavailable
mailbox not available
mailbox is not available
recipient unavailable
recipient address rejected
recipient rejected
recipient not accepted
recipient refused
recipient not allowed
recipient not ok
recipient denied
recipient verification failed
recipient verify failed
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
no longer in use
no longer accept~
no longer in service
no longer receiv~
no longer with
is not accepting
not accepting messages
not accept messages
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
not exist or
does not exist or
not found or
unknown or
destinataire rejete
empfanger abgelehnt
empfangeradresse abgelehnt
`
