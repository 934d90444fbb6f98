//go:build official

// Package official proves the emulator with the official client of DatoCMS. Run it by run.sh, which installs the client.
package official

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

func TestOfficialClient(t *testing.T) {
	server := httptest.NewServer(cmstest.New(cmstest.Options{
		Token: "official-token", SeedUsers: 5, Rate: 60, Window: 3 * time.Second, Seats: 40,
	}).Handler())
	defer server.Close()
	node := exec.CommandContext(t.Context(), "node", "lifecycle.mjs", server.URL, "official-token")
	node.Stdout, node.Stderr = os.Stdout, os.Stderr
	if err := node.Run(); err != nil {
		t.Fatalf("the official client sees a difference: %v", err)
	}
}
