package diagnosis

import "testing"

// TestRules: each line rests on one rule, and is otherwise without it.
func TestRules(t *testing.T) {
	for _, c := range []struct{ text, want, rule string }{
		{"550 5.1.1 Benutzer hat zu viele Nachrichten", "soft", "a code beside words nobody knows"},
		{"550 5.1.1 Ei ole", "hard", "a code beside hardly a word"},
		{"550 5.1.1 (in reply to RCPT TO command)", "hard", "what Postfix adds is no word of the reply"},
		{"550 5.1.1 (in reply to end of DATA command)", "hard", "the same"},
		{"550 We serve this user. File not found", "none", "a phrase ends with its sentence"},
		{"551 user not local; please try <ada@new.example>", "hard", "but where the reply says where to"},
		{"550 5.1.1 Sorry, no mailbox here by that name / Schranka neexistuje", "hard", "the longest phrase decides where the next begins"},
		{"550 アドレスが見つからないか、受信できません", "soft", "Japanese joins reasons at the end of a verb"},
		{"550 アドレスが見つからない", "hard", "and without it, there is but one"},
		{"553 Invalid or unknown virtual user", "hard", "two words for the same"},
		{"550 din adress finns inte", "none", "your address is the sender's"},
		{"550-Callout verification failed: 550 no such user", "hard", "Exim says so of a recipient alone"},
		{"550 5.1.1 No such user in LDAP directory", "hard", "a directory is no fault of the network"},
		{"550 5.1.1 User not found in database", "hard", "nor is a database"},
		{"550 5.1.90 your mail cannot go today", "none", "5.1.90 is a limit of the sender's"},
		{"550 5.1.20 user unknown", "none", "5.1.20 is of several From addresses"},
		{"550 5.1.1 You reached your daily limit, user unknown", "none", "limits are the sender's"},
		{"550 5.7.1 From: address in header does not exist", "none", "addresses of the header are the sender's"},
		{"550 5.1.1 avsandarens adress finns inte", "none", "the sender in another language"},
		{"550 5.1.1 gonderenin adresi bulunamadi", "none", "the same"},
	} {
		status, reply := codesIn(c.text)
		class, cause, why := ClassifyFor("ada@dest.example", status, reply, c.text[4:])
		if got := weight(class, cause); got != c.want {
			t.Errorf("%s: %q is %s, want %s: %s", c.rule, c.text, got, c.want, why)
		}
	}
}

// Of what stands behind an address a report says nothing sure, and the label of
// an address is one in any case of letters.
func TestRulesOfReports(t *testing.T) {
	const head = "From: MAILER-DAEMON@mx.dest.example\nSubject: Undelivered mail\n\nThis message was created automatically by mail delivery software.\n\n"
	for _, c := range []struct{ text, recipient, want string }{
		{"  bob@home.example\n    (generated from ada@dest.example)\n    Unrouteable address\n", "bob@home.example", "soft"},
		{"  bob@home.example\n    (generated from bob@home.example)\n    Unrouteable address\n", "bob@home.example", "hard"},
		{"Получатель: ada@dest.example\nАдресат не существует\n", "ada@dest.example", "hard"},
		{"ПОЛУЧАТЕЛЬ: ada@dest.example\nАдресат не существует\n", "ada@dest.example", "hard"},
	} {
		f := Read([]byte("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"+head+c.text), true).Findings[0]
		if got := weight(f.Class, f.Cause); got != c.want || f.Recipient != c.recipient {
			t.Errorf("%q: %s about %q, want %s: %s", c.text, got, f.Recipient, c.want, f.Why)
		}
	}
}
