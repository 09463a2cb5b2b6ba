package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"offramp/gateway/access"
)

// checkTimeout bounds all checks of one /readyz.
const checkTimeout = 5 * time.Second

// Health is the answer of /readyz. Checks is left out for clients that may
// not use the API.
type Health struct {
	Status string        `json:"status"` // "ok" or "unavailable"
	Checks []HealthCheck `json:"checks,omitempty"`
}

// HealthCheck is the result of one check.
type HealthCheck struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// live answers as long as the process does.
func (s *server) live(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, "application/json", Health{Status: "ok"})
	return nil
}

// ready answers 200 when mail can be taken and opt-outs can be kept.
func (s *server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	health, status := Health{Status: "ok"}, http.StatusOK
	for _, c := range append([]Check{{Name: "spool", Run: s.spool}}, s.Checks...) {
		result := HealthCheck{Name: c.Name, OK: true}
		if err := c.Run(ctx); err != nil {
			result.OK, result.Error = false, err.Error()
			health.Status, status = "unavailable", http.StatusServiceUnavailable
			s.log().WarnContext(ctx, "not ready", "check", c.Name, "error", err)
		}
		health.Checks = append(health.Checks, result)
	}
	// What a check says is for the operator.
	if g, err := s.admit(w, r); err != nil || g.Scope < access.Admin {
		health.Checks = nil
	}
	writeJSON(w, status, "application/json", health)
	return nil
}

// spool checks what acceptance checks: the spool answers and has room.
func (s *server) spool(ctx context.Context) error {
	u, err := s.Queue.Usage(ctx)
	if err != nil {
		return err
	}
	if u.Capacity == 0 { // the engine cannot tell
		return nil
	}
	if need := max(s.MinFree, u.Capacity/20); u.Free < need {
		return fmt.Errorf("%w: %d MiB free, %d MiB needed", errLittleSpace, u.Free>>20, need>>20)
	}
	return nil
}

var errLittleSpace = errors.New("little space left for mail")
