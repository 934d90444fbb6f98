//go:build unix

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// errUnanswered means that a request may or may not have been carried out, for all that its sender knows.
var errUnanswered = errors.New("no answer")

// okta sends requests as Okta does.
type okta struct {
	client *http.Client
	base   func() string
}

// reply is an answer of a SCIM server.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// user is what a proof reads of a user.
type user struct {
	ID         string `json:"id"`
	UserName   string `json:"userName"`
	ExternalID string `json:"externalId"`
	Title      string `json:"title"`
	NickName   string `json:"nickName"`
	Active     bool   `json:"active"`
	Name       struct {
		Given  string `json:"givenName"`
		Family string `json:"familyName"`
	} `json:"name"`
	Emails []struct{ Value string } `json:"emails"`
	Meta   struct {
		Version string `json:"version"`
	} `json:"meta"`
	Sync struct {
		Status    string `json:"status"`
		LastError string `json:"lastError"`
	} `json:"urn:scimcms:scim:schemas:sync:1.0"`
}

// group is what a proof reads of a group.
type group struct {
	ID          string                   `json:"id"`
	DisplayName string                   `json:"displayName"`
	Members     []struct{ Value string } `json:"members"`
}

// member reports whether somebody is in the group.
func (g group) member(id string) bool {
	for _, m := range g.Members {
		if m.Value == id {
			return true
		}
	}
	return false
}

// do sends one request. Whoever gets no answer gets errUnanswered.
func (o okta) do(ctx context.Context, method, path string, body any) (reply, error) {
	var raw io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		raw = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, o.base()+path, raw)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+oktaToken)
	req.Header.Set("Accept", "application/scim+json")
	req.Header.Set("User-Agent", "Okta SCIM Client 1.0.0")
	if body != nil {
		req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	return reply{status: resp.StatusCode, header: resp.Header, body: b}, nil
}

// want sends a request whose only good answer has the status, and reads it into out.
func (o okta) want(ctx context.Context, status int, r request, out any) error {
	got, err := o.do(ctx, r.method, r.path, r.body)
	if err != nil {
		return err
	}
	if got.status != status {
		return &refusal{request: r, reply: got}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(got.body, out)
}

type request struct {
	method, path string
	body         any
}

// refusal is an answer that was not wanted.
type refusal struct {
	request
	reply
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s %s: %d %s", r.method, r.path, r.status, r.reply.body)
}

// find is the check whether somebody exists that comes before a create.
func (o okta) find(ctx context.Context, userName string) (found []user, err error) {
	q := url.Values{"filter": {`userName eq "` + userName + `"`}, "startIndex": {"1"}, "count": {"100"}}
	var list struct {
		TotalResults int
		Resources    []user
	}
	err = o.want(ctx, http.StatusOK, request{method: http.MethodGet, path: "/Users?" + q.Encode()}, &list)
	if err == nil && list.TotalResults != len(list.Resources) {
		err = fmt.Errorf("%s: totalResults %d, but %d resources", userName, list.TotalResults, len(list.Resources))
	}
	return list.Resources, err
}

func (o okta) user(ctx context.Context, id string) (u user, err error) {
	err = o.want(ctx, http.StatusOK, request{method: http.MethodGet, path: "/Users/" + id}, &u)
	return u, err
}

func (o okta) group(ctx context.Context, id string) (g group, err error) {
	err = o.want(ctx, http.StatusOK, request{method: http.MethodGet, path: "/Groups/" + id}, &g)
	return g, err
}

// newUser is the body of a create.
func newUser(name string) map[string]any {
	address := name + "@example.com"
	return map[string]any{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": address, "name": map[string]any{"givenName": name, "familyName": "Example"},
		"emails":      []any{map[string]any{"primary": true, "value": address, "type": "work"}},
		"displayName": name + " Example", "locale": "en-US", "externalId": "00u" + name, "groups": []any{},
		"password": "k3-placeholder", "active": true,
	}
}

// op is one operation of a PATCH; path and value may be nil.
func op(kind string, path, value any) map[string]any {
	out := map[string]any{"op": kind}
	if path != nil {
		out["path"] = path
	}
	if value != nil {
		out["value"] = value
	}
	return out
}

func patch(ops ...map[string]any) map[string]any {
	return map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}
}

// members is Okta's change of membership: one PATCH that removes each and adds all.
func members(remove, add []string) map[string]any {
	var ops []map[string]any
	for _, id := range remove {
		ops = append(ops, op("remove", `members[value eq "`+id+`"]`, nil))
	}
	if len(add) > 0 {
		values := make([]any, 0, len(add))
		for _, id := range add {
			values = append(values, map[string]any{"value": id, "display": id})
		}
		ops = append(ops, op("add", "members", values))
	}
	return patch(ops...)
}
