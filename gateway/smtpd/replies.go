package smtpd

import (
	"errors"
	"fmt"

	"github.com/emersion/go-smtp"

	"offramp/gateway/feedback"
	"offramp/gateway/relay"
	"offramp/store"
)

// reply is one SMTP reply. Its text is ours: no text of an error ever leaves.
type reply struct {
	code     int
	enhanced smtp.EnhancedCode
	text     string
}

func (r *reply) smtp() *smtp.SMTPError {
	return &smtp.SMTPError{Code: r.code, EnhancedCode: r.enhanced, Message: r.text}
}

func (r *reply) line() string {
	return fmt.Sprintf("%d %d.%d.%d %s\r\n", r.code, r.enhanced[0], r.enhanced[1], r.enhanced[2], r.text)
}

// Replies the session gives by itself.
var (
	replyNested     = &reply{503, smtp.EnhancedCode{5, 5, 1}, "bad sequence of commands: nested MAIL"}
	replyLater      = &reply{451, smtp.EnhancedCode{4, 3, 2}, "previous message still in progress"}
	replyNoMail     = &reply{503, smtp.EnhancedCode{5, 5, 1}, "bad sequence of commands: MAIL first"}
	replySender     = &reply{501, smtp.EnhancedCode{5, 1, 7}, "invalid sender address"}
	replyRecipient  = &reply{553, smtp.EnhancedCode{5, 1, 3}, "invalid recipient address"}
	replyUTF8       = &reply{553, smtp.EnhancedCode{5, 6, 7}, "non-ASCII address requires SMTPUTF8"}
	replyParameter  = &reply{501, smtp.EnhancedCode{5, 5, 4}, "syntax error in parameters or arguments"}
	replyNeedsTLS   = &reply{530, smtp.EnhancedCode{5, 7, 10}, "REQUIRETLS requires TLS"}
	replyDenied     = &reply{550, smtp.EnhancedCode{5, 7, 1}, "relaying denied"}
	replyApart      = &reply{452, smtp.EnhancedCode{4, 5, 3}, "send this recipient in a separate transaction"}
	replyMany       = &reply{452, smtp.EnhancedCode{4, 5, 3}, "too many recipients"}
	replyTooLarge   = &reply{552, smtp.EnhancedCode{5, 3, 4}, "message size exceeds the maximum"}
	replyIncomplete = &reply{451, smtp.EnhancedCode{4, 4, 2}, "connection lost during message data"}
	replyThrottled  = &reply{454, smtp.EnhancedCode{4, 7, 0}, "too many failed logins, try again later"}
	replyAuthMail   = &reply{503, smtp.EnhancedCode{5, 5, 1}, "AUTH not permitted during a mail transaction"}
	replyAuthSyntax = &reply{501, smtp.EnhancedCode{5, 5, 2}, "malformed AUTH response"}
	replyAuthEnd    = &reply{421, smtp.EnhancedCode{4, 7, 0}, "too many failed logins"}
	replyMechanism  = &reply{504, smtp.EnhancedCode{5, 5, 4}, "unrecognized authentication type"}
	replyAuthFailed = &reply{535, smtp.EnhancedCode{5, 7, 8}, "authentication failed"}
	replyFeedbackOK = &reply{250, smtp.EnhancedCode{2, 0, 0}, "done"}
)

// causes says which reply an error of the packages below gets; the first that
// matches counts. What is not here is an internal error.
var causes = []struct {
	err   error
	reply *reply
}{
	{relay.ErrLoop, &reply{554, smtp.EnhancedCode{5, 4, 6}, "too many hops, this message is in a loop"}},
	{relay.ErrTooLarge, replyTooLarge},
	{relay.ErrHeaderTooLarge, &reply{552, smtp.EnhancedCode{5, 3, 4}, "message header size exceeds the maximum"}},
	{relay.ErrBareNewline, &reply{550, smtp.EnhancedCode{5, 6, 11}, "bare CR or LF in the message"}},
	{relay.ErrNUL, &reply{554, smtp.EnhancedCode{5, 6, 0}, "NUL in the message"}},
	{relay.ErrAllSuppressed, &reply{550, smtp.EnhancedCode{5, 7, 1}, "every recipient has opted out or is suppressed"}},
	{feedback.ErrUnknown, &reply{550, smtp.EnhancedCode{5, 1, 1}, "no such mailbox"}},
	{feedback.ErrTooLarge, replyTooLarge},
	{relay.ErrMailboxFull, &reply{452, smtp.EnhancedCode{4, 2, 2}, "mailbox full, try again tomorrow"}},
	{store.ErrFull, &reply{452, smtp.EnhancedCode{4, 3, 1}, "insufficient system storage"}},
}

// inputError is an error in the message as received.
type inputError struct{ err error }

func (e *inputError) Error() string { return "message from the client: " + e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// replyTo returns the reply to an error of the packages below, nil for one that
// nobody expects, and whether someone should look at it.
func replyTo(err error) (r *reply, internal bool) {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.reply, c.err == store.ErrFull
		}
	}
	var in *inputError
	if !errors.As(err, &in) {
		return nil, true
	}
	switch {
	case errors.Is(in, smtp.ErrDataTooLarge):
		return replyTooLarge, false
	case errors.Is(in, errTimeout):
		return replyTimeout, false
	}
	return replyIncomplete, false
}
