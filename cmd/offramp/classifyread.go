package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
)

// maxClassified is how much of a message is read: the header alone decides.
const maxClassified = 256 << 10

// found is the header of a message in a file, an mbox or a folder.
type found struct {
	name   string
	header mime.Header
}

// isMail tells a message from a file that only lies beside messages.
func (m found) isMail() bool {
	for _, name := range []string{"From", "Date", "Received", "Message-ID", "To", "Subject"} {
		if m.header.Count(name) > 0 {
			return true
		}
	}
	return false
}

// sender is what whoever stored the message noted as the envelope's sender, else
// its From: it is null only where that is said.
func (m found) sender() envelope.Address {
	for _, name := range []string{"Return-Path", "From"} {
		if m.header.Count(name) == 0 {
			continue
		}
		text := strings.TrimSpace(m.header.Get(name))
		if text == "<>" {
			return envelope.Address{}
		}
		address, _ := mime.FromAddress(text)
		if a, err := envelope.Parse(address); err == nil {
			return a
		}
	}
	unknown, _ := envelope.Parse("unknown@sender.invalid")
	return unknown
}

// eachMessage visits the messages of a file, an mbox or a folder with all below
// it; - is stdin. Hidden files and the unfinished mail of a Maildir are left out.
// What cannot be read below a folder is handed to skip, and the rest is visited.
func eachMessage(path string, stdin io.Reader, visit func(found) error, skip func(error)) error {
	if path == "-" {
		return eachIn("-", stdin, visit)
	}
	// A Maildir is often reached by a symbolic link.
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fault("classify: %s", plainPathError(err))
	}
	info, err := os.Stat(root)
	switch {
	case err != nil:
		return fault("classify: %s", plainPathError(err))
	case info.Mode().IsRegular():
		return eachInFile(path, root, visit)
	case !info.IsDir():
		return fault("classify: %s is neither a file nor a folder", path)
	}
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		shown := filepath.Join(path, strings.TrimPrefix(name, root))
		switch {
		case err != nil:
			skip(fault("classify: %s", plainPathError(err)))
			return nil
		case d.IsDir() && name != root && (d.Name() == "tmp" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), ".") || !d.Type().IsRegular():
			return nil
		}
		if err := eachInFile(shown, name, visit); err != nil {
			skip(err)
		}
		return nil
	})
}

func eachInFile(shown, name string, visit func(found) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fault("classify: %s", plainPathError(err))
	}
	defer f.Close()
	return eachIn(shown, f, visit)
}

// eachIn visits the one message of a file, or all of an mbox.
func eachIn(name string, in io.Reader, visit func(found) error) error {
	r := bufio.NewReaderSize(in, 64<<10)
	start, err := r.Peek(5)
	if err != nil && !errors.Is(err, io.EOF) {
		return fault("classify: %s: %s", name, plainPathError(err))
	}
	if string(start) != "From " {
		raw, err := io.ReadAll(io.LimitReader(r, maxClassified))
		if err != nil {
			return fault("classify: %s", plainPathError(err))
		}
		return visit(foundIn(name, raw))
	}
	for n := 1; ; n++ {
		raw, more, err := nextInMbox(r)
		if err != nil {
			return fault("classify: %s: %s", name, plainPathError(err))
		}
		as := name
		if n > 1 || more {
			as = fmt.Sprintf("%s:%d", name, n)
		}
		if err := visit(foundIn(as, raw)); err != nil || !more {
			return err
		}
	}
}

// nextInMbox reads one message: from behind its From line to the next one, which
// comes after an empty line (RFC 4155). It keeps the beginning only.
func nextInMbox(r *bufio.Reader) (raw []byte, more bool, err error) {
	separator := true // the line in hand begins the message
	for whole := true; ; {
		line, err := r.ReadSlice('\n')
		complete := !errors.Is(err, bufio.ErrBufferFull)
		if err != nil && complete && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
		if !separator && len(raw) < maxClassified {
			raw = append(raw, line...)
		}
		if errors.Is(err, io.EOF) {
			return raw, false, nil
		}
		blank := whole && len(bytes.TrimRight(line, "\r\n")) == 0
		whole = complete
		separator = separator && !complete
		if next, _ := r.Peek(5); whole && blank && string(next) == "From " {
			return raw, true, nil
		}
	}
}

// foundIn reads the header as acceptance does. What it would refuse has none.
func foundIn(name string, raw []byte) found {
	h, _, err := mime.Reader{MaxHeader: maxClassified}.Read(bytes.NewReader(raw))
	if err != nil {
		return found{name: name}
	}
	return found{name, h}
}
