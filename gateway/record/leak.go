package record

import "time"

// Leaks says which applications still send mail to people who unsubscribed.
type Leaks struct {
	Since        time.Time     `json:"since"`
	Until        time.Time     `json:"until"`
	Applications []Application `json:"applications" doc:"The one with the most such mail first, 100 at most."`
	Partial      bool          `json:"partial" doc:"There was more than is counted: over a million drops, or over 100 applications."`
}

// Application is what handed mail over, and what of it was dropped.
type Application struct {
	Login   string      `json:"login,omitempty" example:"shop" doc:"Login of the mail; left out: it had none."`
	Client  string      `json:"client,omitempty" example:"192.0.2.1" doc:"Where mail without a login came from."`
	Sender  string      `json:"sender,omitempty" example:"shop.example" doc:"Domain of the reverse-path."`
	Dropped int64       `json:"dropped" doc:"Recipients of messages."`
	First   time.Time   `json:"first"`
	Last    time.Time   `json:"last"`
	Lists   []ListDrops `json:"lists" doc:"The one with the most such mail first."`
	Example *Leak       `json:"example,omitempty" doc:"The newest one; left out: the person was erased since."`
}

// ListDrops is what was dropped of one list.
type ListDrops struct {
	List    string `json:"list" example:"news.example.org"`
	Dropped int64  `json:"dropped"`
	People  int64  `json:"people" doc:"How many different recipients."`
}

// Leak is one message that was not sent to one person who had left.
type Leak struct {
	Event     int64      `json:"event" doc:"Id of the event."`
	Time      time.Time  `json:"time"`
	Recipient string     `json:"recipient" example:"ada@example.net"`
	List      string     `json:"list"`
	Reason    string     `json:"reason" example:"unsubscribed"`
	QueueID   string     `json:"queue_id,omitempty"`
	MessageID string     `json:"message_id,omitempty"`
	Left      *Left      `json:"left,omitempty" doc:"When the person had left; left out: the event is older than the retention."`
	Notified  []Notified `json:"notified" doc:"The systems that had acknowledged it, by name."`
}

// Left is the event by which a person left.
type Left struct {
	Event int64     `json:"event" doc:"Id of the event."`
	Time  time.Time `json:"time"`
	Kind  string    `json:"kind" example:"unsubscribed"`
}

// Notified is since when a system had acknowledged an event.
type Notified struct {
	Name string    `json:"name" example:"crm"`
	At   time.Time `json:"at" doc:"Up to an hour too late, never too early."`
}
