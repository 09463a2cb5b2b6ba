package record

import (
	"time"

	"offramp/store"
)

// List is a list that people can leave.
type List struct {
	ID            string    `json:"id" example:"news.example.org" doc:"The list's id (RFC 2919)."`
	Name          string    `json:"name" example:"News" doc:"Name that people see."`
	Description   string    `json:"description" doc:"What is sent, for the page of choices."`
	Transactional bool      `json:"transactional" doc:"Mail of this list is not marketing: opt-outs do not stop it."`
	Public        bool      `json:"public" doc:"Shown to everybody, not only to those who get it."`
	ThirdParty    bool      `json:"third_party" doc:"Not sent to people who opted out of sharing."`
	Language      string    `json:"language" example:"en" doc:"Language tag (BCP 47); empty: the operator's."`
	Sender        string    `json:"sender" doc:"Who sends it; empty: the operator."`
	Footer        string    `json:"footer" doc:"Own text of the visible line; empty: the usual one."`
	Created       time.Time `json:"created" doc:"When it was first seen or added."`
}

// ListOf is a list as the store has it.
func ListOf(l store.List) List {
	return List{
		ID: l.ID, Name: l.Name, Description: l.Description, Transactional: l.Transactional, Public: l.Public,
		ThirdParty: l.ThirdParty, Language: l.Language, Sender: l.Sender, Footer: l.Footer, Created: l.Created,
	}
}

// ListPage is all lists, by id.
type ListPage struct {
	Items []List `json:"items"`
}

// ListPatch changes a list: what is left out stays.
type ListPatch struct {
	Name          *string `json:"name,omitempty" maxLength:"200" doc:"Name that people see, one line."`
	Description   *string `json:"description,omitempty" maxLength:"500" doc:"What is sent, one line."`
	Transactional *bool   `json:"transactional,omitempty" doc:"Mail of this list is not marketing: opt-outs do not stop it."`
	Public        *bool   `json:"public,omitempty" doc:"Shown to everybody, not only to those who get it."`
	ThirdParty    *bool   `json:"third_party,omitempty" doc:"Not sent to people who opted out of sharing."`
	Language      *string `json:"language,omitempty" example:"pt-BR" doc:"Language tag (BCP 47); empty: the operator's."`
	Sender        *string `json:"sender,omitempty" maxLength:"200" doc:"Who sends it; empty: the operator."`
	Footer        *string `json:"footer,omitempty" maxLength:"500" doc:"Own text of the visible line; empty: the usual one."`
}

// NewList is a list that no mail was seen of yet.
type NewList struct {
	ID string `json:"id" minLength:"1" maxLength:"255" example:"offers.example.org" doc:"The list's id (RFC 2919)."`
	ListPatch
}
