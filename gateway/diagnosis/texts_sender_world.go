package diagnosis

// Who sends, and what blocks it, in the languages that also have words for a dead
// address: "the sender's address does not exist" is a claim about nobody's reader.
const senderTextsWorld = `
lemetteur
adresse dexpedition
avsandar~
avsandare
afsender~
afsender
avsender~
avsender
lahettaj~
odesilatel~
odosielatel~
felado~
expeditorul~
expeditor
gonderen~
gonderici~
αποστολε~
подател~
відправник~
posiljalac
posiljaoc~
posiljatelj~
saatja~
sutitaj~
siuntej~
dergues~
pengirim
nguoi gui
ผู้ส่ง~
寄件者
寄件人
发送者
发送方
發件人
發信人
您|你 的 邮箱|信箱|帐号|账号|地址|服务器|郵箱
差出人
השולח
שולח
blockerad~
blockerats
blokeret
blokkert
estetty
zablokovan~
letiltv~
letiltott
blocat~
engellen~
αποκλεισ~
блокиран~
заблокован~
blokiran~
diblokir
屏蔽
拦截
攔截
ブロック
차단~
스팸~
skrappost
roskaposti~
nevyzadan~
istenmeyen
`
