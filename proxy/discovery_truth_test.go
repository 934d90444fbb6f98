package proxy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// declared is an attribute as /Schemas declares it.
type declared struct {
	Name, Type, Mutability, Returned, Uniqueness string
	MultiValued, Required, CaseExact             bool
	CanonicalValues, ReferenceTypes              []string
	SubAttributes                                []declared
}

// value is something that fits the type, marked by the word.
func (a declared) value(word string) any {
	switch {
	case len(a.SubAttributes) > 0:
		v := map[string]any{}
		for _, sub := range a.SubAttributes {
			if sub.Type != "boolean" {
				v[sub.Name] = sub.value(word)
			}
		}
		if a.MultiValued {
			return []any{v}
		}
		return v
	case a.Type == "boolean":
		return true
	case a.Type == "dateTime":
		return "2026-01-01T00:00:00Z"
	}
	return word
}

// fitting is a value that names what there is, where the attribute names something.
func (c *truth) fitting(a declared, word string) any {
	v := a.value(word)
	entries, _ := v.([]any)
	switch a.Name {
	case "members":
		member := c.okta(http.StatusCreated, "POST", "/Users", oktaUser("member@x.example", "00u-member"))
		return []any{map[string]any{"value": member["id"]}}
	case "roles":
		for _, entry := range entries {
			if role, ok := entry.(map[string]any); ok {
				role["value"] = "Editor" // one of the CMS's own
			}
		}
	}
	return v
}

// schemasOf are the attributes of each schema, by URN.
func (s *site) schemasOf() map[string][]declared {
	s.t.Helper()
	list := s.okta(http.StatusOK, "GET", "/Schemas", "")
	raw, err := json.Marshal(list["Resources"])
	s.must(err)
	var schemas []struct {
		ID         string
		Attributes []declared
	}
	s.must(json.Unmarshal(raw, &schemas))
	found := map[string][]declared{}
	for _, one := range schemas {
		found[one.ID] = one.Attributes
	}
	return found
}

// truth asks the server whether what it declares of one resource type is what it does.
type truth struct {
	*site
	urn, endpoint string
	attributes    []declared
	n             int
}

// body is a new resource with further attributes. It has all that is required, each time another.
func (c *truth) body(more map[string]any) string {
	c.n++
	v := map[string]any{"schemas": []any{c.urn}}
	for _, a := range c.attributes {
		if a.Required {
			v[a.Name] = fmt.Sprintf("Truth%d@x.example", c.n)
		}
	}
	maps.Copy(v, more)
	raw, err := json.Marshal(v)
	c.must(err)
	return string(raw)
}

// makes creates a resource; it tells status and scimType when it was refused.
func (c *truth) makes(body string) (id string, document map[string]any, refused string) {
	c.t.Helper()
	got, err := c.send("POST", c.endpoint, oktaHeader(true), []byte(body))
	c.must(err)
	c.must(json.Unmarshal(got.body, &document))
	if got.status != http.StatusCreated {
		return "", document, strings.TrimSpace(at(document, "status") + " " + at(document, "scimType"))
	}
	return at(document, "id"), document, ""
}

// A declaration that is not true makes an identity provider send what is refused, or keep from sending what is needed.
func TestDiscovery_EveryDeclarationIsTrue(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		s := newSite(t, store, siteOptions{})
		schemas := s.schemasOf()
		types := s.okta(http.StatusOK, "GET", "/ResourceTypes", "")
		raw, err := json.Marshal(types["Resources"])
		s.must(err)
		var list []struct{ Name, Endpoint, Schema string }
		s.must(json.Unmarshal(raw, &list))
		checked := 0
		for _, kind := range list {
			if kind.Name != "User" && kind.Name != "Group" {
				continue
			}
			c := &truth{site: s, urn: kind.Schema, endpoint: kind.Endpoint, attributes: schemas[kind.Schema]}
			for _, a := range c.attributes {
				t.Run(kind.Name+"."+a.Name, func(t *testing.T) {
					own := *c
					own.site = s.with(t)
					own.n = 1000 * checked
					own.mutability(a)
					own.required(a)
					own.uniqueness(a)
					own.caseExact(a)
					own.returned(a)
					own.shape(a)
				})
				checked++
			}
		}
		if checked < 20 {
			t.Errorf("%d attributes were checked", checked)
		}
	})
}

