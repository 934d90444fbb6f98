package cmsclient

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply reply
		want  string
	}{
		{
			"code", reply{status: 422, body: apiError("INVALID_FIELD", `{"field":"email","code":"VALIDATION_FORMAT"}`, false), header: map[string]string{"X-Request-Id": "r-1"}},
			"cms: POST /site-invitations: 422 INVALID_FIELD(email) request r-1",
		},
		{
			"limit", reply{status: 422, body: apiError("PLAN_UPGRADE_REQUIRED", `{"limit":"users"}`, false)},
			"cms: POST /site-invitations: 422 PLAN_UPGRADE_REQUIRED(users)",
		},
		{"no code", reply{status: 500, body: "{}"}, "cms: POST /site-invitations: 500 (outcome unknown)"},
		{"dropped", reply{err: io.EOF}, "cms: POST /site-invitations: EOF (outcome unknown)"},
		{"refused", reply{err: errRefused}, "cms: POST /site-invitations: dial tcp: connection refused (not sent)"},
		{"cut", reply{status: 201, body: `{"data`}, "cms: POST /site-invitations: 201: the answer is cut off or not valid JSON (outcome unknown)"},
		{"odd", reply{status: 201, body: `{"data":{"attributes":{"email":5}}}`}, `cms: POST /site-invitations: 201: the answer has an unexpected type at "data.attributes.email" (outcome unknown)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, tt.reply)
			_, err := f.CreateInvitation(t.Context(), InvitationCreate{Email: "ada@example.com", RoleID: "34"})
			if got := asError(t, err).Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What the CMS or something in between writes into an answer may name people or repeat secrets: nothing of it gets
// into the text of an error, or of what it wraps.
func TestErrorsNameNobody(t *testing.T) {
	t.Parallel()
	const poison = "ada@example.com"
	html := map[string]string{"Content-Type": "text/html"}
	replies := []reply{
		{status: 422, body: apiError("INVALID_FIELD", `{"field":"`+poison+`","code":"`+poison+`","message":"`+poison+`"}`, false)},
		{status: 422, body: apiError(poison, `{}`, false)},
		{status: 422, body: apiError("PLAN_UPGRADE_REQUIRED", `{"limit":"`+poison+`"}`, false)},
		{status: 500, body: poison, header: html},
		{status: 200, body: poison, header: html},
		{status: 200, body: `{"data":{"id":"` + poison + `","type":"user"}}`},
		{status: 200, body: `{"` + poison + `":`},
		{status: 422, body: "{}", header: map[string]string{"X-Request-Id": "id of " + poison}},
		{err: &url.Error{Op: "Put", URL: "https://cms.test/?who=" + poison, Err: io.EOF}},
		{status: 302, header: map[string]string{"Location": "https://x.test/" + poison}},
	}
	for _, r := range replies {
		for _, o := range ops() {
			f := scripted(t, r)
			err := o.call(t.Context(), f.Client)
			if err == nil {
				continue
			}
			text := asError(t, err).Reason()
			for e := err; e != nil; e = errors.Unwrap(e) {
				text += "\n" + e.Error()
			}
			if strings.Contains(text, poison) || strings.Contains(text, testToken) {
				t.Errorf("%s: %s", o.name, text)
			}
		}
	}
}

func TestReasonsWithoutACode(t *testing.T) {
	t.Parallel()
	html := map[string]string{"Content-Type": "text/html"}
	for _, tt := range []struct {
		reply reply
		want  string
	}{
		{reply{err: errRefused}, "The CMS could not be reached."},
		{reply{err: context.DeadlineExceeded}, "The CMS did not answer in time."},
		{reply{status: 302}, "The CMS answered with a redirect: check its base URL."},
		{reply{status: 401}, "The CMS does not accept the token."},
		{reply{status: 403}, "The CMS token is not allowed to do this."},
		{reply{status: 403, header: html}, "The CMS refused the call (status 403)."},
		{reply{status: 404}, "It is not in the CMS, or no longer."},
		{reply{status: 404, header: html}, "There is no CMS at this address: check its base URL."},
		{reply{status: 418}, "The CMS refused the call (status 418)."},
		{reply{status: 429}, "The CMS limits the rate of calls."},
		{reply{status: 502}, "The CMS failed over the request (status 502)."},
		{reply{status: 200}, "The CMS's answer could not be read."},
	} {
		f := scripted(t, tt.reply)
		_, err := f.User(t.Context(), "7")
		if got := asError(t, err).Reason(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.reply, got, tt.want)
		}
	}
	f := scripted(t, reply{err: io.EOF})
	if got := asError(t, f.DeleteUser(t.Context(), "7", nil)).Reason(); !strings.Contains(got, "not known whether") {
		t.Errorf("unknown outcome: %q", got)
	}
	held := asError(t, f.DeleteUser(WithGuard(t.Context(), func() error { return io.EOF }), "7", nil))
	if got := held.Reason(); got != "The call was held back before it was sent." {
		t.Errorf("held back: %q", got)
	}
}

func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(`{"attributes":{"code":"INVALID_FIELD"}},`, 1000), ",")
	if n := len(decodeEntries(strings.NewReader(`{"data":[` + many + `]}`))); n != maxEntries {
		t.Errorf("%d entries", n)
	}
	big := `{"data":[{"attributes":{"code":"INVALID_FIELD","details":{"x":"` + strings.Repeat("x", maxDetails) + `"}}}]}`
	if e := decodeEntries(strings.NewReader(big)); len(e) != 1 || e[0].Details != nil {
		t.Errorf("kept %d bytes of details", len(e[0].Details))
	}
	huge := `{"data":[{"attributes":{"code":"INVALID_FIELD","details":"` + strings.Repeat("x", maxErrorBody) + `"}}]}`
	if e := decodeEntries(strings.NewReader(huge)); e != nil {
		t.Errorf("read %d entries of a body without end", len(e))
	}
	if e := decodeEntries(strings.NewReader(`{"data":[{"attributes":{"code":""}},{"attributes":null},{}]}`)); len(e) != 0 {
		t.Errorf("entries without a code: %+v", e)
	}
}
