package record

// PreviewMail is a message that is handed over, and to whom.
type PreviewMail struct {
	From    string `json:"from,omitempty" example:"news@example.org" doc:"Reverse-path; empty: the null one."`
	To      string `json:"to" example:"ada@example.net"`
	Login   string `json:"login,omitempty" doc:"Name that the client logged in with; empty: none."`
	Message []byte `json:"message" doc:"The message with its header, in base64; at most 1 MiB."`
}

// Preview is what the recipient would be sent.
type Preview struct {
	Message []byte `json:"message,omitempty" doc:"As it leaves, in base64."`
	List    string `json:"list,omitempty" doc:"List that the message belongs to; empty: none, so no opt-out holds."`
	Dropped bool   `json:"dropped,omitempty" doc:"Nothing leaves: the recipient opted out or is suppressed."`
	Signed  bool   `json:"signed,omitempty" doc:"The message has a DKIM signature of this server."`
	Refused string `json:"refused,omitempty" doc:"Why the message would not be accepted."`
}

// Reloaded is what became of settings that were read again.
type Reloaded struct {
	Source  string   `json:"source" doc:"File that the settings were read from. Empty: the server has none (--env-file), and its settings change with a restart only."`
	Changed []string `json:"changed" doc:"Settings that changed and are in force."`
	Restart []string `json:"restart" doc:"Settings that changed and are in force after a restart only."`
	Files   []string `json:"files" doc:"Files of keys, rules and certificates that were read again."`
	Errors  []string `json:"errors,omitempty" doc:"Errors in the settings: nothing was changed."`
}
