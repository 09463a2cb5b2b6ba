package exchange

import (
	"cmp"
	"fmt"
	"strings"

	"offramp/listunsub"
	"offramp/store"
)

// one is a record of a file that names no list: list is that of the options.
func (r *Reader) one(address string, list string, reason store.Reason, since, note string) (Record, error) {
	at, err := r.date(since)
	return Record{Recipient: address, List: list, Reason: reason, Since: at, Note: note}, err
}

// dead is a record of an address that does not exist: no list reaches it.
func (r *Reader) dead(address, since, note string) ([]Record, Skip, error) {
	record, err := r.one(address, store.AllLists, store.ReasonBounced, since, note)
	return []Record{record}, "", err
}

func (r *Reader) leaves(address, since, note string) ([]Record, Skip, error) {
	record, err := r.one(address, r.o.List, store.ReasonUnsubscribed, since, note)
	return []Record{record}, "", err
}

func (r *Reader) complained(address, since, note string) ([]Record, Skip, error) {
	record, err := r.one(address, r.o.List, store.ReasonComplained, since, note)
	return []Record{record}, "", err
}

// passing says whether a status or reply code is that of something that passes.
func passing(code string) bool { return strings.HasPrefix(strings.TrimSpace(code), "4") }

func sendGridBounce(r *Reader, f fields) ([]Record, Skip, error) {
	if passing(f.text("status")) && !r.o.Soft {
		return nil, SkipSoft, nil
	}
	return r.dead(f.text("email"), f.text("created"), join(f.text("status"), f.text("reason")))
}

func sendGridBlock(r *Reader, f fields) ([]Record, Skip, error) {
	if !r.o.Soft {
		return nil, SkipSoft, nil
	}
	return r.dead(f.text("email"), f.text("created"), join("blocked", f.text("status"), f.text("reason")))
}

func sendGridInvalid(r *Reader, f fields) ([]Record, Skip, error) {
	return r.dead(f.text("email"), f.text("created"), join("invalid:", f.text("reason")))
}

func sendGridSpam(r *Reader, f fields) ([]Record, Skip, error) {
	return r.complained(f.text("email"), f.text("created"), "")
}

func sendGridUnsubscribe(r *Reader, f fields) ([]Record, Skip, error) {
	return r.leaves(f.text("email"), f.text("created"), "")
}

func mailgunDate(f fields) string { return cmp.Or(f.text("created_at"), f.text("createdat")) }

func mailgunBounce(r *Reader, f fields) ([]Record, Skip, error) {
	code := cmp.Or(f.text("code"), "550")
	if passing(code) && !r.o.Soft {
		return nil, SkipSoft, nil
	}
	return r.dead(f.text("address"), mailgunDate(f), join(code, f.text("error")))
}

func mailgunComplaint(r *Reader, f fields) ([]Record, Skip, error) {
	return r.complained(f.text("address"), mailgunDate(f), "")
}

// mailgunUnsubscribe takes a tag for a list; * is all of them.
func mailgunUnsubscribe(r *Reader, f fields) (all []Record, _ Skip, _ error) {
	tags := f.texts("tags")
	if tags == nil {
		tags = f.texts("tag")
	}
	if len(tags) > maxTags {
		return nil, "", fmt.Errorf("more tags than %d", maxTags)
	}
	lists := []string{r.o.List}
	for i, tag := range tags {
		if tag == "*" {
			lists = []string{store.AllLists}
			break
		}
		if i == 0 {
			lists = nil
		}
		list := listunsub.CanonicalID(tag)
		if list == "" {
			return nil, "", fmt.Errorf("tag %s cannot be a list", quoted(tag))
		}
		lists = append(lists, list)
	}
	for _, list := range lists {
		record, err := r.one(f.text("address"), list, store.ReasonUnsubscribed, mailgunDate(f), "")
		if err != nil {
			return nil, "", err
		}
		all = append(all, record)
	}
	return all, "", nil
}

