package diagnosis

// Sentences of the pages that Microsoft 365, Gmail, Domino and others send to
// people, each in the language of its reader: of an address that was not found.
// Nouns stand beside what is said of them, as each language inflects them.
const deadTextsPages = `
unknown to address
user|recipient|mailbox|account|address is not known|registered
address|account|mailbox is not in use
address * has been deleted|removed
address|user|mailbox|account record not found
no user|mailbox|account|recipient record found
no valid user|account with
couldnt|cannot|cant find any such user|mailbox|account|address|recipient
adresse|ladresse du|de destinataire|lutilisateur inconnue
mailbox|user|recipient|account you are trying to reach isnt here
mailbox|user|recipient|account * isnt here
no local user|recipient|account
user|account|mailbox|recipient has been removed|deleted from
no account|user|mailbox|recipient|address found for
no such directory entry
never heard of
we do not have any such user|address|mailbox|account
address|mailbox|user|account does not|doesnt exist anymore
adresse * eingegeben * wurde nicht gefunden
adresse|empfänger|postfach|benutzer|konto|mailbox ist nicht bekannt|vorhanden
adresse|empfänger|postfach|benutzer|konto|mailbox|account gibt es|existiert nicht mehr
adresse|empfänger|postfach|benutzer|konto * nicht gefunden
wurde bei nicht gefunden
unbekannte an adresse
unbekannte empfängeradresse
nicht im domino verzeichnis
im domino verzeichnis nicht
nicht im adressbuch aufgeführt
ladresse|adresse * que vous avez entree|saisie|indiquee|specifiee est introuvable
ladresse|adresse * que vous avez entree|saisie|indiquee|specifiee na pas ete|pu trouvee|etre
ladresse|adresse e mail|courriel|messagerie * que vous avez entree|saisie est introuvable
adresse e mail que vous avez entree|saisie|indiquee est introuvable
adresse|ladresse|destinataire|utilisateur|boite|compte * na pas ete|pu trouve|trouvee|etre
adresse|ladresse|destinataire|utilisateur|boite|compte * nexiste pas|plus
adresse a inconnue
non repertorie dans lannuaire
ne figure pas dans lannuaire
no se pudo|puede encontrar|localizar la|el direccion|buzon|usuario|destinatario
no se encontro|encuentra|localizo la|el direccion|buzon|usuario|destinatario
direccion|usuario|destinatario|buzon|casilla|cuenta * no existe|existen|encontrado|encontrada
direccion|usuario|destinatario|buzon|casilla|cuenta * no fue|ha encontrado|encontrada|sido
direccion|usuario|destinatario|buzon|casilla|cuenta * desconocido|desconocida|inexistente
no existe * una casilla|cuenta|direccion|buzon con
no figura|aparece en el directorio
impossibile|non * trovare lindirizzo|indirizzo|utente|lutente|destinatario
indirizzo|lindirizzo|utente|lutente|destinatario|casella * non e stato|stata trovato|trovata
indirizzo|lindirizzo|utente|lutente|destinatario|casella * non esiste|trovato|trovata
lindirizzo|indirizzo * che hai|immesso * non e stato trovato
indirizzo a sconosciuto
non elencato|presente nella directory
nao foi|e possivel encontrar|localizar o|a endereco|usuario|utilizador|destinatario|conta|caixa
endereco|usuario|utilizador|destinatario|conta|caixa * nao existe|encontrado|encontrada|localizado
endereco|usuario|utilizador|destinatario|conta|caixa * nao foi encontrado|encontrada|localizado
endereco para desconhecido
adres|emailadres|mailadres|gebruiker|ontvanger|postvak|mailbox * niet gevonden|bekend
adres|emailadres|mailadres|gebruiker|ontvanger|postvak|mailbox * bestaat niet
adres|emailadres|mailadres|gebruiker|ontvanger|postvak|mailbox * kan|kon|is|werd niet worden gevonden
mailadres|emailadres|adres dat u|je hebt|heeft|hebt ingevoerd|opgegeven * niet gevonden
onbekend aan adres
nie mozna|udalo|znaleziono|odnaleziono * adresu|adresata|odbiorcy|uzytkownika|skrzynki|konta
adres|adresu|adresat|odbiorca|odbiorcy|uzytkownik|uzytkownika|skrzynka|konto * nie istnieje|znaleziono|odnaleziono
adres|adresat|odbiorca|uzytkownik|skrzynka|konto nieznany|nieznana|nieznane
nieznany|nieznana|nieznane|nieistniejacy|nieistniejaca adres|adresat|odbiorca|uzytkownik|skrzynka|konto
nie ma|brak takiego|takiej adresu|konta|uzytkownika|odbiorcy|skrzynki
postadress|postadressen|epostadress|epostadressen|adress|adressen|mottagaren|anvandaren|brevladan|kontot * hittades|finns inte
postadress|postadressen|epostadress|epostadressen|adress|adressen|mottagaren|anvandaren|brevladan|kontot * inte hittas|hittades
gick inte att hitta * postadressen|epostadressen|adressen|mottagaren|anvandaren
okand mottagare|anvandare|adress
mailadresse|mailadressen|adresse|adressen|modtageren|brugeren|postkassen|kontoen * blev ikke fundet
mailadresse|mailadressen|adresse|adressen|modtageren|brugeren|postkassen|kontoen * findes|eksisterer ikke
kunne ikke finde * mailadressen|adressen|modtageren|brugeren
postadressen|epostadressen|adressen|mottakeren|brukeren|postboksen|kontoen * ble ikke funnet
postadressen|epostadressen|adressen|mottakeren|brukeren|postboksen|kontoen * finnes|eksisterer ikke
finner|fant ikke * postadressen|epostadressen|adressen|mottakeren|brukeren
sahkopostiosoitetta|osoitetta|kayttajaa|vastaanottajaa|postilaatikkoa * ei loydy|loytynyt|ole
tuntematon|tuntematonta kayttaja|osoite|vastaanottaja
adresa|adresat|prijemce|uzivatel|schranka|ucet * nebyla|nebyl nalezena|nalezen
adresa|adresat|prijemce|uzivatel|schranka|ucet|prijemca|pouzivatel * neexistuje|nenalezen|nenalezena|nenajdena
adresu|prijemce|uzivatele * se nepodarilo najit
adresa|schranka nebola|neni najdena|nalezena
neznama|neznamy adresa|schranka|prijemce|uzivatel|prijemca
cim|cimzett|felhasznalo|postafiok * nem talalhato|letezik
nincs ilyen cim|cimzett|felhasznalo|postafiok
ismeretlen cim|cimzett|felhasznalo
adresa|utilizatorul|destinatarul|contul|casuta * nu exista
adresa|utilizatorul|destinatarul|contul|casuta * nu a fost gasita|gasit
posta|eposta|mail|alici|kullanici adresi|adresiniz|hesabi|kutusu bulunamadi|yok
adres|adresi|kullanici|alici|hesap|boyle * bulunamadi
boyle bir * adres|adresi|kullanici|hesap|alici yok|bulunmuyor|bulunmamaktadir
διευθυνση|χρηστης|παραληπτης|λογαριασμος * δεν βρεθηκε|υπαρχει
адрес|адресат|получатель|пользователь|ящик|аккаунт * не найден|существует|зарегистрирован|обнаружен
адреса|адресата|получателя|пользователя|ящика|аккаунта не|нет существует|найдено
нет|такого такого|нет адреса|адресата|получателя|пользователя|ящика|аккаунта
не удалось найти * адрес|адресата|получателя|пользователя|ящик
неизвестный адрес|адресат|получатель|пользователь
адреса|адресу|адресата|адресат|користувача|користувач|одержувача|скриньки * не знайдено|знайдений|існує
няма такъв|такава потребител|адрес|кутия|пощенска
потребителят|адресът|получателят * не съществува
korisnik|adresa|primatelj|primalac|sanduk * ne postoji
nepoznat|nepoznata korisnik|adresa|primatelj|primalac
uporabnik|naslov|prejemnik * ne obstaja
neznan uporabnik|naslov|prejemnik
sellist kasutajat|aadressi * ei ole|leitud
kasutajat|aadressi * ei leitud|eksisteeri
tundmatu kasutaja|saaja|aadress
nezinams lietotajs|sanemejs|adresats
lietotajs|adrese|adresats * neeksiste
nezinomas vartotojas|gavejas|adresatas
vartotojas|adresas|gavejas * neegzistuoja
perdoruesi|adresa * nuk ekziston
alamat|pengguna|penerima|akun * tidak ditemukan|ada|dikenal
đia chi|đia|người * khong ton tai
khong tim thay đia|nguoi chi|nhan|dung
找不到|未找到|查找不到 你|您 输入|輸入 的
找不到|未找到 地址|收件人|收件者|用户|用戶|邮箱|信箱|郵箱|该地址|該地址
地址|收件人|收件者|用户|用戶|邮箱|信箱|郵箱|帐号|账号|帳號|帐户|账户|帳戶 * 不存在|未找到|找不到|未註冊|未注册
없는 사용자~|주소~|계정~|메일주소~|수신자~
주소를|사용자를|수신자를|메일주소를|메일함을|계정을 찾을|찾지 수|못~
アドレス|メールアドレス|宛先|宛先アドレス|あて先|受信者|ユーザー|ユーザ|メールボックス|アカウント が|は 見つかりません|見つからない|存在しません|存在しない|存在致しません|登録されていません
アドレス|宛先|受信者|ユーザー|ユーザ|メールアドレス 不明
そのような * ユーザー|ユーザ|アドレス|メールボックス は|が いません|ありません|存在しません
該当する * アドレス|ユーザー|ユーザ|メールボックス が|は ありません
לא נמצא * משתמש|נמען|כתובת
הכתובת|המשתמש|הנמען|כתובת|משתמש|נמען לא נמצאה|נמצא|קיים|קיימת
לא ניתן למצוא את הכתובת
תיבה|תיבת * לא קיימת
تعذر العثور على * العنوان|عنوان|المستخدم|المستلم
العنوان|عنوان|المستخدم|المستلم|البريد * غير موجود|معروف
ไม่พบที่อยู่~
ไม่พบผู้รับ~
ディレクトリに登録されていません
ディレクトリに存在しません
ディレクトリーにリストされていません
`
