package exchange

import (
	"bufio"
	"errors"
	"io"
)

// cells reads rows of cells that a character separates (RFC 4180). A quotation mark
// within a cell that does not begin with one is a character like any other.
type cells struct {
	r     *bufio.Reader
	comma byte
	line  int64 // lines that were read
	buf   []byte
	ends  []int
	row   []string
}

// errRow is wrapped by what is wrong with one row; the next one can be read.
var errRow = errors.New("row")

type rowError struct{ text string }

func (e *rowError) Error() string { return e.text }
func (e *rowError) Unwrap() error { return errRow }

// next returns the cells of the next row that is not blank, and the line it begins on.
// The slice is good until the next call.
func (c *cells) next() (row []string, line int64, err error) {
	for {
		line = c.line + 1
		blank, err := c.read(line)
		if err != nil || !blank {
			return c.texts(), line, err
		}
	}
}

// texts cuts what was read into cells.
func (c *cells) texts() []string {
	c.row = c.row[:0]
	all, from := string(c.buf), 0
	for _, end := range c.ends {
		c.row = append(c.row, all[from:end])
		from = end
	}
	return c.row
}

// read reads one row. blank says that there is nothing in it.
func (c *cells) read(line int64) (blank bool, err error) {
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	var fault error
	for size, last, begin := 0, byte(0), 0; ; size++ {
		b, err := c.r.ReadByte()
		switch {
		case err == io.EOF && size == 0:
			return false, io.EOF
		case err == io.EOF:
			return c.end(last), fault
		case err != nil:
			return false, err
		case size >= maxRecord:
			return false, fileFault("line %d: row longer than 1 MiB", line)
		}
		switch {
		case b == c.comma:
			c.ends = append(c.ends, len(c.buf))
			begin = len(c.buf)
			last = c.comma
			continue
		case b == '\n':
			c.line++
			return c.cut(last), fault
		case b == '"' && len(c.buf) == begin && last != '"':
			n, err := c.quoted(line, size)
			if size += n; err != nil && !errors.Is(err, errRow) {
				return false, err
			} else if fault == nil {
				fault = err
			}
			last = '"'
			continue
		case b == 0 && fault == nil:
			fault = &rowError{"NUL byte"}
		case last == '"' && b != '\r' && b != ' ' && fault == nil:
			fault = &rowError{"text after a closing quotation mark"}
		}
		if last != '"' || b != '\r' && b != ' ' {
			c.buf = append(c.buf, b)
			if last != '"' {
				last = b
			}
		}
	}
}

// cut ends a row at a line feed, end one at the end of the file.
func (c *cells) cut(last byte) (blank bool) {
	if last == '\r' {
		c.buf = c.buf[:len(c.buf)-1]
	}
	c.ends = append(c.ends, len(c.buf))
	return len(c.ends) == 1 && len(c.buf) == 0 && last != '"'
}

func (c *cells) end(last byte) (blank bool) {
	c.line++
	return c.cut(last)
}

// quoted reads what follows a quotation mark up to the closing one. n is how many bytes
// that were.
func (c *cells) quoted(line int64, size int) (n int, err error) {
	var fault error
	for {
		b, err := c.r.ReadByte()
		if err == io.EOF {
			return n, fileFault("line %d: a quoted cell is not closed: a quotation mark is missing or too many", line)
		}
		if err != nil {
			return n, err
		}
		if n++; size+n > maxRecord {
			return n, fileFault("line %d: a quoted cell does not end within 1 MiB: a quotation mark is missing or too many", line)
		}
		switch b {
		case '"':
			next, err := c.r.ReadByte()
			if err == nil && next == '"' {
				n++
				break
			}
			if err == nil {
				err = c.r.UnreadByte()
			}
			if err != nil && err != io.EOF {
				return n, err
			}
			return n, fault
		case '\n':
			c.line++
		case 0:
			fault = &rowError{"NUL byte"}
		}
		c.buf = append(c.buf, b)
	}
}