func (c *truth) mutability(a declared) {
	c.t.Helper()
	if a.Mutability != "readOnly" {
		return
	}
	id, made, refused := c.makes(c.body(map[string]any{a.Name: a.value("forged")}))
	if refused != "" || strings.Contains(fmt.Sprint(made[a.Name]), "forged") {
		c.t.Errorf("readOnly, but a POST gave %s %v", refused, made[a.Name])
	}
	path := c.endpoint + "/" + id
	put := c.okta(http.StatusOK, "PUT", path, c.body(map[string]any{a.Name: a.value("forged")}))
	raw, err := json.Marshal(map[string]any{a.Name: a.value("forged"), "externalId": "x" + id})
	c.must(err)
	patched := c.okta(http.StatusOK, "PATCH", path, fmt.Sprintf(patchBody, `{"op":"replace","value":`+string(raw)+`}`))
	for _, document := range []map[string]any{put, patched} {
		if strings.Contains(fmt.Sprint(document[a.Name]), "forged") {
			c.t.Errorf("readOnly, but %v was kept", document[a.Name])
		}
	}
	refusal := c.okta(http.StatusBadRequest, "PATCH", path, fmt.Sprintf(patchBody, `{"op":"remove","path":"`+a.Name+`"}`))
	if at(refusal, "scimType") != "mutability" {
		c.t.Errorf("readOnly, but a PATCH of it gave %v", refusal)
	}
}

func (c *truth) required(a declared) {
	c.t.Helper()
	_, _, refused := c.makes(c.body(map[string]any{a.Name: nil}))
	if want := map[bool]string{true: "400 invalidValue", false: ""}[a.Required]; refused != want {
		c.t.Errorf("required is %v, but a POST without it gave %q", a.Required, refused)
	}
	if a.Required {
		id, _, _ := c.makes(c.body(nil))
		got := c.okta(http.StatusBadRequest, "PATCH", c.endpoint+"/"+id, fmt.Sprintf(patchBody, `{"op":"remove","path":"`+a.Name+`"}`))
		if at(got, "scimType") != "mutability" {
			c.t.Errorf("required, but a PATCH that removes it gave %v", got)
		}
	}
}

// writable tells whether the attribute is a plain text that clients set.
func (a declared) writable() bool {
	return (a.Type == "string" || a.Type == "reference") && !a.MultiValued && a.Mutability == "readWrite"
}

func (c *truth) uniqueness(a declared) {
	c.t.Helper()
	if !a.writable() {
		return
	}
	same := map[string]any{a.Name: "Same-" + a.Name + "@x.example"}
	if _, _, refused := c.makes(c.body(same)); refused != "" {
		c.t.Fatalf("the first: %s", refused)
	}
	_, _, refused := c.makes(c.body(same))
	if want := map[bool]string{true: "409 uniqueness", false: ""}[a.Uniqueness == "server"]; refused != want {
		c.t.Errorf("uniqueness is %s, but a second one gave %q", a.Uniqueness, refused)
	}
}

func (c *truth) caseExact(a declared) {
	c.t.Helper()
	if !a.writable() {
		return
	}
	value := "CaSe-" + a.Name + "@x.example"
	if _, _, refused := c.makes(c.body(map[string]any{a.Name: value})); refused != "" {
		c.t.Fatalf("%s", refused)
	}
	for query, want := range map[string]string{value: "1", strings.ToLower(value): map[bool]string{true: "0", false: "1"}[a.CaseExact]} {
		got := c.okta(http.StatusOK, "GET", c.endpoint+"?filter="+url.QueryEscape(a.Name+` eq "`+query+`"`), "")
		if at(got, "totalResults") != want {
			c.t.Errorf("caseExact is %v, but %s eq %q found %s", a.CaseExact, a.Name, query, at(got, "totalResults"))
		}
	}
}

func (c *truth) returned(a declared) {
	c.t.Helper()
	word := "Given-" + a.Name + "@x.example"
	id, _, refused := c.makes(c.body(map[string]any{a.Name: c.fitting(a, word)}))
	if refused != "" {
		c.t.Fatalf("%s", refused)
	}
	all := c.okta(http.StatusOK, "GET", c.endpoint+"/"+id, "")
	without := c.okta(http.StatusOK, "GET", c.endpoint+"/"+id+"?excludedAttributes="+a.Name, "")
	asked := c.okta(http.StatusOK, "GET", c.endpoint+"/"+id+"?attributes="+a.Name, "")
	_, inAll := all[a.Name]
	_, inWithout := without[a.Name]
	_, inAsked := asked[a.Name]
	want := map[string][3]bool{"always": {true, true, true}, "never": {false, false, false}, "default": {true, false, true}}[a.Returned]
	if got := [3]bool{inAll, inWithout, inAsked}; got != want {
		c.t.Errorf("returned is %s, but it was there as such, excluded and asked for: %v", a.Returned, got)
	}
}

