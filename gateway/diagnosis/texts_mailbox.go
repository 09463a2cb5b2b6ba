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
vacation
out of office
is not accepting
not accepting messages
not accepting mail
not accepting email
not accept messages
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
under review
under investigation
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
postfach * überfüllt
speicherplatz
speicher voll
überfüllt
quote überschritten
quota überschritten
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
schranka je plna
schranka * plna
plna schranka
postafiok megtelt
postafiok * megtelt
postafiok betelt
postalada megtelt
postalada betelt
casuta postala este plina
casuta * plina
indbakken er fuld
indbakke er fuld
postkasse er fuld
postkassen er fuld
postboksen er full
postkassen er full
innboksen er full
brevladan ar full
inkorgen ar full
postilaatikko on taynna
sahkopostilaatikko on taynna
γραμματοκιβωτιο ειναι πληρες
γραμματοκιβωτιο * πληρες
תיבת הדואר מלאה
התיבה מלאה
hop thu đay
hop thu * đay
kotak surat penuh
kotak masuk penuh
скринька переповнена
скринька * переповнена
скринька заповнена
posta kutusu dolu
posta kutusu * dolu
gelen kutusu dolu
가득 찼~
용량 초과
용량이 초과~
`
