package trial

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"offramp/gateway/sink"
)

// unanswered is when an operation ends whose answer never came: it may take
// effect at any time, or never.
const unanswered = math.MaxInt64

// result is what is known of a request once it is over.
type result int

const (
	refusedIt result = iota // certainly without effect
	didIt                   // answered: it has taken effect
	unknown                 // no answer, or one that says to try again
)

// history records operations, with times of one clock.
type history struct {
	began time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
	mails      map[int]int64 // by session of the sink: when its last MAIL was read
	counts     map[string]int
}

func newHistory() *history {
	return &history{began: time.Now(), mails: map[int]int64{}, counts: map[string]int{}}
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

// length is how many operations were recorded so far.
func (h *history) length() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.operations)
}

// do records a request of a client: one operation of each pair it is about.
// Whoever only looks and gets no answer has done nothing.
func (h *history) do(client int, a act, way string, about []pair, request func() (result, any)) {
	call := h.now()
	got, seen := request()
	end := h.now()
	if got == refusedIt || got == unknown && a == looks {
		return
	}
	if got == unknown {
		end = unanswered
		way += " (no answer)"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[way]++
	for _, of := range about {
		h.operations = append(h.operations, porcupine.Operation{
			ClientId: client, Input: asked{of, a, way}, Call: call, Output: seen, Return: end,
		})
	}
}

// watch is called by the sink. An attempt begins when MAIL was read, which is
// before it is answered; whom it is for is known when the message is whole. An
// attempt that is cut off before carries nothing, and is not counted.
func (h *history) watch(stage sink.Stage, t sink.Transaction) sink.Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch stage {
	case sink.Mail:
		h.mails[t.Session] = h.now()
	case sink.Dot:
		at := h.mails[t.Session]
		for _, to := range t.Recipients {
			of := pair{list: trialList(t.Data)}
			if _, err := fmt.Sscanf(to, "h%d@", &of.person); err != nil || of.list == "" {
				continue // not of this load
			}
			h.counts["attempt"]++
			h.operations = append(h.operations, porcupine.Operation{
				ClientId: sinkClient, Input: asked{of, attempts, ""}, Call: at, Return: at,
			})
		}
	}
	return sink.Fault{}
}

// trialList is the list that a message was sent to by letter.
func trialList(data []byte) string {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	return field(head, "X-Trial")
}
