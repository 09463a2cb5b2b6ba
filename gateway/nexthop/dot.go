package nexthop

import (
	"bytes"
	"errors"
)

// errLineEnd says that content holds a CR or LF that is not a line end. What
// was accepted never does, so the content is damaged; sent on, a lone LF
// before a dot could end the message early at a careless peer.
var errLineEnd = errors.New("content contains a bare CR or LF")

// dotWriter writes content of the DATA command (RFC 5321 section 4.5.2) to a
// wire, byte for byte but for the doubled dots. It holds back a final CRLF,
// since the terminator begins with one.
type dotWriter struct {
	wire   *wire
	inLine bool // the last byte was no line end
	cr     bool // the last byte was a CR, held back
	crlf   bool // the last two bytes were CRLF, held back
	n      int64
}

var (
	crlf   = []byte("\r\n")
	period = []byte(".")
)

// Write never keeps p.
func (d *dotWriter) Write(p []byte) (int, error) {
	total := len(p)
	d.n += int64(total)
	for len(p) > 0 {
		line := p
		end := bytes.IndexByte(p, '\n')
		if end >= 0 {
			line = p[:end+1]
		}
		p = p[len(line):]
		if err := d.line(line, end >= 0); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// line writes a piece of one line; whole says that it has the line's LF.
func (d *dotWriter) line(piece []byte, whole bool) error {
	if d.cr {
		if piece[0] != '\n' {
			return errLineEnd
		}
		d.cr, d.crlf, d.inLine = false, true, false
		return nil
	}
	text := piece
	if whole {
		if len(piece) < 2 || piece[len(piece)-2] != '\r' {
			return errLineEnd
		}
		text = piece[:len(piece)-2]
	} else if piece[len(piece)-1] == '\r' {
		text, d.cr = piece[:len(piece)-1], true
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		return errLineEnd
	}
	if d.crlf {
		d.crlf = false
		if err := d.wire.stage(crlf); err != nil {
			return err
		}
	}
	if !d.inLine && len(text) > 0 && text[0] == '.' {
		if err := d.wire.stage(period); err != nil {
			return err
		}
	}
	if len(text) > 0 {
		d.inLine = true
	}
	if err := d.wire.stage(text); err != nil {
		return err
	}
	if whole {
		d.crlf, d.inLine = true, false
	}
	return nil
}

// end says whether the content may be ended now.
func (d *dotWriter) end() error {
	if d.cr {
		return errLineEnd
	}
	return nil
}
