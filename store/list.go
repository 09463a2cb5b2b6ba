package store

import "time"

// AllLists is the scope of a choice or suppression that holds for every list.
const AllLists = ""

// List is what a person leaves: one stream of bulk mail (RFC 2919).
type List struct {
	ID            string // canonical identifier (listunsub.CanonicalID), never empty
	Key           uint64 // listunsub.ListKey(ID): the short form in mailto addresses
	Name          string // for people; empty: the ID is shown
	Description   string // one plain sentence for the recipient page
	Transactional bool   // exempt: mail of this list is never opted out of
	Public        bool   // shown on the page to everybody, not only to those who get it
	ThirdParty    bool   // sent for others: not to people who opted out of data sharing
	Language      string // BCP 47 tag of its mail, for the page of a person who asks for none; empty: the operator's
	Sender        string // who sends it, as people know them; empty: the operator
	Footer        string // one line at the foot of its page, e.g. an imprint
	Created       time.Time
}
