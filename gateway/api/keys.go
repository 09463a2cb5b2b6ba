package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"offramp/gateway/access"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) keyRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/apikeys", id: "listKeys", tag: "Keys", summary: "All API keys",
		doc:   "Also those that were revoked or have expired, oldest first. The keys themselves are kept nowhere.",
		scope: access.Admin,
	}, s.keys)
	add(s, route{
		method: http.MethodPost, path: "/apikeys", id: "createKey", tag: "Keys", summary: "Create an API key",
		doc:   "The answer has the key, which is shown this once. A key for some lists sees and changes only what is recorded about those.",
		scope: access.Admin, secret: true, example: record.NewAPIKey{Name: "shop", Scope: "write", Lists: []string{"news.example.org"}},
	}, s.createKey)
	add(s, route{
		method: http.MethodDelete, path: "/apikeys/{id}", id: "revokeKey", tag: "Keys", summary: "Revoke an API key",
		doc:   "The key is refused from now on, on every node. It stays in the list of keys.",
		scope: access.Admin,
	}, s.revokeKey)
}

func (s *server) keys(ctx context.Context, _ *noInput) (record.APIKeyPage, error) {
	all, err := s.Keys.All(ctx)
	if err != nil {
		return record.APIKeyPage{}, err
	}
	return record.APIKeyPage{Items: pageOf(all, func(k store.Key) record.APIKey { return record.APIKeyOf(k, s.now()) })}, nil
}

func (s *server) createKey(ctx context.Context, in *struct{ Body record.NewAPIKey }) (created record.CreatedAPIKey, err error) {
	spec := access.Spec{Name: strings.TrimSpace(in.Body.Name), Scope: access.ScopeOf(in.Body.Scope), Expires: in.Body.Expires}
	for _, id := range in.Body.Lists {
		if err := plain("lists", id, maxListID); err != nil {
			return created, err
		}
		spec.Lists = append(spec.Lists, canonicalList(id))
	}
	k, key, err := s.Keys.Create(ctx, spec)
	switch {
	case errors.Is(err, access.ErrSpec):
		_, detail, _ := strings.Cut(err.Error(), ": ")
		return created, badRequest("%s.", detail)
	case errors.Is(err, store.ErrFull):
		return created, refusal{status: http.StatusConflict, detail: "There are too many API keys. Those that were revoked or have expired make room a year later."}
	case err != nil:
		return created, err
	}
	return record.CreatedAPIKey{APIKey: record.APIKeyOf(k, s.now()), Key: key}, nil
}

func (s *server) revokeKey(ctx context.Context, in *struct {
	ID string `path:"id" example:"q5r2m7xw3hy6takz" doc:"The key's id."`
}) (changed record.Changed, err error) {
	revoked, err := s.Keys.Revoke(ctx, in.ID)
	if revoked {
		changed.Changed = 1
	}
	return changed, err
}
