package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"offramp/store"
)

// notices are the metrics of the running server that say that mail may reach
// people other than it should, other than it came, or not at all.
var notices = [...]struct {
	metric, state, one, more, text, do string
}{
	{"offramp_delivery_unsigned_messages_total", findWarn, "list message", "list messages", "left unsigned (unsigned in the log): mail programs show no unsubscribe button for them", "make a DKIM key for their From domain (offramp init DOMAIN), or fix the line of their header that is no field"},
	{"offramp_delivery_broken_signatures_total", findWarn, "message", "messages", "left with a signature of their own over a field that Offramp or the next hop changes (broken_signature in the log): that one fails at the recipient, Offramp's own counts", "let what signs in front of Offramp leave out List-Unsubscribe and List-Unsubscribe-Post, or not sign"},
	{`offramp_long_lines_total{result="passed"}`, findWarn, "message", "messages", "left with lines over 998 bytes (long_lines=passed in the log), which a server further on may break, and the signature with them", "have the application send lines of up to 998 bytes"},
	{`offramp_footers_total{result="left"}`, findWarn, "list message", "list messages", "left without a visible link in a part of the body (footer in the log): signed or encrypted parts, and charsets without ASCII, take none", "have the application put {{offramp.unsubscribe_url}} where people look for the link"},
	{"offramp_placeholders_left_total", findWarn, "message", "messages", "accepted with a placeholder that stays for its readers to see (placeholder_left in the log)", "write {{offramp.unsubscribe_url}} and {{offramp.preferences_url}} as they are here, in the text of list mail: not in its header, an attachment, or a part that is signed or encrypted"},
	{`offramp_smarthost_withheld_total{cause="bounced"}`, findWarn, "message", "messages", "not sent by the smarthost, since its own list has the address as bounced (did not send in the log)", "take addresses that work again off the smarthost's list of bounces: Offramp cannot"},
	{`offramp_smarthost_withheld_total{cause="unsubscribed"}`, findWarn, "message", "messages", "not sent by the smarthost, since its own list has the address as unsubscribed (did not send in the log)", "take people who came back off the smarthost's list of unsubscribes, and turn its unsubscribe handling off"},
	{`offramp_smarthost_withheld_total{cause="complained"}`, findWarn, "message", "messages", "not sent by the smarthost, since its own list has the address as one that complained (did not send in the log)", "take people who came back off the smarthost's list of complaints"},
	{`offramp_smarthost_withheld_total{cause="other"}`, findWarn, "message", "messages", "not sent by the smarthost, since its own list has the address (did not send in the log)", "look at the smarthost's suppression list"},
	{`offramp_smtp_connections_total{result="refused"}`, findWarn, "SMTP connection", "SMTP connections", "refused with 421, since one address, strangers or all together had as many as they may have", "look who connects (ss -tn sport = :25, or the port of OFFRAMP_SMTP_ADDR); for your own servers raise OFFRAMP_SMTP_CONNECTIONS_PER_IP, or add them to OFFRAMP_TRUSTED_NETWORKS"},
	{"offramp_delivery_dropped_signatures_total", findOK, "signature that came with a message", "signatures that came with messages", "removed, since the next hop accepts one only", ""},
	{"offramp_next_hop_limits_total", findOK, "limit of a next hop", "limits of next hops", "learnt or announced (messages per connection, recipients per message); each counts for an hour", ""},
}

