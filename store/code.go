package store

// Code names, in mail addresses of Offramp, a recipient whose own address is
// too long to be part of them.
type Code struct {
	ID        [16]byte // listunsub.PersonCode
	Recipient string
	Address   string // as mail is sent to it
}
