package admin

import (
	"context"
	"net/http"

	"offramp/gateway/preview"
)

// Preview is the body of POST /api/v1/preview: a message, and to whom.
type Preview struct {
	From    string `json:"from,omitempty"` // reverse-path; empty: the null one
	To      string `json:"to"`
	Login   string `json:"login,omitempty"` // of the client; empty: none
	Message []byte `json:"message"`         // in base64
}

// Previewed is the answer: what the recipient would be sent, with the settings,
// keys and opt-outs of this moment. Nothing is kept or sent.
type Previewed struct {
	Message []byte `json:"message,omitempty"` // as it leaves, in base64
	List    string `json:"list,omitempty"`
	Dropped bool   `json:"dropped,omitempty"` // nothing leaves: the recipient opted out or is suppressed
	Signed  bool   `json:"signed,omitempty"`
}

// Reloaded is the answer of POST /api/v1/config/reload.
type Reloaded struct {
	Changed []string `json:"changed"`          // settings that are in force now
	Restart []string `json:"restart"`          // settings that changed and need a restart
	Files   []string `json:"files"`            // what was read again
	Faults  []string `json:"faults,omitempty"` // why nothing has changed
}

var errNoServer = refusal{status: http.StatusConflict, detail: "No server runs on this data."}

func (s *server) previewed(w http.ResponseWriter, r *http.Request) error {
	var q Preview
	if err := readJSON(r, &q); err != nil {
		return err
	}
	if s.Preview == nil {
		return errNoServer
	}
	m := preview.Mail{Login: q.Login, Data: q.Message}
	var err error
	if m.To, err = address(q.To); err != nil {
		return err
	}
	if q.From != "" {
		if m.From, err = address(q.From); err != nil {
			return err
		}
	}
	out, err := s.Preview(r.Context(), m)
	if err != nil {
		return badRequest("The message is not accepted: %v.", err)
	}
	return answer(w, Previewed{Message: out.Message, List: out.List, Dropped: out.Dropped, Signed: out.Signed})
}

func (s *server) reload(w http.ResponseWriter, r *http.Request) error {
	if s.Reload == nil {
		return errNoServer
	}
	// Half of it would be worse than a client that does not hear of it.
	return answer(w, s.Reload(context.WithoutCancel(r.Context())))
}
