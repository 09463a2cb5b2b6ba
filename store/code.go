package store

// Code is what stands in a mail address for a recipient who is too long for it.
type Code struct {
	ID        [16]byte // listunsub.PersonCode
	Recipient string
	Address   string // as mail is sent to it
}
