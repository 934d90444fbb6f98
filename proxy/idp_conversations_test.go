package proxy_test

import "testing"

// TestEntraConversations replays what Microsoft Entra ID sends by default: operations with a capital, truth as text, one
// operation for each attribute, members removed by a list.
func TestEntraConversations(t *testing.T) {
	t.Parallel()
	runCorpus(t, "entra")
}

// TestEntraOptConversations replays what it sends when the tenant URL has the flag aadOptscim062020, which makes its
// requests those of the standard.
func TestEntraOptConversations(t *testing.T) {
	t.Parallel()
	runCorpus(t, "entra-aadOptscim062020")
}
