package proxy_test

import "testing"

// TestOktaConversations replays what Okta sends for each of its provisioning features, with the kind of app that PATCHes
// (from the integration network, OIN) and the kind that PUTs (from the app integration wizard, AIW).
func TestOktaConversations(t *testing.T) {
	t.Parallel()
	runCorpus(t, "okta")
}
