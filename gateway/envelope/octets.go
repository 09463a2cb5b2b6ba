package envelope

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Octets is a size in settings: "50MiB", "256KiB", "1GB", "1000000".
type Octets int64

// ErrOctets says that a text is not a size. It names the remedy.
var ErrOctets = errors.New("not a size: write a whole number of bytes, or one with a unit such as 256KiB or 50MiB")

// octetUnits has the binary units String uses in front, largest first.
var octetUnits = [...]struct {
	name string
	size int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// UnmarshalText reads a whole number with an optional unit in any case: B; kB,
// MB, GB (powers of 1000); KiB, MiB, GiB (powers of 1024). Bare K, M and G are
// refused because people mean both by them.
func (o *Octets) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	size := int64(1)
	for _, u := range octetUnits {
		if n := len(s) - len(u.name); n > 0 && strings.EqualFold(s[n:], u.name) {
			s, size = strings.TrimSpace(s[:n]), u.size
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/size {
		return ErrOctets
	}
	*o = Octets(int64(n) * size)
	return nil
}

// MarshalText returns String.
func (o Octets) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// String returns the size with the largest binary unit that leaves a whole
// number, else in bytes without a unit.
func (o Octets) String() string {
	n := int64(o)
	for _, u := range octetUnits[:3] {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
