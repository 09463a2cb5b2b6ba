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
	// erased says that the address has a MAC and nobody knows of whom it was.
	erased bool
}

// name is the same for addresses that refer to the same. No address has spaces.
func (t target) name() string {
	if t.erased {
		return "erased "
	}
	return string(t.kind) + " " + t.box + " " + t.subject.List + " " + t.subject.Recipient.Key()
}

// errErased says that the person of an authentic address was erased, and with
// them which address it was.
var errErased = errors.New("the person of the address was erased")

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
	recipient, err := f.recipient(ctx, claims)
	if errors.Is(err, errErased) {
		return target{kind: claims.Kind, erased: true}, nil
	}
	if err != nil {
		return target{}, err
	}
	subject, err := f.subject(ctx, recipient, claims)
	return target{kind: claims.Kind, subject: subject}, err
}

// recipient is whom the claims of an address name, by a code where the address
// is too short for more. The error wraps errErased when nobody knows any more.
func (f *Feedback) recipient(ctx context.Context, claims listunsub.AddressClaims) (envelope.Address, error) {
	address := claims.Recipient
	if claims.Code != (listunsub.PersonCode{}) {
		var err error
		address, err = f.Codes.AddressOfCode(ctx, claims.Code)
		switch {
		case errors.Is(err, store.ErrNotFound):
			// As with an unknown list below: the code is kept before mail leaves, so
			// it was there. It is again once the person is mailed again.
			return envelope.Address{}, fmt.Errorf("code of the address is not known here: %w", store.ErrUnavailable)
		case err != nil:
			return envelope.Address{}, fmt.Errorf("code of the address: %w", err)
		case address == "":
			return envelope.Address{}, errErased
		}
	}
	recipient, err := envelope.Parse(address)
	if err != nil {
		return envelope.Address{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return recipient, nil
}

// subject adds the list in the claims of an address to their recipient. A bounce
// whose list is not known here counts all the same: it is about the address.
func (f *Feedback) subject(ctx context.Context, recipient envelope.Address, claims listunsub.AddressClaims) (consent.Subject, error) {
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
