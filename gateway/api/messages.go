package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/history"
	"offramp/gateway/record"
)

func (s *server) messageRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/messages", id: "listMessages", tag: "Messages", summary: "What became of mail",
		doc: "Finds messages by recipient, Message-ID or queue id; at least one is needed, and of several all must fit. Each has its attempts with " +
			"the answers, how it ended, and what the person did after it. How long that is known is OFFRAMP_RETENTION_MESSAGES.",
		scope: access.Read,
	}, s.messages)
}

type messagesQuery struct {
	To        string    `query:"to" example:"ada@example.net" doc:"Only to this address."`
	MessageID string    `query:"message_id" example:"<123@shop.example>" doc:"Only with this Message-ID, with or without angle brackets."`
	QueueID   string    `query:"queue_id" example:"4LxQyP2Z9rTk" doc:"Only the message with this queue id."`
	Since     time.Time `query:"since" doc:"Only messages that were accepted from then on."`
	CursorParam
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many records a page has at most."`
}

func (s *server) messages(ctx context.Context, in *messagesQuery) (page record.MessagePage, err error) {
	if s.Messages == nil {
		return page, errNothingHere
	}
	if in.To == "" && in.MessageID == "" && in.QueueID == "" {
		return page, badRequest("Give to, message_id or queue_id.")
	}
	q := history.Query{QueueID: in.QueueID, MessageID: in.MessageID, Since: in.Since, Limit: in.Limit}
	if in.To != "" {
		if q.Recipient, err = address(in.To); err != nil {
			return page, err
		}
	}
	at, err := in.position("messages")
	if err != nil {
		return page, err
	}
	if at != "" {
		if q.Before, err = strconv.ParseInt(at, 10, 64); err != nil {
			return page, errCursor
		}
	}
	found, err := s.Messages.Find(ctx, q)
	if err != nil {
		return page, err
	}
	page = record.MessagePage{From: found.From, Damaged: found.Damaged, Items: pageOf(found.Messages, messageOf)}
	if found.More != 0 {
		page.Cursor = cursorOf("messages", strconv.FormatInt(found.More, 10))
	}
	return page, nil
}

func messageOf(m history.Message) record.Message {
	out := record.MessageOf(m.Fate)
	for _, e := range m.Followed {
		out.Followed = append(out.Followed, record.Followed{Event: record.EventOf(e.Event), NamesMessage: e.Named})
	}
	return out
}
