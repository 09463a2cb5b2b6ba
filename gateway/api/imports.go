package api

import (
	"context"
	"errors"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
	"offramp/gateway/exchange"
	"offramp/gateway/jobs"
	"offramp/gateway/record"
	"offramp/store"
)

// maxFile is more than a server takes, see OFFRAMP_IMPORT_MAX_SIZE.
const maxFile = 1 << 50

func (s *server) importRoutes() {
	addRaw(s, rawRoute{
		route: route{
			method: http.MethodPost, path: "/imports", id: "import", tag: "Imports", summary: "Send a file of suppressions",
			doc: "The body is the file, of any of the formats, at most 4 GiB. It is checked as a whole; then it waits to be started, unless start=true. " +
				"An import only adds: it ends no opt-out and shortens nothing. The same file can be sent again.",
			scope: access.Write, lists: true, maxBody: maxFile, example: "# one address a line, or an export\nada@example.net\n",
		},
		params: []*huma.Param{
			param("name", huma.TypeString, "Name of the file. It tells SendGrid's bounces and blocks apart."),
			param("format", huma.TypeString, "Format of the file; left out: auto.", exchange.Formats()...),
			param("list", huma.TypeString, "List of records whose row names none; left out: all lists."),
			param("reason", huma.TypeString, "Reason of records without one; left out: manual.", "manual", "bounced", "complained", "unsubscribed"),
			{Name: "since", In: "query", Description: "Date of records without one; left out: now.", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
			param("soft", huma.TypeBoolean, "Take soft bounces and blocks too, as bounces."),
			param("ignore", huma.TypeString, "Columns, comma separated, that change nothing in what a row means; * is every one."),
			param("start", huma.TypeBoolean, "Record it as soon as it is checked."),
		},
		takes: true, answers: reflect.TypeFor[record.Import](),
	}, s.takeFile)
	add(s, route{
		method: http.MethodGet, path: "/imports", id: "listImports", tag: "Imports", summary: "All imports", doc: "Newest first: the last hundred, and all that have not ended.",
		scope: access.Read, lists: true,
	}, s.imports)
	add(s, route{
		method: http.MethodGet, path: "/imports/{id}", id: "getImport", tag: "Imports", summary: "How far an import is", doc: "With what its check found, and what became of the records.",
		scope: access.Read, lists: true,
	}, s.oneImport)
	add(s, route{
		method: http.MethodPatch, path: "/imports/{id}", id: "changeImport", tag: "Imports", summary: "Start, pause or cancel an import",
		doc:   "What was recorded stays. One that nobody starts or resumes within a day is cancelled.",
		scope: access.Write, lists: true, example: record.ImportChange{State: "running"},
	}, s.changeImport)
}

var errNoImports = refusal{status: http.StatusNotImplemented, detail: "This server takes no imports."}

// takeFile keeps a file and has it checked.
func (s *server) takeFile(w http.ResponseWriter, r *http.Request) error {
	if s.Imports == nil {
		return errNoImports
	}
	q := r.URL.Query()
	c := callerOf(r.Context())
	spec := jobs.Spec{
		Name: q.Get("name"), Format: q.Get("format"), List: canonicalList(q.Get("list")), Reason: q.Get("reason"),
		Soft: q.Get("soft") == "true", Start: q.Get("start") == "true", Only: c.grant.Lists,
	}
	if err := within(r.Context(), &spec.List); err != nil {
		return err
	}
	if err := plain("name", spec.Name, 255); err != nil {
		return err
	}
	if text := q.Get("ignore"); text != "" {
		spec.Ignore = strings.Split(text, ",")
	}
	if text := q.Get("since"); text != "" {
		spec.Since, _ = time.Parse(time.RFC3339, text) // checked with the query
		spec.Since = spec.Since.UTC().Truncate(time.Microsecond)
		if spec.Since.After(s.now()) {
			return badRequest("since must be in the past.")
		}
	}
	ctl := http.NewResponseController(w)
	job, err := s.Imports.Import(r.Context(), c.grant.Who(), spec, r.Body)
	_ = ctl.SetWriteDeadline(time.Now().Add(fileStall))
	if err != nil {
		return importFault(err)
	}
	s.log().InfoContext(r.Context(), "file of an import taken", "job", job.ID, "bytes", job.Total, "ip", c.ip.String())
	writeJSON(w, http.StatusOK, jsonType, importOf(job))
	return nil
}

// importFault is what a client is told of an error of jobs.
func importFault(err error) error {
	switch {
	case errors.Is(err, jobs.ErrTooLarge):
		return refusal{status: http.StatusRequestEntityTooLarge, detail: "The file is too large: split it."}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal{status: http.StatusRequestTimeout, detail: "The next piece of the file did not come in time; send it again."}
	case errors.Is(err, jobs.ErrNoRoom):
		return refusal{status: http.StatusInsufficientStorage, detail: "There is no room for the file: mail needs what is left."}
	case errors.Is(err, jobs.ErrState):
		return refusal{status: http.StatusConflict, detail: "The import is not in a state in which that can be done."}
	case errors.Is(err, store.ErrFull):
		return refusal{status: http.StatusConflict, detail: "Too many imports wait: start or cancel one of them."}
	}
	return err
}

func importOf(j jobs.Job) record.Import {
	r := j.Report
	out := record.Import{
		ID: j.ID, State: string(j.State), Created: j.Created, Changed: j.Changed, Who: j.Who, Name: j.Name, Format: r.Format, List: j.Spec.List,
		Error: r.Error, Rows: r.Rows, Records: r.Records, Reasons: r.Reasons, Lists: r.Lists, Skipped: r.Skipped, Invalid: r.Faulty,
		Total: j.Total, Done: j.Done, Added: j.Tally.Added, Dated: j.Tally.Dated, Same: j.Tally.Same, Kept: j.Tally.Kept,
		Errors: pageOf(r.Faults, func(f jobs.Fault) record.RowError { return record.RowError(f) }),
	}
	if out.Reasons == nil {
		out.Reasons = map[string]int64{}
	}
	if out.Skipped == nil {
		out.Skipped = map[string]int64{}
	}
	if out.Lists == nil {
		out.Lists = []string{}
	}
	return out
}

// theirs says whether the caller may see an import: with a key for some lists, only
// its own. Another key may have the same name, so the lists count as well.
func theirs(ctx context.Context, j jobs.Job) bool {
	g := callerOf(ctx).grant
	other := func(list string) bool { return !g.Allows(list) }
	return g.Lists == nil || j.Who == g.Who() && j.Spec.Only != nil && !slices.ContainsFunc(j.Spec.Only, other)
}

func (s *server) imports(ctx context.Context, _ *noInput) (page record.ImportPage, err error) {
	page.Items = []record.Import{}
	if s.Imports == nil {
		return page, nil
	}
	all, err := s.Imports.Jobs(ctx)
	for _, j := range all {
		if theirs(ctx, j) {
			page.Items = append(page.Items, importOf(j))
		}
	}
	return page, err
}

type importPath struct {
	ID string `path:"id" example:"mfrggzdfmztwq2lk" doc:"Of the import."`
}

func (s *server) oneImport(ctx context.Context, in *importPath) (record.Import, error) {
	j, err := s.importOf(ctx, in.ID)
	return importOf(j), err
}

func (s *server) importOf(ctx context.Context, id string) (jobs.Job, error) {
	if s.Imports == nil {
		return jobs.Job{}, store.ErrNotFound
	}
	j, err := s.Imports.Job(ctx, id)
	if err == nil && !theirs(ctx, j) {
		err = store.ErrNotFound
	}
	return j, err
}

type importChange struct {
	ID   string `path:"id" example:"mfrggzdfmztwq2lk" doc:"Of the import."`
	Body record.ImportChange
}

func (s *server) changeImport(ctx context.Context, in *importChange) (record.Import, error) {
	j, err := s.importOf(ctx, in.ID)
	if err != nil {
		return record.Import{}, err
	}
	change := s.Imports.Start
	switch in.Body.State {
	case "running":
	case "paused":
		change = s.Imports.Pause
	case "cancelled":
		change = s.Imports.Cancel
	default:
		return record.Import{}, oneOf("state", in.Body.State, "running", "paused", "cancelled")
	}
	if j, err = change(ctx, in.ID); err != nil {
		return record.Import{}, importFault(err)
	}
	s.log().InfoContext(ctx, "import "+in.Body.State, "job", j.ID, "ip", callerOf(ctx).ip.String())
	return importOf(j), nil
}