// sesReason is the reason of a row of Amazon SES; empty: the row has no known one.
func sesReason(text string) store.Reason {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "BOUNCE":
		return store.ReasonBounced
	case "COMPLAINT":
		return store.ReasonComplained
	}
	return ""
}

func sesRow(r *Reader, f fields) ([]Record, Skip, error) {
	switch sesReason(f.text("reason")) {
	case store.ReasonBounced:
		return r.dead(f.text("emailaddress"), f.text("lastupdatetime"), "")
	case store.ReasonComplained:
		return r.complained(f.text("emailaddress"), f.text("lastupdatetime"), "")
	}
	return nil, "", unknownReason(f.text("reason"), "BOUNCE or COMPLAINT")
}

func postmarkEntry(r *Reader, f fields) ([]Record, Skip, error) {
	address, since, origin := f.text("emailaddress"), f.text("createdat"), f.text("origin")
	switch strings.ToLower(f.text("suppressionreason")) {
	case "hardbounce":
		return r.dead(address, since, "")
	case "spamcomplaint":
		return r.complained(address, since, "")
	case "manualsuppression":
		switch strings.ToLower(origin) {
		case "recipient":
			return r.leaves(address, since, "")
		case "customer", "admin":
			record, err := r.one(address, r.o.List, store.ReasonManual, since, "")
			return []Record{record}, "", err
		}
		return nil, "", fmt.Errorf("origin %s: want Recipient, Customer or Admin", quoted(origin))
	}
	return nil, "", unknownReason(f.text("suppressionreason"), "HardBounce, SpamComplaint or ManualSuppression")
}

func mailchimpUnsubscribed(r *Reader, f fields) ([]Record, Skip, error) {
	return r.leaves(f.text("email address"), f.text("unsub_time"), join(f.text("unsub_reason"), f.text("unsub_reason_other")))
}

func mailchimpCleaned(r *Reader, f fields) ([]Record, Skip, error) {
	return r.dead(f.text("email address"), f.text("clean_time"), join("cleaned", f.text("clean_campaign_title")))
}

// mandrillEntry takes the end of a bounce too; a person's own wish has none.
func mandrillEntry(r *Reader, f fields) ([]Record, Skip, error) {
	address, since, detail := f.text("email"), f.text("created_at"), f.text("detail")
	switch reason := strings.ToLower(f.text("reason")); reason {
	case "soft-bounce":
		if !r.o.Soft {
			return nil, SkipSoft, nil
		}
		fallthrough
	case "hard-bounce":
		all, skip, err := r.dead(address, since, detail)
		if err == nil {
			all[0].Until, err = moment(f.text("expires_at"))
		}
		return all, skip, err
	case "spam":
		return r.complained(address, since, detail)
	case "unsub":
		return r.leaves(address, since, detail)
	case "custom":
		record, err := r.one(address, r.o.List, store.ReasonManual, since, detail)
		return []Record{record}, "", err
	default:
		return nil, "", unknownReason(reason, "hard-bounce, soft-bounce, spam, unsub or custom")
	}
}

func listmonkSubscriber(r *Reader, f fields) ([]Record, Skip, error) {
	switch status := strings.ToLower(f.text("status")); status {
	case "enabled", "disabled":
		return nil, SkipActive, nil
	case "blocklisted", "blacklisted":
		record, err := r.one(f.text("email"), r.o.List, store.ReasonManual, cmp.Or(f.text("updated_at"), f.text("created_at")), "")
		return []Record{record}, "", err
	default:
		return nil, "", fmt.Errorf("status %s: want enabled, disabled or blocklisted", quoted(status))
	}
}

func unknownReason(reason, want string) error {
	return fmt.Errorf("reason %s: want %s", quoted(reason), want)
}

// join joins what is not empty by blanks.
func join(parts ...string) string {
	all := parts[:0]
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return strings.Join(all, " ")
}
