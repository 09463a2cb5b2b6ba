package diagnosis

// Texts about the message itself: its size, form, contents.
const contentTexts = `
user agent
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
message blocked
message filtered
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
bad header
invalid header
header too
headers too
duplicate header
malformed header
header is
headers are
header line
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
