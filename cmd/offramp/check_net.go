package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"offramp/gateway/nexthop"
)

// dns looks for the records of every signing domain.
func (c *checker) dns(ctx context.Context) {
	keys, err := c.settings.dkimKeys()
	if err != nil {
		return
	}
	done := map[string]bool{}
	for _, k := range keys.All() {
		if done[k.Domain] {
			continue
		}
		done[k.Domain] = true
		all, err := zoneFor(k.Domain, c.settings, keys.All()).records()
		if err != nil {
			c.add(findFail, "DNS", err.Error(), "")
			continue
		}
		for _, r := range checkRecords(ctx, c.app.resolver, all) {
			name := r.Type + " " + r.Name
			switch {
			case r.Type == "CAA" || r.Type == "PTR" || done[name]:
			case r.State == stateOK:
				c.add(findOK, "DNS", name, "")
			case r.State == stateUnknown:
				c.add(findWarn, "DNS", name+": "+r.Note, "")
			case r.Need == must:
				c.add(findFail, "DNS", name+" is "+stateText(r), c.app.command("dns "+k.Domain))
			default:
				c.add(findWarn, "DNS", name+" is "+stateText(r), c.app.command("dns "+k.Domain))
			}
			done[name] = true
		}
	}
}

func stateText(r resourceRecord) string {
	switch {
	case r.State == stateMissing:
		return "not published"
	case len(r.Have) > 1 && r.kind != "":
		return fmt.Sprintf("there %d times, which is a permanent error: keep one", len(r.Have))
	}
	return "not what it must be"
}

// nextHop greets every next hop, logs in, and sends nothing.
func (c *checker) nextHop(ctx context.Context) {
	for _, text := range c.settings.Gateway.NextHop.Servers {
		if text == "mx" {
			c.add(findOK, "next hop", "mail goes to each domain's own servers (mx)", "")
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue // already reported with the settings
		}
		if err := greet(ctx, text, c.settings.Gateway.NextHop, c.settings.Gateway.Hostname); err != nil {
			c.add(findFail, "next hop", fmt.Sprintf("%s: %v. See that it runs and takes mail from this machine, or change OFFRAMP_NEXT_HOP", u.Redacted(), err), "")
			continue
		}
		c.add(findOK, "next hop", u.Redacted()+" answers", "")
	}
}

// greet opens a session with a next hop as the server does, login included.
func greet(ctx context.Context, server string, config nexthop.Config, hostname string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	config.Servers = []string{server}
	hops, err := nexthop.New(config, nexthop.Parts{Hostname: hostname})
	if err != nil {
		return err
	}
	defer hops.Retire()
	session, err := hops.Open(ctx, "")
	if err != nil {
		return err
	}
	hops.Give(session)
	return nil
}
