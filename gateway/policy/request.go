package policy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
)

// The most that is read of a request. Postfix sends about 40 attributes; an
// address has 320 bytes at most.
const (
	maxLine  = 4 << 10
	maxLines = 200
)

// errMalformed says that a request is not one of the protocol.
var errMalformed = errors.New("not a policy request")

// request is what is looked at of a policy request.
type request struct {
	kind      string // "request"
	state     string // "protocol_state"
	sender    string
	recipient string
	queueID   string
}

// readRequest reads one request: lines "name=value" and an empty one. Attributes
// that are not known are passed over, as the protocol asks for; of one that comes
// twice the last counts, as in Postfix. in must have a buffer of maxLine.
func readRequest(in *bufio.Reader) (r request, err error) {
	for range maxLines {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return request{}, fmt.Errorf("%w: a line is longer than %d bytes", errMalformed, maxLine)
		case err != nil:
			return request{}, err
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		if len(line) == 0 {
			return r, nil
		}
		name, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			return request{}, fmt.Errorf("%w: a line has no =", errMalformed)
		}
		switch string(name) {
		case "request":
			r.kind = string(value)
		case "protocol_state":
			r.state = string(value)
		case "sender":
			r.sender = string(value)
		case "recipient":
			r.recipient = string(value)
		case "queue_id":
			r.queueID = string(value)
		}
	}
	return request{}, fmt.Errorf("%w: it has more lines than %d", errMalformed, maxLines)
}
