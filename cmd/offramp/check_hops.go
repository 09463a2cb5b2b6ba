package main

import (
	"crypto/rsa"
	"slices"

	"offramp/gateway/dkim"
	"offramp/gateway/nexthop"
)

// profiles says what each next hop does to signed mail, and what follows.
func (c *checker) profiles() {
	all, err := c.settings.Gateway.NextHop.Profiles()
	if err != nil {
		return // already reported with the settings
	}
	for _, hop := range all {
		name := hop.Host
		if name == "" {
			if hop.Profile.Name == nexthop.Generic {
				continue // nothing follows from it
			}
			name = "mx"
		}
		state := findOK
		if slices.Contains(hop.Profile.Rewrites, "List-Unsubscribe") {
			state = findWarn
		}
		c.add(state, "next hop", name+" has the profile "+hop.Profile.Name+": "+hop.Profile.Means, "")
		if hop.Profile.Name == "ses" && len(c.settings.Gateway.Hooks.SESTopics) == 0 && !c.settings.Gateway.BouncesComeBack() {
			c.addFinding(finding{State: findWarn, What: "next hop", Text: name + " receives the bounces and complaints",
				Do: "let Amazon SNS post them to /hooks/ses, and name the topic in OFFRAMP_HOOK_SES_TOPICS"})
		}
		if hop.Profile.Signatures > 0 {
			c.withoutRSA(name)
		}
	}
}

// withoutRSA looks for domains whose one signature many receivers cannot verify.
func (c *checker) withoutRSA(hop string) {
	keys, err := c.settings.dkimKeys()
	if err != nil {
		return // already reported with the settings
	}
	isRSA := func(k dkim.Key) bool {
		_, ok := k.Signer.Public().(*rsa.PublicKey)
		return ok
	}
	var done []string
	for _, k := range keys.All() {
		if slices.Contains(done, k.Domain) || slices.ContainsFunc(keys.For(k.Domain), isRSA) {
			continue
		}
		done = append(done, k.Domain)
		c.addFinding(finding{State: findWarn, What: "DKIM", Text: hop + " accepts one signature, and " + k.Domain + " has an Ed25519 key only, which many receivers do not verify",
			Do: "make an RSA key with offramp keygen dkim, publish its record, and add it to OFFRAMP_DKIM_KEYS"})
	}
}
