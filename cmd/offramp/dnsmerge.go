package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// lookUpTime bounds how long the records that are there are waited for.
const lookUpTime = 3 * time.Second

// mergeExisting looks for the SPF and DMARC records that are published and makes
// of what is wanted what to publish in their place: two records of a kind are a
// permanent error (RFC 7208 section 4.5, RFC 7489 section 6.6.3).
func mergeExisting(ctx context.Context, dns resolver, all []resourceRecord) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	for i := range all {
		r := &all[i]
		if r.kind != kindSPF && r.kind != kindDMARC {
			continue
		}
		texts, err := dns.LookupTXT(ctx, r.Name+".")
		r.Have = published(texts, r.kind)
		switch {
		case err != nil && !isNotFound(err):
			r.Note += ". The DNS did not say whether there is such a record already: never add a second one, merge them"
		case r.kind == kindSPF && len(r.Have) > 0:
			r.mergeSPF()
		case r.kind == kindDMARC:
			r.keepDMARC(ctx, dns)
		}
	}
}

// published keeps the texts of a kind, fit to be shown.
func published(texts []string, kind string) []string {
	var all []string
	for _, t := range relevantTXT(texts, kind) {
		all = append(all, printable(strings.TrimSpace(t)))
	}
	return all
}

// mergeSPF puts the wanted mechanisms into what is published.
func (r *resourceRecord) mergeSPF() {
	merged := mergeSPF(r.Have, r.mechanisms())
	const never = "a second record is a permanent error (RFC 7208 section 4.5)"
	switch {
	case len(r.Have) > 1:
		r.Value = merged
		r.Note = fmt.Sprintf("SPF: there are %d records, which is a permanent error (RFC 7208 section 4.5): put this one in the place of all of them", len(r.Have))
	case r.Value == "":
		r.Note += ", to the record that is there: " + never
	case merged == r.Have[0]:
		r.State, r.Value, r.Note = stateOK, merged, "SPF: published already, nothing to add"
	default:
		r.Value = merged
		r.Note = "SPF: put this in the place of the record that is there; " + never
	}
}

// mergeSPF makes one record of several and adds what is missing, before the
// term that ends the evaluation.
func mergeSPF(records, add []string) string {
	var terms []string
	end := ""
	for _, text := range records {
		for _, term := range strings.Fields(text)[1:] {
			switch name := strings.ToLower(strings.TrimLeft(term, "+-~?")); {
			case name == "all" || strings.HasPrefix(name, "redirect="):
				if end == "" || strings.HasPrefix(end, "redirect=") {
					end = term
				}
			case !contains(terms, term):
				terms = append(terms, term)
			}
		}
	}
	for _, term := range add {
		if !contains(terms, term) && !contains(terms, "+"+term) {
			terms = append(terms, term)
		}
	}
	if end != "" {
		terms = append(terms, end)
	}
	return strings.Join(append([]string{kindSPF}, terms...), " ")
}

// mechanisms are those of a wanted SPF record, without the "all" at its end.
func (r *resourceRecord) mechanisms() []string {
	terms := strings.Fields(r.Value)
	if len(terms) < 2 {
		return nil
	}
	return terms[1 : len(terms)-1]
}

// keepDMARC leaves a policy alone that is there, also one of a domain above
// (RFC 7489 section 6.6.3).
func (r *resourceRecord) keepDMARC(ctx context.Context, dns resolver) {
	name := r.Name
	for len(r.Have) == 0 {
		_, above, ok := strings.Cut(strings.TrimPrefix(name, "_dmarc."), ".")
		if !ok || !strings.Contains(above, ".") {
			return
		}
		name = "_dmarc." + above
		texts, err := dns.LookupTXT(ctx, name+".")
		if err != nil && !isNotFound(err) {
			return
		}
		r.Have = published(texts, kindDMARC)
	}
	r.State, r.Value = stateOK, r.Have[0]
	r.Note = "DMARC: " + name + " is published already: leave it, and do not add a second record"
	if len(r.Have) > 1 {
		r.State = stateDiffers
		r.Note = fmt.Sprintf("DMARC: %s has %d records, so none of them counts (RFC 7489 section 6.6.3): keep one", name, len(r.Have))
	}
}

// printZone writes the records for a zone file; what need not be published, or
// only the operator can know, is a comment.
func (a *app) printZone(all []resourceRecord) {
	for _, r := range all {
		switch {
		case r.State == stateOK || r.State == stateDiffers && r.kind == kindDMARC:
			a.print("; %s", r.Note)
			continue
		case r.Value != "" && len(r.Have) > 0:
			a.print("; %s:", r.Note)
			for _, h := range r.Have {
				a.print(";   was: %s", printable(h))
			}
		case r.Value != "":
			a.print("; %s", r.Note)
		}
		a.print("%s", r.zoneLine())
	}
}
