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

// TestOneLoginConversations replays what OneLogin sends, with the apps that PUT users and groups and those that PATCH.
func TestOneLoginConversations(t *testing.T) {
	t.Parallel()
	runCorpus(t, "onelogin")
}

// TestJumpCloudConversations replays what JumpCloud sends: users by PUT, members of groups by PATCH or PUT.
func TestJumpCloudConversations(t *testing.T) {
	t.Parallel()
	runCorpus(t, "jumpcloud")
}

// TestPingConversations replays what the SCIM connections of PingOne and PingFederate send.
func TestPingConversations(t *testing.T) {
	t.Parallel()
	runCorpus(t, "ping")
}
