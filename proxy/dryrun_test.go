package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy"
)

func TestDryRun_IsToldWithWhatIsPending(t *testing.T) {
	t.Parallel()
	dry := true
	f := newFixture(t, func(o *proxy.Options) { o.Projects[0].DryRun = func() bool { return dry } })
	f.store.sync = directory.Pending
	w := f.send(http.MethodPost, "/scim/v2/Users", userBody("ada@example.com", ""))
	if w.Code != 201 || w.Header().Get("X-Sync-Status") != "pending" || w.Header().Get("X-Sync-Reason") != "dry_run" ||
		!strings.Contains(w.Body.String(), `"lastError":"dry run: accepted and planned;`) {
		t.Errorf("user: %d %v %s", w.Code, w.Header(), w.Body)
	}
	w = f.send(http.MethodPost, "/scim/v2/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Editors"}`)
	if w.Code != 201 || w.Header().Get("X-Sync-Reason") != "dry_run" || !strings.Contains(w.Body.String(), `"lastError":"dry run: `) {
		t.Errorf("group: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := f.send(http.MethodGet, "/scim/v2/Users/u1", ""); w.Header().Get("X-Sync-Reason") != "" || !strings.Contains(w.Body.String(), "dry run") {
		t.Errorf("a read: %v %s", w.Header(), w.Body)
	}
	dry = false
	if w := f.send(http.MethodPost, "/scim/v2/Users", userBody("grace@example.com", "")); w.Header().Get("X-Sync-Reason") != "" || strings.Contains(w.Body.String(), "dry run") {
		t.Errorf("after the dry run: %v %s", w.Header(), w.Body)
	}
	dry, f.store.sync = true, directory.Synced
	if w := f.send(http.MethodPost, "/scim/v2/Users", userBody("lise@example.com", "")); w.Header().Get("X-Sync-Reason") != "" || strings.Contains(w.Body.String(), "dry run") {
		t.Errorf("what the CMS agrees with: %v %s", w.Header(), w.Body)
	}
}
