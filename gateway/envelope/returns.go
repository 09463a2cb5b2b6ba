package envelope

// What list mail leaves with, and what comes back is known by.
const (
	// FieldReturnPath is the field that brings the sender's reverse-path back.
	FieldReturnPath = "X-Offramp-Return-Path"
	// ComplaintBox is the local part of the address for complaints (RFC 9477).
	ComplaintBox = "cfbl"
)
