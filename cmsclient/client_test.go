package cmsclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no token":          {},
		"blank in token":    {Token: "a b"},
		"newline in token":  {Token: "a\nX-Evil: 1"},
		"unicode token":     {Token: "ä"},
		"odd environment":   {Token: "t", Environment: "main\r\nX-Evil: 1"},
		"not a URL":         {Token: "t", BaseURL: "http://[::1"},
		"no scheme":         {Token: "t", BaseURL: "cms.test"},
		"other scheme":      {Token: "t", BaseURL: "ftp://cms.test"},
		"no host":           {Token: "t", BaseURL: "https:///x"},
		"password":          {Token: "t", BaseURL: "https://u:p4ssw0rd@cms.test"},
		"query":             {Token: "t", BaseURL: "https://cms.test?token=p4ssw0rd"},
		"fragment":          {Token: "t", BaseURL: "https://cms.test#x"},
		"password, bad URL": {Token: "t", BaseURL: "https://u:p4ssw0rd@[cms"},
	} {
		_, err := New(o)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), "p4ssw0rd") || o.Token != "" && len(o.Token) > 1 && strings.Contains(err.Error(), o.Token) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                            "https://site-api.datocms.com",
		"http://127.0.0.1:8081":       "http://127.0.0.1:8081",
		"http://127.0.0.1:8081/":      "http://127.0.0.1:8081",
		"https://cms.test/a/prefix//": "https://cms.test/a/prefix",
	} {
		if got, err := parseBase(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	f := scripted(t, reply{status: 200, body: userJSON})
	f.base = "https://cms.test/a/prefix"
	if _, err := f.User(t.Context(), "7"); err != nil || f.cms.requests()[0].path != "/a/prefix/users/7" {
		t.Errorf("%v: %+v", err, f.cms.requests())
	}
}

func TestHeadersOfEveryCall(t *testing.T) {
	t.Parallel()
	want := http.Header{
		"Authorization": {"Bearer " + testToken},
		"X-Api-Version": {"3"},
		"Accept":        {"application/json"},
		"Content-Type":  {"application/json"},
		"User-Agent":    {"scimcms/1.2.3"},
	}
	for _, o := range ops() {
		f := scriptedWith(t, Options{Version: "1.2.3"}, o.ok)
		if err := o.call(t.Context(), f.Client); err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		sent := f.cms.requests()
		if len(sent) != 1 || sent[0].method != o.method {
			t.Fatalf("%s: sent %+v", o.name, sent)
		}
		if diff := cmp.Diff(want, sent[0].header); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", o.name, diff)
		}
	}
}

func TestEnvironmentIsSent(t *testing.T) {
	t.Parallel()
	for _, o := range ops() {
		f := scriptedWith(t, Options{Environment: "sandbox-2"}, o.ok)
		if err := o.call(t.Context(), f.Client); err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		if got := f.cms.requests()[0].header.Get("X-Environment"); got != "sandbox-2" {
			t.Errorf("%s: %q", o.name, got)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, o := range ops() {
			f := scripted(t, reply{status: status, header: map[string]string{"Location": "https://elsewhere.test/"}})
			err := o.call(t.Context(), f.Client)
			if len(f.cms.requests()) != 1 || Classify(err) != Stop {
				t.Errorf("%s, %d: %d requests, %v", o.name, status, len(f.cms.requests()), err)
			}
		}
	}
}

func TestIDsCannotChangeThePath(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", "..", "1/2", `1\2`, "1?x", "1#x", "%2e", "a b", "ä", "1\n", strings.Repeat("1", 256)} {
		f := scripted(t, reply{status: 200, body: userJSON})
		for name, err := range map[string]error{
			"delete user":       f.DeleteUser(t.Context(), id, nil),
			"delete invitation": f.DeleteInvitation(t.Context(), id),
			"delete role":       f.DeleteRole(t.Context(), id),
		} {
			e := asError(t, err)
			if e.Sent || e.Unknown || Classify(err) != Reject || len(f.cms.requests()) != 0 {
				t.Errorf("%q, %s: %v", id, name, err)
			}
			if e.Reason() != "The call could not be made: not an id of the CMS." {
				t.Errorf("%q: %s", id, e.Reason())
			}
		}
	}
}

func TestPrintingAClientShowsNoToken(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: userJSON})
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(form, f.Client) + fmt.Sprintf(form, *f.Client); strings.Contains(text, testToken) {
			t.Errorf("%s shows the token", form)
		}
	}
}

func TestDefaultTransportKeepsToOneRequestPerConnection(t *testing.T) {
	t.Parallel()
	tr := newTransport()
	if tr.Protocols.HTTP2() || tr.Protocols.UnencryptedHTTP2() || !tr.Protocols.HTTP1() || tr.ForceAttemptHTTP2 {
		t.Errorf("protocols %v", tr.Protocols)
	}
}
