package diagnosis

// The same in other languages.
const deadTextsWorld = `
correo inexistente
adresat neexistuje
prijemce neexistuje
adresa neexistuje
adresse destinataire inexistante
adresse du destinataire inexistante
unbekannter empfänger
empfänger unbekannt
empfänger ist unbekannt
empfängeradresse unbekannt
benutzer unbekannt
unbekannter benutzer
unbekannte adresse
adresse unbekannt
empfängeradresse existiert nicht
empfänger existiert nicht
empfänger nicht gefunden
empfänger wurde nicht gefunden
empfänger * nicht gefunden
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
adresse nicht vorhanden
postfach nicht vorhanden
mailbox nicht vorhanden
benutzer nicht vorhanden
empfänger nicht vorhanden
konto nicht vorhanden
kein solcher benutzer
kein solcher empfänger
kein solches postfach
kein solches konto
empfänger nicht bekannt
benutzer nicht bekannt
adresse nicht bekannt
postfach gibt es nicht
adresse gibt es nicht
empfänger * existiert nicht
adresse * nexiste plus
compte * nexiste plus
boite * nexiste plus
boite aux lettres inexistante
aucun utilisateur
casilla inexistente
casilla * no existe
usuario no registrado
usuario * no encontrado
casella * non trovata
casella * non esiste
utente * sconosciuto
usuario nao cadastrado
e mail inexistente
email inexistente
destinatario nao cadastrado
mailadres bestaat niet
e mailadres bestaat niet
ящик удален
аккаунт удален
пользователь удален
пользователь * удален
帳號不存在
帳戶不存在
查無此人
查无此人
查無此帳號
查无此用户
查無此用戶
信箱不存在
존재하지 않~
brukeren finnes ikke
mottakeren finnes ikke
modtageren findes ikke
kayttajaa ei loydy
vastaanottajaa ei loydy
χρηστης δεν υπαρχει
αγνωστος χρηστης
cimzett nem talalhato
felhasznalo nem talalhato
utilizatorul nu exista
utilizator inexistent
nguoi dung khong ton tai
המשתמש לא קיים
משתמש לא קיים
ไม่พบผู้ใช้~
neznamy uzivatel
neznamy adresat
uzivatel neznamy
uzivatel neexistuje
uzivatel * neexistuje
uzivatel nenalezen
schranka neexistuje
adresa neexistuje
pouzivatel neexistuje
neznamy pouzivatel
kullanici yok
boyle bir kullanici yok
alici bulunamadi
ukjent mottaker
anvandaren finns inte
mottagaren finns inte
brugeren findes ikke
nguoi nhan khong ton tai
pengguna tidak ditemukan
a cimzett nem letezik
felhasznalo nem letezik
המשתמש אינו קיים
המשתמש איננו קיים
користувач не існує
користувача не існує
скриньки не існує
скринька не існує
utilizator necunoscut
nepoznat korisnik
користувач невідомий
користувача не знайдено
невідомий користувач
ismeretlen cimzett
`