// shape checks that lists are lists, and that a reference says to what.
func (c *truth) shape(a declared) {
	c.t.Helper()
	if a.Type == "reference" && len(a.ReferenceTypes) == 0 {
		c.t.Error("a reference to what?")
	}
	for _, sub := range a.SubAttributes {
		c.shape(sub)
	}
	if a.Mutability != "readWrite" || len(a.SubAttributes) == 0 || a.Name == "members" {
		return
	}
	_, made, refused := c.makes(c.body(map[string]any{a.Name: c.fitting(a, "Shape-"+a.Name+"@x.example")}))
	if refused != "" {
		c.t.Fatalf("%s", refused)
	}
	if _, isList := made[a.Name].([]any); isList != a.MultiValued {
		c.t.Errorf("multiValued is %v, but it came as %v", a.MultiValued, made[a.Name])
	}
	raw, err := json.Marshal(made[a.Name])
	c.must(err)
	for _, sub := range a.SubAttributes {
		if sub.Type != "boolean" && !strings.Contains(string(raw), `"`+sub.Name+`"`) {
			c.t.Errorf("%s is declared, and not kept: %s", sub.Name, raw)
		}
	}
}

// What /ServiceProviderConfig says is supported works, and what it does not say is refused or ignored.
func TestDiscovery_TheConfigurationIsTrue(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *proxy.Options) { o.Limits.Count = 3 })
	c := f.want(http.StatusOK, http.MethodGet, "/scim/v2/ServiceProviderConfig", "")
	supported := func(what string) bool { return at(c, what, "supported") == "true" }
	id := f.create("ada@example.com")
	for _, more := range []string{"bob", "eve", "joe", "kim"} {
		f.create(more + "@example.com")
	}
	user := "/scim/v2/Users/" + id
	if w := f.send(http.MethodPatch, user, fmt.Sprintf(patchBody, `{"op":"add","path":"title","value":"T"}`)); supported("patch") != (w.Code == http.StatusOK) {
		t.Errorf("patch: %d", w.Code)
	}
	if w := f.send(http.MethodPost, "/scim/v2/Bulk", bulkOf(1)); supported("bulk") != (w.Code == http.StatusOK) {
		t.Errorf("bulk: %d", w.Code)
	}
	if w := f.send(http.MethodGet, user, "", "If-None-Match", "*"); supported("etag") != (w.Code == http.StatusNotModified) {
		t.Errorf("etag: %d", w.Code)
	}
	if got := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Users?filter=title+pr+or+not+(title+pr)&count=100", ""); supported("filter") != (size(got, "Resources") == 3) ||
		at(c, "filter", "maxResults") != "3" {
		t.Errorf("filter: %v", got)
	}
	sorted := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Users?sortBy=userName&sortOrder=descending&count=1", "")
	if supported("sort") != (at(sorted, "Resources", 0, "userName") == "kim@example.com") {
		t.Errorf("sort: %v", sorted)
	}
	before := f.want(http.StatusOK, http.MethodGet, user, "")
	f.want(http.StatusOK, http.MethodPatch, user, fmt.Sprintf(patchBody, `{"op":"replace","value":{"password":"changed"}}`))
	if after := f.want(http.StatusOK, http.MethodGet, user, ""); supported("changePassword") || strings.Contains(fmt.Sprint(after), "changed") || at(before, "id") != at(after, "id") {
		t.Errorf("changePassword: %v", after)
	}
	scheme := strings.TrimPrefix(at(c, "authenticationSchemes", 0, "type"), "oauth")
	if w := f.send(http.MethodGet, user, "", "Authorization", ""); !strings.EqualFold(w.Header().Get("WWW-Authenticate")+"token", scheme) {
		t.Errorf("authentication: %v", w.Header())
	}
}

func TestDiscovery_MessagesAreNoSchemas(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	list := f.want(http.StatusOK, http.MethodGet, "/scim/v2/Schemas", "")
	if all := fmt.Sprint(list["Resources"]); strings.Contains(all, ":api:messages:") || size(list, "Resources") == 0 {
		t.Errorf("%s", all)
	}
	f.wantError(refusal{status: http.StatusNotFound}, http.MethodGet, "/scim/v2/Schemas/urn:ietf:params:scim:api:messages:2.0:PatchOp", "")
}
