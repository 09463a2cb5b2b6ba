package api

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"offramp/gateway/access"
	"offramp/gateway/exchange"
	"offramp/gateway/jobs"
	"offramp/gateway/record"
)

// LeftHeader is the trailer of an export with a record.LeftOut.
const LeftHeader = "Offramp-Left-Out"

func (s *server) exportRoutes() {
	addRaw(s, rawRoute{
		route: route{
			method: http.MethodGet, path: "/exports", id: "export", tag: "Imports", summary: "Everything that stops mail, as a file",
			doc: "The formats csv and json lose nothing and can be imported again. The others are for another system: one line for an address, with the strongest reason that it has a word for. " +
				"The trailer " + LeftHeader + " counts what has no place in the file. A transfer that breaks off is not the whole file.",
			scope: access.Read, lists: true,
		},
		params: []*huma.Param{
			param("format", huma.TypeString, "Left out: csv.", exchange.WriteFormats()...),
			param("list", huma.TypeString, "Only this list; for another system everybody who gets no mail of it. Empty (list=): only what is for all lists. Left out, a file for another system has what is for all lists alone."),
			param("reason", huma.TypeString, "Only this reason.", "unsubscribed", "paused", "manual", "bounced", "complained"),
			param("hash", huma.TypeString, "Hashes in the place of addresses: sha256 of the address in lower case, or keyed; in csv, json and plain.", exchange.HashNone, exchange.HashSHA256, exchange.HashKeyed),
		},
	}, s.export)
}

// export writes as it reads: neither side keeps the file.
func (s *server) export(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	e := jobs.Export{Format: exchange.Format(q.Get("format")), Hash: q.Get("hash"), Reason: q.Get("reason")}
	if e.Format == "" {
		e.Format = exchange.CSV
	}
	if q.Has("list") {
		list := canonicalList(q.Get("list"))
		e.List = &list
	}
	if err := within(r.Context(), e.List); err != nil {
		return err
	}
	if callerOf(r.Context()).grant.Lists != nil && e.Format.Leaves() {
		return badRequest("A key for some lists exports csv or json: the other formats take in what is for all lists.")
	}
	if _, err := exchange.NewWriter(io.Discard, exchange.WriteOptions{Format: e.Format, Hash: e.Hash}); err != nil {
		return badRequest("%s.", err)
	}
	h := w.Header()
	h.Set("Content-Type", mediaTypeOf(e.Format))
	h.Set("Content-Disposition", `attachment; filename="offramp-`+string(e.Format)+extensionOf(e.Format)+`"`)
	h.Set("Trailer", LeftHeader)
	if r.Method == http.MethodHead {
		return nil
	}
	to := &slowlyTo{out: w, ctl: http.NewResponseController(w)}
	out := bufio.NewWriterSize(to, 64<<10)
	left, err := e.Write(r.Context(), s.Records, s.now(), out)
	if err == nil {
		err = out.Flush()
	}
	switch {
	case err != nil && to.written == 0:
		for _, name := range []string{"Content-Disposition", "Trailer"} {
			h.Del(name)
		}
		return err
	case err != nil:
		s.problem(r.Context(), r.Pattern, err)
		panic(http.ErrAbortHandler) // the only way to say that the file is not whole
	}
	text, err := json.Marshal(record.LeftOut{Erased: left.Erased, Wide: left.Wide, Other: left.Other, Weaker: left.Weaker, Lists: left.Lists})
	h.Set(LeftHeader, string(text))
	return err
}

func mediaTypeOf(f exchange.Format) string {
	switch f {
	case exchange.JSON:
		return "application/jsonl"
	case exchange.Postmark:
		return jsonType
	case exchange.Plain:
		return "text/plain; charset=utf-8"
	}
	return "text/csv; charset=utf-8"
}

func extensionOf(f exchange.Format) string {
	switch f {
	case exchange.JSON:
		return ".jsonl"
	case exchange.Postmark:
		return ".json"
	case exchange.Plain:
		return ".txt"
	}
	return ".csv"
}
