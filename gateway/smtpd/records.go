package smtpd

// records follows the framing of TLS records (RFC 8446 section 5.1), so that
// no read below TLS gives more than one.
type records struct {
	on     bool
	header [5]byte
	n      int // bytes of the header so far
	left   int // bytes of the record still to come
}

// limit cuts p to what is left of the record.
func (r *records) limit(p []byte) []byte {
	switch {
	case !r.on:
		return p
	case r.left > 0:
		return p[:min(len(p), r.left)]
	default:
		return p[:min(len(p), len(r.header)-r.n)]
	}
}

// advance notes that p, limited as above, was read.
func (r *records) advance(p []byte) {
	switch {
	case !r.on:
	case r.left > 0:
		r.left -= len(p)
	default:
		r.n += copy(r.header[r.n:], p)
		if r.n == len(r.header) {
			r.n, r.left = 0, int(r.header[3])<<8|int(r.header[4])
		}
	}
}
