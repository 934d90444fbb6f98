package proxy_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/scimcms/scimcms/mapping/directory"
)

func TestReadWithIfNoneMatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	user, group := f.create("ada@example.com"), f.createGroup("Editors")
	for path, tag := range map[string]string{"/scim/v2/Users/" + user: `W/"1"`, "/scim/v2/Groups/" + group: `W/"1.0"`} {
		if got := at(f.want(http.StatusOK, http.MethodGet, path, ""), "meta", "version"); got != tag {
			t.Errorf("%s: version %s", path, got)
		}
		for _, header := range []string{tag, tag[2:], `"x", ` + tag, "*", `W/"9" ,` + tag[2:]} {
			w := f.send(http.MethodGet, path, "", "If-None-Match", header)
			if w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("Etag") != tag {
				t.Errorf("%s with %s: %d %s %v", path, header, w.Code, w.Body, w.Header())
			}
		}
		for _, header := range []string{`W/"9"`, `"x"`, "", ",", `"`} {
			if w := f.send(http.MethodGet, path, "", "If-None-Match", header); w.Code != http.StatusOK || w.Header().Get("Etag") != tag {
				t.Errorf("%s with %q: %d", path, header, w.Code)
			}
		}
		f.want(http.StatusOK, http.MethodGet, path, "", "If-Match", tag)
		f.wantError(refusal{status: http.StatusPreconditionFailed}, http.MethodGet, path, "", "If-Match", `W/"7"`)
		f.wantError(refusal{status: http.StatusNotFound}, http.MethodGet, path+"x", "", "If-None-Match", "*")
	}
}

// conditionalWrites are the writes that If-Match may guard, of a user with userName ada@example.com and a group Editors.
func conditionalWrites(user, group string) []struct{ method, path, body string } {
	return []struct{ method, path, body string }{
		{http.MethodPut, "/scim/v2/Users/" + user, userBody("ada@example.com", `,"title":"T"`)},
		{http.MethodPatch, "/scim/v2/Users/" + user, fmt.Sprintf(patchBody, `{"op":"add","path":"nickName","value":"N"}`)},
		{http.MethodPut, "/scim/v2/Groups/" + group, `{"displayName":"Authors"}`},
		{http.MethodPatch, "/scim/v2/Groups/" + group, fmt.Sprintf(patchBody, `{"op":"replace","path":"displayName","value":"Writers"}`)},
		{http.MethodDelete, "/scim/v2/Users/" + user, ""},
		{http.MethodDelete, "/scim/v2/Groups/" + group, ""},
	}
}

func TestWriteWithIfMatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	user, group := f.create("ada@example.com"), f.createGroup("Editors")
	for _, c := range conditionalWrites(user, group) {
		f.store.lastWish = directory.UserWish{}
		version := at(f.want(http.StatusOK, http.MethodGet, c.path, ""), "meta", "version")
		for _, header := range [][2]string{{"If-Match", `W/"0"`}, {"If-Match", `"x"`}, {"If-None-Match", version}, {"If-None-Match", "*"}} {
			f.wantError(refusal{status: http.StatusPreconditionFailed}, c.method, c.path, c.body, header[0], header[1])
		}
		if got := at(f.want(http.StatusOK, http.MethodGet, c.path, ""), "meta", "version"); got != version {
			t.Errorf("%s %s: a refused write left version %s", c.method, c.path, got)
		}
		f.wantError(refusal{status: http.StatusNotFound}, c.method, c.path+"x", c.body, "If-Match", "*")
		w := f.send(c.method, c.path, c.body, "If-Match", `"x", `+version[2:])
		if w.Code/100 != 2 {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		if now := w.Header().Get("Etag"); c.method != http.MethodDelete && (now == version || now != at(parse(t, w), "meta", "version")) {
			t.Errorf("%s %s: ETag %q after %s", c.method, c.path, now, version)
		}
	}
	user, group = f.create("ada@example.com"), f.createGroup("Editors")
	for _, c := range conditionalWrites(user, group) {
		if w := f.send(c.method, c.path, c.body, "If-Match", "*"); w.Code/100 != 2 {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}
