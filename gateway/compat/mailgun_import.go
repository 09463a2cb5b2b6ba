package compat

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/gateway/jobs"
)

// Imports takes files of suppressions; *jobs.Jobs does.
type Imports interface {
	Import(ctx context.Context, who string, spec jobs.Spec, file io.Reader) (jobs.Job, error)
}

// maxFile is the largest file that Mailgun takes, with the form around it, and
// fileTime how long it may take to arrive.
const (
	maxFile  = 26 << 20
	fileTime = 2 * time.Minute
)

// mgImport takes a file and has it imported in the background, as that API does.
// `offramp suppress import` shows what becomes of it.
func (c *call) mgImport() error {
	if c.Imports == nil {
		return refusal{http.StatusNotImplemented, "This server takes no imports."}
	}
	if _, err := c.mgWant(); err != nil {
		return err
	}
	form, err := c.r.MultipartReader()
	if err != nil {
		return badRequest("send the file as multipart/form-data, in the field file")
	}
	for {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return badRequest("the field file is missing")
		case err != nil:
			return formFault(err)
		case part.FormName() != "file":
			continue
		}
		spec := jobs.Spec{Name: fileName(part.FileName()), Format: "mailgun-" + c.r.PathValue("kind"), Start: true, Only: c.grant.Lists}
		job, err := c.Imports.Import(c.ctx, c.grant.Who(), spec, part)
		if err != nil {
			return formFault(err)
		}
		_, _ = io.Copy(io.Discard, c.r.Body) // what is behind the file belongs to the request too
		c.log().InfoContext(c.ctx, "file of an import taken", "job", job.ID, "bytes", job.Total, "who", c.grant.Who())
		return c.answer(http.StatusAccepted, map[string]string{"message": "file uploaded successfully", "id": job.ID})
	}
}

// formFault is what a client is answered where a file cannot be taken.
func formFault(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), errors.Is(err, jobs.ErrTooLarge):
		return refusal{http.StatusRequestEntityTooLarge, "The file is too large: split it, or use `offramp suppress import`."}
	case errors.Is(err, jobs.ErrNoRoom):
		return refusal{http.StatusInsufficientStorage, "There is no room for the file: mail needs what is left."}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal{http.StatusRequestTimeout, "The file did not come in time; send it again."}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("the form ends early")
	}
	return err
}

// fileName is how the job is called; empty where that is not one line.
func fileName(name string) string {
	if len(name) > 255 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return name
}
