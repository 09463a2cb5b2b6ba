package main

import (
	"slices"
	"strings"
)

// sharedNames are local parts, without separators, of addresses that usually
// send more than newsletters.
var sharedNames = []string{
	"hello", "hi", "info", "mail", "email", "post", "office", "team", "contact", "support", "help", "helpdesk", "service",
	"admin", "account", "accounts", "orders", "sales", "shop", "security", "notification", "notifications", "notify",
	"noreply", "donotreply", "noanswer",
	"hallo", "kontakt", "hilfe", "kundenservice", "kundendienst", "buero", "bestellung", "nichtantworten", "keineantwort", "bittenichtantworten",
	"bonjour", "aide", "assistance", "nepasrepondre", "pasdereponse",
	"hola", "contacto", "ayuda", "soporte", "noresponder", "noresponda",
	"ola", "contato", "ajuda", "suporte", "atendimento", "naoresponda", "naoresponder",
	"ciao", "contatti", "contatto", "assistenza", "nonrispondere",
	"hulp", "klantenservice", "nietantwoorden", "nietbeantwoorden",
	"hej", "hei", "svarainte", "svarikke", "eivastata", "biuro", "pomoc", "nieodpowiadaj",
}

// sendsOtherMail says whether a local part looks like that of an address which
// sends password resets, receipts or answers as well.
func sendsOtherMail(local string) bool {
	local, _, _ = strings.Cut(local, "+")
	return slices.Contains(sharedNames, strings.NewReplacer("-", "", "_", "", ".", "").Replace(local))
}

// warnNewsletters says which rules may catch more than newsletters, and which
// senders nothing signs for.
func (a *app) warnNewsletters(st setup, env map[string]string) {
	signed := []string{st.domain}
	for entry := range strings.SplitSeq(env[prefix+"DKIM_KEYS"], ",") {
		domain, _, _ := strings.Cut(strings.TrimSpace(entry), ":")
		signed = append(signed, strings.ToLower(domain))
	}
	for _, n := range st.newsletters {
		local, domain, _ := strings.Cut(n.from, "@")
		switch {
		case local == "" && slices.Contains(signed, domain):
			a.say("warning: the rule from=%s makes all mail of %s list mail, password resets too: name the address of the newsletter alone", n.from, domain)
		case sendsOtherMail(local):
			a.say("warning: %s looks like an address that sends other mail too. The rule makes all of it list mail, password resets too: "+
				"take it out of %s unless the address sends nothing but newsletters", n.from, st.rules)
		}
		if !slices.ContainsFunc(signed, func(d string) bool { return d != "" && (domain == d || strings.HasSuffix(domain, "."+d)) }) {
			a.say("warning: there is no DKIM key for %s, so its mail goes out unsigned: run `%s`", domain, a.command("init "+domain))
		}
	}
}

// newslettersAlone says what a rule does, before it is asked for one.
const newslettersAlone = "Newsletters that have List-Id or List-Unsubscribe need no rule. With one, all mail from the address becomes list\n" +
	"mail, password resets too: name only addresses that send nothing but newsletters."
