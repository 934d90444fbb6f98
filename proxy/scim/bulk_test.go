package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/proxy/scim"
)

// bulkServer does the operations of a bulk request: creations get the ids 1, 2, …; what is called "bad" fails.
type bulkServer struct {
	calls []string
	ids   int
	away  bool
}

func (s *bulkServer) do(c scim.BulkCall) scim.BulkResult {
	if s.away {
		return scim.BulkResult{Status: 503, Body: []byte(`{"status":"503"}`), GiveUp: true}
	}
	s.calls = append(s.calls, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", c.Method, c.Path, c.Version, c.Body)))
	if strings.Contains(string(c.Body), `"bad"`) {
		return scim.BulkResult{Status: http.StatusConflict, Body: []byte(`{"status":"409"}`)}
	}
	switch c.Method {
	case http.MethodPost:
		s.ids++
		id := fmt.Sprint(s.ids)
		return scim.BulkResult{Status: http.StatusCreated, ID: id, Location: "https://x" + c.Path + "/" + id, Version: `W/"1"`}
	case http.MethodDelete:
		return scim.BulkResult{Status: http.StatusNoContent}
	}
	return scim.BulkResult{Status: http.StatusOK, Version: `W/"2"`}
}

func bulkBody(more string, operations ...string) []byte {
	return []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]` + more + `,"Operations":[` + strings.Join(operations, ",") + `]}`)
}

func post(id, endpoint, data string) string {
	return fmt.Sprintf(`{"method":"POST","path":%q,"bulkId":%q,"data":%s}`, endpoint, id, data)
}

// outcomes are status and bulkId of each answer, in order.
func outcomes(t *testing.T, response []byte) (all []string) {
	t.Helper()
	var v struct {
		Schemas    []string
		Operations []struct {
			Location, Method, BulkID, Version, Status string
			Response                                  map[string]any
		}
	}
	if err := json.Unmarshal(response, &v); err != nil || len(v.Schemas) != 1 || v.Schemas[0] != "urn:ietf:params:scim:api:messages:2.0:BulkResponse" {
		t.Fatalf("%s: %v", response, err)
	}
	for _, o := range v.Operations {
		if failed := o.Status >= "400"; failed != (o.Response != nil) || failed && o.Response["status"] != o.Status {
			t.Errorf("response of %+v", o)
		}
		if (o.Location == "") != (o.Method == http.MethodPost && o.Status >= "400" && o.BulkID != "half") {
			t.Errorf("location of %+v", o)
		}
		all = append(all, strings.TrimSpace(o.Status+" "+o.BulkID))
	}
	return all
}

func TestBulk(t *testing.T) {
	t.Parallel()
	group := func(ref string) string { return `{"displayName":"G","members":[{"value":"` + ref + `"}]}` }
	person := func(manager string) string { return `{"manager":{"value":"` + manager + `"},"n":1.50}` }
	for _, tt := range []struct {
		name, more string
		operations []string
		calls      []string
		outcomes   []string
	}{
		{name: "in order", operations: []string{
			post("a", "/Users", `{"userName":"a"}`), `{"method":"put","path":"/Users/7","version":"W/\"3\"","data":{"x":null}}`,
			`{"method":"PATCH","path":"Groups/8?attributes=id","data":{"Operations":[]}}`, `{"method":"DELETE","path":"/Users/9","bulkId":"d"}`,
		}, calls: []string{`POST /Users {"userName":"a"}`, `PUT /Users/7W/"3" {"x":null}`, `PATCH /Groups/8 {"Operations":[]}`, `DELETE /Users/9`},
			outcomes: []string{"201 a", "200", "200", "204 d"}},
		{name: "a member that was created", operations: []string{post("u", "/Users", `{}`), post("g", "/Groups", group("bulkId:u"))},
			calls: []string{`POST /Users {}`, `POST /Groups ` + group("1")}, outcomes: []string{"201 u", "201 g"}},
		{name: "a member that is created later", operations: []string{post("g", "/Groups", group("bulkId:u")), post("x", "/Users", `{"x":1}`), post("u", "/Users", `{}`)},
			calls: []string{`POST /Users {}`, `POST /Groups ` + group("1"), `POST /Users {"x":1}`}, outcomes: []string{"201 g", "201 x", "201 u"}},
		{name: "in a path", operations: []string{`{"method":"PATCH","path":"/Groups/bulkId:g","data":{"a":1}}`, post("g", "/Groups", `{}`)},
			calls: []string{`POST /Groups {}`, `PATCH /Groups/1 {"a":1}`}, outcomes: []string{"200", "201 g"}},
		{name: "in the path of a PATCH and in an address", operations: []string{post("u", "/Users", `{}`),
			`{"method":"PATCH","path":"/Groups/8","data":{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:u\"]"},{"op":"add","value":{"$ref":"../Users/bulkId:u","x":"a bulkId:u"}}]}}`},
			calls:    []string{`POST /Users {}`, `PATCH /Groups/8 {"Operations":[{"op":"remove","path":"members[value eq \"1\"]"},{"op":"add","value":{"$ref":"../Users/1","x":"a bulkId:u"}}]}`},
			outcomes: []string{"201 u", "200"}},
		{name: "two that name each other", operations: []string{post("a", "/Users", person("bulkId:b")), post("b", "/Users", person("bulkId:a"))},
			calls:    []string{`POST /Users {"n":1.50}`, `POST /Users ` + person("1"), `PUT /Users/1 ` + person("2")},
			outcomes: []string{"201 a", "201 b"}},
		{name: "one that names itself", operations: []string{post("a", "/Users", person("bulkId:a"))},
			calls: []string{`POST /Users {"n":1.50}`, `PUT /Users/1 ` + person("1")}, outcomes: []string{"201 a"}},
		{name: "a circle that cannot be closed", operations: []string{post("a", "/Users", `{"m":{"value":"bulkId:half"},"u":"bad"}`), post("half", "/Users", `{"m":{"value":"bulkId:a"}}`)},
			calls: []string{`POST /Users {}`, `POST /Users {"m":{"value":"1"},"u":"bad"}`}, outcomes: []string{"409 a", "409 half"}},
		{name: "of an operation that failed", operations: []string{post("u", "/Users", `{"u":"bad"}`), post("g", "/Groups", group("bulkId:u")), post("x", "/Users", `{}`)},
			calls: []string{`POST /Users {"u":"bad"}`, `POST /Users {}`}, outcomes: []string{"409 u", "409 g", "201 x"}},
		{name: "of nothing", operations: []string{post("g", "/Groups", group("bulkId:u")), `{"method":"DELETE","path":"/Users/bulkId:u"}`}, outcomes: []string{"400 g", "400"}},
		{name: "of what is no creation", operations: []string{`{"method":"DELETE","path":"/Users/9","bulkId":"d"}`, post("g", "/Groups", group("bulkId:d"))},
			calls: []string{"DELETE /Users/9"}, outcomes: []string{"204 d", "400 g"}},
		{name: "repeated", operations: []string{post("a", "/Users", `{}`), post("a", "/Users", `{}`), post("g", "/Groups", group("bulkId:a"))},
			calls: []string{`POST /Users {}`, `POST /Groups ` + group("1")}, outcomes: []string{"201 a", "400 a", "201 g"}},
		{name: "all goes on after errors", operations: []string{post("a", "/Users", `{"u":"bad"}`), post("b", "/Users", `{"u":"bad"}`), post("c", "/Users", `{}`)},
			calls: []string{`POST /Users {"u":"bad"}`, `POST /Users {"u":"bad"}`, `POST /Users {}`}, outcomes: []string{"409 a", "409 b", "201 c"}},
		{name: "ends at so many errors", more: `,"failOnErrors":2`, operations: []string{post("a", "/Users", `{"u":"bad"}`), post("b", "/Users", `{}`), post("c", "/Nope", `{}`), post("d", "/Users", `{}`)},
			calls: []string{`POST /Users {"u":"bad"}`, `POST /Users {}`}, outcomes: []string{"409 a", "201 b", "400 c"}},
		{name: "ends within what was named", more: `,"failOnErrors":"1"`, operations: []string{post("g", "/Groups", group("bulkId:u")), post("u", "/Users", `{"u":"bad"}`)},
			calls: []string{`POST /Users {"u":"bad"}`}, outcomes: []string{"409 u"}},
		{name: "what is wrong with one", operations: []string{
			`{"method":"POST","path":"/Users","data":{}}`, `{"method":"GET","path":"/Users/1","data":{}}`, `{"path":"/Users/1","data":{}}`,
			`{"method":"PATCH","path":"/Users/1"}`, `{"method":"PUT","path":"/Users","data":{}}`, `{"method":"DELETE","path":"/Users/"}`,
			`{"method":"DELETE","path":"https://x/Users/1"}`, `{"method":"DELETE","path":"//x/Users/1"}`, `{"method":"DELETE","path":"/Users/%zz"}`,
			`{"method":"DELETE","path":"/Bulk/1"}`, post("s", "/Users/.search", `{}`), post("b", "/Bulk", `{}`), `{"method":"DELETE","path":"/Users/1/x"}`,
			`{"method":"DELETE","path":["/Users/1"]}`, post("l", "/Users", `[]`), `{}`,
		}, outcomes: []string{"400", "400", "400", "400", "400", "400", "400", "400", "400", "400", "400 s", "400 b", "400", "400", "400 l", "400"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := scim.ParseBulk(bulkBody(tt.more, tt.operations...), 100)
			if err != nil {
				t.Fatal(err)
			}
			s := &bulkServer{}
			response, gaveUp := b.Run("https://x", s.do)
			if d := cmp.Diff(tt.calls, s.calls); d != "" || gaveUp {
				t.Error(d, gaveUp)
			}
			if tt.name == "what is wrong with one" {
				checkStatuses(t, response, tt.outcomes)
				return
			}
			if d := cmp.Diff(tt.outcomes, outcomes(t, response)); d != "" {
				t.Errorf("%s\n%s", d, response)
			}
		})
	}
}

// checkStatuses is for answers to operations that name no resource: there is no location to tell.
func checkStatuses(t *testing.T, response []byte, want []string) {
	t.Helper()
	var v struct {
		Operations []struct{ Status, BulkID string }
	}
	if err := json.Unmarshal(response, &v); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range v.Operations {
		got = append(got, strings.TrimSpace(o.Status+" "+o.BulkID))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseBulk_Refused(t *testing.T) {
	t.Parallel()
	two := post("a", "/Users", `{}`) + "," + post("b", "/Users", `{}`)
	for name, tt := range map[string]struct{ body, want string }{
		"no object":        {`[]`, "400 invalidSyntax"},
		"no operations":    {`{}`, "400 invalidSyntax"},
		"empty operations": {`{"Operations":[]}`, "400 invalidSyntax"},
		"no list":          {`{"Operations":"x"}`, "400 invalidSyntax"},
		"no operation":     {`{"Operations":[1]}`, "400 invalidSyntax"},
		"too many":         {`{"Operations":[` + two + "," + post("c", "/Users", `{}`) + `]}`, "413"},
		"failOnErrors 0":   {`{"failOnErrors":0,"Operations":[` + two + `]}`, "400 invalidValue"},
		"failOnErrors x":   {`{"failOnErrors":{},"Operations":[` + two + `]}`, "400 invalidValue"},
	} {
		if _, err := scim.ParseBulk([]byte(tt.body), 2); refusal(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// When the store is away nothing more is tried; a request of which nothing was done is to be repeated as a whole.
func TestBulk_GivesUp(t *testing.T) {
	t.Parallel()
	b, err := scim.ParseBulk(bulkBody("", post("a", "/Users", `{}`), post("b", "/Users", `{}`), post("c", "/Users", `{}`)), 9)
	if err != nil {
		t.Fatal(err)
	}
	s := &bulkServer{}
	calls := 0
	response, gaveUp := b.Run("", func(c scim.BulkCall) scim.BulkResult {
		calls++
		s.away = calls > 1
		return s.do(c)
	})
	if d := cmp.Diff([]string{"201 a", "503 b", "503 c"}, outcomes(t, response)); d != "" || gaveUp || calls != 2 {
		t.Error(d, gaveUp, calls)
	}
	if response, gaveUp = b.Run("", (&bulkServer{away: true}).do); !gaveUp {
		t.Errorf("%s", response)
	}
}
