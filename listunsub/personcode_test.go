package listunsub

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestCodeFormat fails when the format changes: tokens live in mailboxes for
// years, and rows under the code as long.
func TestCodeFormat(t *testing.T) {
	const want = "u+fwzvgbusyis2taeo4o5uss3sfit56agtjqgfnanbzisstevohsxoi2w"
	const wantCode = "804c080474fe0637b49a579b40f20089"
	r := testRing(t, 1)
	local, code, err := r.SealAddress(AddressClaims{Kind: OptOutAddress, ListKey: 0x0123456789abcdef, Recipient: longRecipient})
	if err != nil || local != want || fmt.Sprintf("%x", code) != wantCode {
		t.Errorf("got %s, %x, %v", local, code, err)
	}
	if got, err := r.OpenAddress(want); err != nil || got != (AddressClaims{Kind: OptOutAddress, ListKey: 0x0123456789abcdef, Code: code}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// One recipient has one code under one key, as it is spelled, whatever the list
// and kind; nothing of the address looks the same for two of them.
func TestPersonCodes(t *testing.T) {
	r := testRing(t, 1)
	seen := make(map[PersonCode]string)
	locals := make(map[string]bool)
	for _, recipient := range []string{longRecipient, strings.ToLower(longRecipient), longRecipient + "x", strings.Repeat("x", 320)} {
		for _, kind := range []AddressKind{OptOutAddress, BounceAddress} {
			for list := range uint64(3) {
				local, code, err := r.SealAddress(AddressClaims{Kind: kind, ListKey: list, Recipient: recipient})
				if err != nil || code == (PersonCode{}) || len(local) != addressPrefix+codeChars || locals[local[2:20]] {
					t.Fatalf("%s: %s, %x, %v", recipient, local, code, err)
				}
				locals[local[2:20]] = true
				if other, ok := seen[code]; ok && other != recipient {
					t.Errorf("%s and %s have one code", other, recipient)
				}
				seen[code] = recipient
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d codes of 4 recipients", len(seen))
	}
	if _, code, _ := testRing(t, 2, 1).SealAddress(AddressClaims{Kind: OptOutAddress, Recipient: longRecipient}); seen[code] != "" {
		t.Error("another key gives the same code")
	}
}

// Every separator, in every case, opens as the one that was written.
func TestSeparators(t *testing.T) {
	r := testRing(t, 1)
	for _, recipient := range []string{"ada@example.net", longRecipient} {
		for _, kind := range []AddressKind{OptOutAddress, BounceAddress} {
			local := mustSealAddress(t, r, AddressClaims{Kind: kind, ListKey: 5, Recipient: recipient})
			want, err := r.OpenAddress(local)
			if err != nil {
				t.Fatal(err)
			}
			for _, separator := range []string{"+", "-", ".", "%2b", "%2B", "=2b", "=2B"} {
				other := local[:1] + separator + local[2:]
				for _, spelled := range []string{other, strings.ToUpper(other), strings.ToLower(other)} {
					if got, err := r.OpenAddress(spelled); err != nil || got != want {
						t.Errorf("%s: %+v, %v", spelled, got, err)
					}
				}
			}
		}
	}
}

// A text of one version does not pass as one of the other, also with a MAC
// that is right for it.
func TestVersionsDoNotMix(t *testing.T) {
	r := testRing(t, 1)
	for n := range 300 {
		local := mustSealAddress(t, r, AddressClaims{Kind: OptOutAddress, ListKey: uint64(n), Recipient: fmt.Sprint(n, longRecipient)})
		for _, first := range lowerBase32 {
			for _, end := range []int{len(local), len(local) - 1, 40} {
				if other := local[:2] + string(first) + local[3:end]; other != local {
					if got, err := r.OpenAddress(other); !errors.Is(err, ErrToken) {
						t.Fatalf("%s opens as %+v", other, got)
					}
				}
			}
		}
	}
}
