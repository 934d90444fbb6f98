package cmsclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// people is a list of n collaborators as the CMS writes it.
func people(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","type":"user","attributes":{"email":"person-%d@example.com","is_2fa_active":false,`+
			`"full_name":"Person Number %d","is_active":true},"relationships":{"role":{"data":{"id":"%d","type":"role"}}},`+
			`"meta":{"last_access":"2026-01-02T03:04:05.678Z"}}`, 1000+i, i, i, i%7)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func decodeUsers(b []byte) ([]User, error) {
	return collect(func(yield func(User) error) error { return list[userWire](typeUser, yield)(bytes.NewReader(b)) })
}

func TestListIsRead(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: string(people(300))})
	users, err := f.Users(t.Context())
	if err != nil || len(users) != 300 {
		t.Fatalf("%d users, %v", len(users), err)
	}
	for i, u := range users {
		if u.ID != strconv.Itoa(1000+i) || u.RoleID != strconv.Itoa(i%7) || !u.Active {
			t.Fatalf("%d: %+v", i, u)
		}
	}
}

// However an answer is torn, it never passes for a shorter list.
func TestTornListIsAnError(t *testing.T) {
	t.Parallel()
	whole := people(3)
	for n := range whole {
		if users, err := decodeUsers(whole[:n]); err == nil {
			t.Fatalf("cut at %d: passes for %d users", n, len(users))
		}
	}
}

func TestListForms(t *testing.T) {
	t.Parallel()
	const one = `{"id":"1","type":"user"}`
	for _, tt := range []struct {
		name, body string
		want       []string
		err        error
	}{
		{"empty", `{"data":[]}`, nil, nil},
		{"other members", `{"links":{"self":"x"},"data":[` + one + `],"included":[{"id":"9"}],"meta":{}}`, []string{"1"}, nil},
		{"count agrees", `{"data":[` + one + `],"meta":{"total_count":1}}`, []string{"1"}, nil},
		{"count before", `{"meta":{"total_count":1},"data":[` + one + `]}`, []string{"1"}, nil},
		{"other types are passed over", `{"data":[{"id":"5","type":"sso_user"},` + one + `],"meta":{"total_count":2}}`, []string{"1"}, nil},
		{"more than it holds", `{"data":[` + one + `],"meta":{"total_count":2}}`, nil, errPartialList},
		{"no data", `{}`, nil, errNoData},
		{"null", `{"data":null}`, nil, errTorn},
		{"an object", `{"data":{}}`, nil, errTorn},
		{"no object", `[]`, nil, errTorn},
		{"nothing", ``, nil, errTorn},
		{"twice", `{"data":[],"data":[]}`, nil, errTorn},
		{"something after", `{"data":[]} {}`, nil, errTorn},
		{"no id", `{"data":[{"type":"user"}]}`, nil, errOtherEntity},
		{"no type", `{"data":[{"id":"1"}]}`, nil, errOtherEntity},
		{"null entity", `{"data":[null]}`, nil, errOtherEntity},
	} {
		users, err := decodeUsers([]byte(tt.body))
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
		var ids []string
		for _, u := range users {
			ids = append(ids, u.ID)
		}
		if !slices.Equal(ids, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, ids, tt.want)
		}
	}
}

