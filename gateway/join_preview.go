package gateway

import (
	"offramp/gateway/preview"
	"offramp/gateway/render"
)

// joinPreview makes what shows a message as its recipient would get it, by the
// settings that hold at that moment.
func (g *Gateway) joinPreview(p Parts, renderer *render.Renderer) {
	g.preview = &preview.Preview{Relay: g.accept, Renderer: renderer, Lists: p.Consent, Profile: g.hops.Profile}
}