// noticed sums up what the running server noticed about the mail it relayed.
func (c *checker) noticed(ctx context.Context) {
	if !c.running {
		return
	}
	resp, err := c.settings.adminGet(ctx, "/metrics")
	if err != nil {
		return // other findings say that it does not answer
	}
	defer resp.Body.Close()
	counts := readMetrics(io.LimitReader(resp.Body, 1<<20))
	c.integrity(counts["offramp_consent_damaged"] > 0, counts["offramp_consent_stopped"] > 0)
	c.mailIntegrity(counts["offramp_spool_damaged"] > 0)
	for _, n := range notices {
		if count := counts[n.metric]; count > 0 {
			c.addFinding(finding{State: n.state, What: "mail", Do: n.do,
				Text: fmt.Sprintf("since the start of the server: %s %s", plural(count, n.one, n.more), n.text)})
		}
	}
	for _, f := range slips(counts) {
		c.addFinding(f)
	}
	if limits := hopLimits(counts); len(limits) > 0 {
		c.addFinding(finding{State: findOK, What: "mail", Text: "limits of next hops that Offramp keeps under now: " + strings.Join(limits, ", ")})
	}
}

// verify opens the data as a start does, and reads the records that stop mail and the queue,
// where no server does that.
func (c *checker) verify(ctx context.Context) {
	failed := func(f finding) bool { return f.State == findFail && (f.What == "settings" || f.What == "data") }
	if c.running || slices.ContainsFunc(c.findings, failed) || c.settings.needLedgerKey() != nil {
		return // it could say nothing new
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // tens of millions of records
	defer cancel()
	var people, mail store.Integrity
	err := c.operate(ctx, func(cl *client) (err error) {
		if cl.integrity != nil {
			people, mail, err = cl.integrity(ctx)
		}
		return err
	})
	switch {
	case err == nil:
		c.integrity(people.Damage != "", people.Stopped)
		c.mailIntegrity(mail.Damage != "")
	case errors.Is(err, store.ErrDamaged):
		c.add(findFail, "data", err.Error(), c.app.command("repair"))
	case errors.Is(err, store.ErrOlder), errors.Is(err, store.ErrInUse), errors.Is(err, context.DeadlineExceeded):
		// A start upgrades it; somebody works with it; there is more than a minute of it.
	default:
		c.add(findFail, "data", err.Error(), "")
	}
}

// integrity reports damage to the records that stop mail.
func (c *checker) integrity(damaged, stopped bool) {
	text := ""
	switch {
	case stopped:
		text = "records of people are damaged and nobody can say whose: no list mail is sent to anybody"
	case damaged:
		text = "records that stop mail are damaged or lost: nothing is sent to the people that may concern"
	default:
		return
	}
	c.addFinding(finding{State: findFail, What: "choices", Text: text, Fix: c.app.command("repair"),
		Do: "stop the server, run the command, and start it again; have disk and memory tested"})
}

// mailIntegrity reports damage to queued mail.
func (c *checker) mailIntegrity(damaged bool) {
	if damaged {
		c.addFinding(finding{State: findFail, What: "queue", Text: "queued mail is damaged or lost (spool.db in the log); what can be read is delivered",
			Fix: c.app.command("repair"), Do: "stop the server, run the command, and start it again; have disk and memory tested"})
	}
}

// hopLimit is a metric that says what a next hop takes at most.
var hopLimit = regexp.MustCompile(`^offramp_next_hop_limit\{kind="(messages|recipients)",relay="([^"]*)"\}$`)

// hopLimits returns what next hops take at most, by name.
func hopLimits(counts map[string]int64) []string {
	const most = 20
	var all []string
	for metric, n := range counts {
		m := hopLimit.FindStringSubmatch(metric)
		switch {
		case m == nil:
		case m[1] == "messages":
			all = append(all, m[2]+" "+plural(n, "message")+" per connection")
		default:
			all = append(all, m[2]+" "+plural(n, "recipient")+" per message")
		}
	}
	slices.Sort(all)
	if len(all) > most {
		all = append(all[:most], fmt.Sprintf("and %d more", len(all)-most))
	}
	return all
}

// readMetrics reads the counts of the text format of Prometheus, by name with
// labels. What it cannot read it leaves out.
func readMetrics(r io.Reader) map[string]int64 {
	counts := map[string]int64{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || lines.Text()[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			counts[lines.Text()[:at]] = int64(v)
		}
	}
	return counts
}