func TestEachUserStopsWithItsCaller(t *testing.T) {
	t.Parallel()
	f := scripted(t, reply{status: 200, body: string(people(10))})
	enough := errors.New("enough")
	n := 0
	err := f.EachUser(t.Context(), func(User) error {
		n++
		if n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || err != enough || n != 3 { //nolint:errorlint // as it is, not wrapped
		t.Fatalf("%v after %d", err, n)
	}
}

func TestListWithoutEndIsAnError(t *testing.T) {
	t.Parallel()
	n := 0
	body := io.MultiReader(strings.NewReader(`{"data":[`), endless{})
	err := list[userWire](typeUser, func(User) error { n++; return nil })(&cappedReader{r: body, left: 4096})
	if !errors.Is(err, errTooLarge) {
		t.Fatalf("%v after %d", err, n)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, `{"id":"1","type":"user"},`), nil }

// FuzzDecodeList: what is accepted is valid JSON, holds as many entities of the type as the document does, and no
// proper prefix of it is accepted.
func FuzzDecodeList(f *testing.F) {
	f.Add(people(2), 17)
	for _, seed := range []string{
		``, `{"data":[]}`, `{"data":null}`, `{"meta":{"total_count":0},"data":[]}`, `{"data":[{"id":"1","type":"user"}]}`,
		`{"data":[{"id":"1","type":"role","attributes":{"name":"x"}}],"included":[1,"a",{"b":[]}]}`,
		`{"data":[{"id":1,"type":"user"}]}`, `{"data":[]}{}`, `{"DATA":[]}`, "{\"data\":[{\"id\":\"\\u0000\",\"type\":\"user\"}]}",
	} {
		f.Add([]byte(seed), len(seed)/2)
	}
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		users, err := decodeUsers(body)
		if err != nil {
			return
		}
		var doc struct {
			Data []struct{ ID, Type string }
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatalf("accepted what is no JSON: %v", err)
		}
		if !bytes.Contains(body, []byte(`"DATA"`)) && len(users) > len(doc.Data) {
			t.Fatalf("%d users of %d entities", len(users), len(doc.Data))
		}
		for _, u := range users {
			if u.ID == "" {
				t.Fatal("a user without an id")
			}
		}
		whole := bytes.TrimRight(body, " \t\r\n")
		if cut < 0 || len(whole) == 0 {
			return
		}
		if cut %= len(whole); cut < len(whole) {
			if part, err := decodeUsers(whole[:cut]); err == nil {
				t.Fatalf("a part passes for %d users", len(part))
			}
		}
	})
}

// FuzzDecodeError: any answer to a write becomes an error of a known class whose words quote nothing of it but names
// of the API, and an unknown outcome is always looked at.
func FuzzDecodeError(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"data":[]}`, `{"data":null}`, `<html>`, apiError("NOT_FOUND", "", false), apiError("EXCEPTION", "", true),
		apiError("INVALID_FIELD", `{"field":"email","code":"VALIDATION_UNIQUENESS"}`, false),
		apiError("PLAN_UPGRADE_REQUIRED", `{"limit":"users"}`, false), apiError("ada@example.com", `{"field":"ada@example.com"}`, false),
		`{"data":[{"attributes":{"code":"A"}},{"attributes":{"code":"B","transient":true}}]}`, `{"data":[{"attributes":{"code":5}}]}`,
	} {
		for _, status := range []int{200, 404, 422, 429, 500, 503} {
			f.Add(status, "application/json", []byte(seed))
		}
		f.Add(502, "text/html", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		if status < 200 || status > 599 || status == 202 || strings.ContainsAny(media, "\r\n") {
			return
		}
		fx := scripted(t, reply{status: status, body: string(body), header: map[string]string{"Content-Type": media}})
		_, err := fx.UpdateInvitation(t.Context(), "9", InvitationUpdate{RoleID: "34"})
		if err == nil {
			if status > 299 {
				t.Fatalf("status %d passes for a success", status)
			}
			return
		}
		e := asError(t, err)
		class := Classify(err)
		if class <= None || class > Stop || !e.Sent {
			t.Fatalf("class %v: %+v", class, e)
		}
		if e.Unknown != (class == Look && e.Unknown) || e.Unknown && status > 299 && status < 500 {
			t.Fatalf("unknown %v, class %v, status %d", e.Unknown, class, status)
		}
		text := e.Error() + e.Reason()
		if len(text) > 4096 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '@' }) {
			t.Fatalf("text %q", text)
		}
	})
}

func BenchmarkDecodeUsers10k(b *testing.B) {
	body := people(10_000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := list[userWire](typeUser, func(User) error { n++; return nil })(bytes.NewReader(body))
		if err != nil || n != 10_000 {
			b.Fatal(n, err)
		}
	}
}
