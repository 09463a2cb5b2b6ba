package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"offramp/cmd/offramp/internal/terminal"
)

// resolver is the part of net.Resolver the checks use.
type resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, name string) ([]string, error)
}

// The states of a record.
const (
	stateOK      = "ok"
	stateMissing = "missing"
	stateDiffers = "differs"
	stateUnknown = "unknown" // the DNS did not answer, or the record cannot be asked for
)

// checkRecords asks for every record and says how it stands.
func checkRecords(ctx context.Context, dns resolver, all []resourceRecord) []resourceRecord {
	for i := range all {
		one, cancel := context.WithTimeout(ctx, 10*time.Second)
		checkRecord(one, dns, &all[i])
		cancel()
	}
	return all
}

func checkRecord(ctx context.Context, dns resolver, r *resourceRecord) {
	name := r.Name + "."
	var err error
	switch r.Type {
	case "TXT":
		r.Have, err = dns.LookupTXT(ctx, name)
		r.Have = relevantTXT(r.Have, cmp.Or(r.kind, r.Value))
	case "MX":
		var found []*net.MX
		found, err = dns.LookupMX(ctx, name)
		for _, mx := range found {
			r.Have = append(r.Have, fmt.Sprintf("%d %s", mx.Pref, mx.Host))
		}
	case "A":
		r.Have, err = dns.LookupHost(ctx, name)
	default:
		r.State = stateUnknown
		return
	}
	switch {
	case err != nil && !isNotFound(err):
		r.State = stateUnknown
		r.Note = "the DNS did not answer: " + err.Error()
	case len(r.Have) == 0:
		r.State = stateMissing
	case r.matches() && (r.kind != kindSPF || spfNames(ctx, dns, r.Have[0], r.mechanisms())):
		r.State = stateOK
	default:
		r.State = stateDiffers
	}
}

// isNotFound says whether the DNS answered that there is no such record.
func isNotFound(err error) bool {
	var dnsErr *net.DNSError
	return errors.As(err, &dnsErr) && dnsErr.IsNotFound
}

// relevantTXT keeps the texts of the kind that is wanted: a domain's TXT
// records hold much else.
func relevantTXT(texts []string, want string) []string {
	kind := txtKind(want)
	return slices.DeleteFunc(texts, func(t string) bool { return !strings.EqualFold(txtKind(t), kind) })
}

// txtKind is what a text begins with: v=spf1 is one, v=spf10 is another.
func txtKind(text string) string {
	text = strings.TrimSpace(text)
	if end := strings.IndexAny(text, " ;"); end >= 0 {
		return text[:end]
	}
	return text
}

// matches compares what is published with what is wanted, by what it means.
func (r resourceRecord) matches() bool {
	switch {
	case (r.kind == kindSPF || r.kind == kindDMARC) && len(r.Have) != 1:
		return false // a permanent error
	case r.Value == "":
		return true // any address will do: only the operator knows which
	case r.Type == "MX":
		host := strings.TrimSuffix(r.Value[strings.IndexByte(r.Value, ' ')+1:], ".")
		return slices.ContainsFunc(r.Have, func(h string) bool {
			return strings.EqualFold(strings.TrimSuffix(h[strings.IndexByte(h, ' ')+1:], "."), host)
		})
	case strings.HasPrefix(r.Value, "v=DKIM1"):
		return slices.ContainsFunc(r.Have, func(h string) bool { return tag(h, "p") == tag(r.Value, "p") })
	}
	return true // DMARC: any policy of the domain's owner is as good; SPF: spfNames
}

// spfLookups bounds the records that are asked for one (RFC 7208 section 4.6.4).
const spfLookups = 10

// spfNames says whether an SPF record has every mechanism that is wanted, itself
// or in a record that it includes or redirects to.
func spfNames(ctx context.Context, dns resolver, text string, wanted []string) bool {
	missing := slices.Clone(wanted)
	texts := []string{text}
	for lookups := 0; len(texts) > 0 && len(missing) > 0; texts = texts[1:] {
		for _, term := range strings.Fields(strings.ToLower(texts[0])) {
			term = strings.TrimPrefix(term, "+")
			missing = slices.DeleteFunc(missing, func(m string) bool { return strings.EqualFold(m, term) })
			name, hands := strings.CutPrefix(term, "include:")
			if !hands {
				name, hands = strings.CutPrefix(term, "redirect=")
			}
			if !hands || lookups == spfLookups {
				continue
			}
			lookups++
			found, err := dns.LookupTXT(ctx, strings.TrimSuffix(name, ".")+".")
			if err != nil {
				continue // as if it were not there
			}
			texts = append(texts, relevantTXT(found, kindSPF)...)
		}
	}
	return len(missing) == 0
}

// tag returns the value of a tag in a tag list (RFC 6376 section 3.2), without
// the white space it may hold.
func tag(list, name string) string {
	for item := range strings.SplitSeq(list, ";") {
		key, value, _ := strings.Cut(item, "=")
		if strings.TrimSpace(key) == name {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// printChecked shows want and have, and fails when a record that must be there
// is not, or may succeed later when the DNS did not answer for one.
func (a *app) printChecked(all []resourceRecord) error {
	failed, unanswered := false, false
	for _, r := range all {
		unanswered = unanswered || r.Need == must && r.State == stateUnknown
		failed = failed || r.Need == must && (r.State == stateMissing || r.State == stateDiffers)
	}
	if a.asJSON {
		if err := a.printJSON(all); err != nil {
			return err
		}
	} else {
		for _, r := range all {
			a.printState(r)
		}
	}
	if failed {
		return silent{exitFailed}
	}
	if unanswered {
		return silent{exitTempFail}
	}
	return nil
}

func (a *app) printState(r resourceRecord) {
	colour := map[string]terminal.Style{stateOK: terminal.Green, stateUnknown: terminal.Yellow, stateMissing: terminal.Red, stateDiffers: terminal.Red}[r.State]
	if r.Need == should && colour == terminal.Red {
		colour = terminal.Yellow
	}
	a.print("%s %s %s", a.paint(fmt.Sprintf("%-8s", r.State), colour), r.Type, r.Name)
	if r.State == stateOK {
		return
	}
	if r.Value != "" {
		a.print("         want  %s", r.Value)
	}
	for _, h := range r.Have {
		a.print("         have  %s", printable(h))
	}
	a.print("         %s", r.Note)
}
