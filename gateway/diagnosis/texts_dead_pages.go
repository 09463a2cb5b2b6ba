package diagnosis

// Sentences of the pages that Microsoft 365, Gmail, Domino and others send to
// people, each in the language of its reader: of an address that was not found.
const deadTextsPages = `
unknown to address
adresse * eingegeben * wurde nicht gefunden
von ihnen eingegebene * adresse wurde nicht gefunden
wurde bei nicht gefunden
unbekannte an adresse
unbekannte empfängeradresse
nicht im domino verzeichnis
im domino verzeichnis nicht
nicht im adressbuch aufgeführt
adresse * que vous avez entree est introuvable
adresse e mail que vous avez entree est introuvable
ladresse e mail que vous avez entree est introuvable
adresse de messagerie que vous avez entree est introuvable
adresse * que vous avez entree na pas ete trouvee
adresse * na pas ete trouvee
ladresse * na pas ete trouvee
adresse * na pas pu etre trouvee
ladresse * na pas pu etre trouvee
adresse a inconnue
non repertorie dans lannuaire
ne figure pas dans lannuaire
no se pudo encontrar la direccion
no se encontro el buzon
direccion para desconocida
direccion * desconocida
no figura en el directorio
no aparece en el directorio
impossibile trovare lindirizzo
indirizzo * non e stato trovato
lindirizzo * non e stato trovato
lindirizzo * immesso non e stato trovato
indirizzo a sconosciuto
non elencato nella directory
non presente nella directory
nao foi possivel encontrar o endereco
endereco * inserido nao foi encontrado
endereco * que voce inseriu nao foi encontrado
endereco para desconhecido
adres dat u hebt ingevoerd is niet gevonden
adres * is niet gevonden
adres * kan niet worden gevonden
adres * kon niet worden gevonden
mailadres * is niet gevonden
mailadres dat u hebt ingevoerd is niet gevonden
mailadres * kan niet worden gevonden
mailadres * kon niet worden gevonden
emailadres * niet gevonden
onbekend aan adres
nie mozna odnalezc adresu
nie mozna odnalezc wprowadzonego adresu
nie mozna znalezc adresu
nie znaleziono * adresu
adresu * nie znaleziono
e postadressen du angav hittades inte
e postadressen * hittades inte
det gick inte att hitta e postadressen
adressen * hittades inte
adressen hittades inte
den angivne * adresse blev ikke fundet
mailadresse * blev ikke fundet
e mailadresse * blev ikke fundet
adressen blev ikke fundet
adressen * blev ikke fundet
e postadressen * ble ikke funnet
adressen ble ikke funnet
finner ikke e postadressen
finner ikke adressen
sahkopostiosoitetta ei loydy
sahkopostiosoitetta ei loytynyt
osoitetta ei loydy
osoitetta ei loytynyt
adresa * nebyla nalezena
adresa nebyla nalezena
adresu se nepodarilo najit
adresa nebola najdena
adresa * nebola najdena
cim nem talalhato
a cim nem talalhato
adresa * nu a fost gasita
adresa nu a fost gasita
e posta adresi bulunamadi
eposta adresi bulunamadi
adres bulunamadi
η διευθυνση δεν βρεθηκε
διευθυνση * δεν βρεθηκε
введенный адрес * не найден
адрес * не найден
не удалось найти адрес
не удалось найти введенный адрес
адресу не знайдено
адресу * не знайдено
адресата не знайдено
адресат не найден
找不到您输入的 * 地址
找不到你输入的 * 地址
未找到您输入的
未找到你输入的
找不到地址
找不到收件者
找不到您輸入的
주소를 찾을 수 없
주소를 찾지 못
alamat tidak ditemukan
khong tim thay đia chi
לא ניתן למצוא את הכתובת
הכתובת לא נמצאה
تعذر العثور على العنوان
تعذر العثور على عنوان
ディレクトリに登録されていません
ディレクトリに存在しません
ディレクトリーにリストされていません
`
