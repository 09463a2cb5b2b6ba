package feedback

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// target is what an address refers to.
type target struct {
	kind listunsub.AddressKind // 0: a box
	box  string
	// subject is the recipient and list of an address with a MAC.
	subject consent.Subject
}

func (f *Feedback) resolve(ctx context.Context, a envelope.Address) (target, error) {
	if f.routed(a) {
		return target{box: boxReplies}, nil
	}
	if !strings.EqualFold(a.Domain(), f.Domain) {
		return target{}, fmt.Errorf("%w: not in the feedback domain", ErrUnknown)
	}
	switch local := strings.ToLower(a.Local()); local {
	case boxCFBL, boxComplaints, boxReplies:
		return target{box: local}, nil
	}
	claims, err := f.Tokens.OpenAddress(a.Local())
	if err != nil {
		return target{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	subject, err := f.subject(ctx, claims)
	return target{kind: claims.Kind, subject: subject}, err
}

// subject is the recipient and list in the claims of an address. A bounce whose list is
// not known here counts all the same: it is about the address.
func (f *Feedback) subject(ctx context.Context, claims listunsub.AddressClaims) (consent.Subject, error) {
	recipient, err := envelope.Parse(claims.Recipient)
	if err != nil {
		return consent.Subject{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	s := consent.Subject{Recipient: recipient}
	if claims.Kind != listunsub.OptOutAddress && claims.Kind != listunsub.BounceAddress {
		return s, fmt.Errorf("%w: address of kind %q", ErrUnknown, claims.Kind)
	}
	list, err := f.Lists.ListByKey(ctx, claims.ListKey)
	switch {
	case errors.Is(err, store.ErrNotFound) && claims.Kind == listunsub.BounceAddress:
	case errors.Is(err, store.ErrNotFound):
		// The address is authentic, so the list exists, perhaps in a store that
		// was restored from an older copy. Refusing would lose the opt-out.
		return s, fmt.Errorf("list of the address is not known here: %w", store.ErrUnavailable)
	case err != nil:
		return s, fmt.Errorf("list of the address: %w", err)
	default:
		s.List = list.ID
	}
	return s, nil
}
