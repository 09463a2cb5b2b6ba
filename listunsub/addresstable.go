package listunsub

// Names of the two code words that are not text.
const (
	shiftName  = "SHIFT"  // the letter that follows is upper case
	escapeName = "ESCAPE" // one byte follows, 8 bits, most significant first
)

// tableRow is the code words of one length: symbols separated by spaces.
type tableRow struct {
	bits    int
	symbols string
}

// addressTable is the static prefix code of address tokens. It is part of the
// format: any change needs a new addressVersion, and this table must stay to
// open what is in people's mailboxes.
//
// Code words are canonical: rows in order, symbols in order, each word the one
// before plus one, shifted when the length grows. The lengths are Huffman's for
// the letters of some 2,500 public addresses, with digits, dots and the share
// of common mail domains raised to what newsletters see. The last word is all
// ones and 13 bits long, so up to 4 ones of padding are never a symbol.
func addressTable() []tableRow {
	return []tableRow{
		{4, "a e i n o r"},
		{5, ". @ b c d h l m s t u"},
		{6, "1 @gmail.com f g j k p"},
		{7, "- .com 0 2 5 v w y z"},
		{8, "3 4 6 7 8 9 @hotmail.com @yahoo.com _ x SHIFT"},
		{9, "+ .de .org @icloud.com @outlook.com"},
		{10, ".co.uk .net @aol.com @gmx.de @mail.ru @qq.com @web.de q"},
		{11, ".edu .es .fr .it .nl @163.com @comcast.net @gmx.net @googlemail.com @hotmail.co.uk " +
			"@hotmail.fr @libero.it @live.com @me.com @msn.com @naver.com @orange.fr " +
			"@privaterelay.appleid.com @t-online.de @yahoo.co.jp @yahoo.co.uk @yahoo.fr @yandex.ru"},
		{12, ".ac.uk .at .be .ca .ch .com.au .com.br .cz .eu .io .pl .ru .se = @126.com @att.net " +
			"@bellsouth.net @bigpond.com @bk.ru @btinternet.com @charter.net @cox.net @docomo.ne.jp " +
			"@free.fr @freenet.de @gmx.at @gmx.ch @gmx.com @hotmail.de @hotmail.es @hotmail.it " +
			"@laposte.net @live.co.uk @live.fr @mail.com @o2.pl @outlook.de @outlook.es @outlook.fr " +
			"@proton.me @protonmail.com @rediffmail.com @sbcglobal.net @seznam.cz @sfr.fr @sky.com " +
			"@uol.com.br @verizon.net @wanadoo.fr @wp.pl @yahoo.ca @yahoo.co.in @yahoo.com.br " +
			"@yahoo.de @yahoo.es @yahoo.it @ymail.com ESCAPE"},
		{13, ".ai .app .ar .biz .cn .co .co.in .co.jp .co.nz .co.za .com.ar .com.cn .com.mx .com.tr " +
			".dev .dk .example .fi .gov .gov.uk .gr .hu .ie .in .info .jp .me .mx .no .org.uk .pt .tv " +
			".uk .us @abv.bg @alice.it @aon.at @arcor.de @bbox.fr @bell.net @bluewin.ch " +
			"@blueyonder.co.uk @bol.com.br @centrum.cz @chello.at @citromail.hu @daum.net @duck.com " +
			"@earthlink.net @email.cz @ezweb.ne.jp @fastmail.com @foxmail.com @freemail.hu @gazeta.pl " +
			"@hanmail.net @hetnet.nl @hey.com @home.nl @hotmail.be @hotmail.ca @hotmail.co.jp " +
			"@hotmail.com.ar @hotmail.com.br @hotmail.nl @hotmail.se @ig.com.br @inbox.ru @interia.pl " +
			"@kpnmail.nl @list.ru @live.com.mx @live.de @live.dk @live.it @live.nl @live.se @mac.com " +
			"@mailbox.org @nate.com @neuf.fr @ntlworld.com @onet.pl @online.de @online.no @op.pl " +
			"@optonline.net @optusnet.com.au @otenet.gr @outlook.com.br @outlook.it @pec.it @planet.nl " +
			"@pm.me @posteo.de @rambler.ru @rocketmail.com @rogers.com @sapo.pt @shaw.ca @sina.com " +
			"@skynet.be @softbank.ne.jp @sympatico.ca @talktalk.net @telefonica.net @telenet.be " +
			"@telia.com @terra.com.br @tin.it @tiscali.it @tutanota.com @ukr.net @virgilio.it " +
			"@virginmedia.com @walla.co.il @windowslive.com @xs4all.nl @xtra.co.nz @ya.ru " +
			"@yahoo.com.ar @yahoo.com.au @yahoo.com.hk @yahoo.com.mx @yahoo.com.tw @yahoo.in " +
			"@ziggo.nl @zoho.com"},
	}
}
