package scim_test

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

func TestParseListQuery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query        string
		start, count int
		filter       string
	}{
		{"", 1, -1, ""},
		{"startIndex=1&count=100", 1, 100, ""},
		{"startIndex=0&count=-1", 1, 0, ""},
		{"startIndex=-5&count=0", 1, 0, ""},
		{"startIndex=99999999999999999999&count=99999999999999999999", math.MaxInt32, math.MaxInt32, ""},
		{"startIndex=-99999999999999999999", 1, -1, ""},
		{"startIndex=&count=", 1, -1, ""},
		{"STARTINDEX=2&Count=3", 2, 3, ""},
		{"filter=userName+eq+%22a%40x%22&startIndex=1&count=100", 1, 100, `userName eq "a@x"`},
		{"filter=userName%20eq%20%22a%40x%22&unknown=1&unknown=2", 1, -1, `userName eq "a@x"`},
		{"aadOptscim062020", 1, -1, ""},
	} {
		values, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := scim.ParseListQuery(scim.UserType, values)
		if err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		filter := ""
		if q.Filter != nil {
			filter = q.Filter.String()
		}
		if q.StartIndex != tt.start || q.Count != tt.count || filter != tt.filter || q.Sort != nil || !q.Projection.IsZero() {
			t.Errorf("%s: got %+v, filter %s", tt.query, q, filter)
		}
	}
}

func TestParseListQueryRefuses(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"startIndex=x": "400 invalidValue", "startIndex=1.5": "400 invalidValue", "count=1e3": "400 invalidValue", "count=0x10": "400 invalidValue",
		"count=1&count=2": "400 invalidValue", "count=1&COUNT=2": "400 invalidValue", "filter=": "400 invalidFilter", "filter=x": "400 invalidFilter",
		"sortBy=nope": "400 invalidPath", "sortBy=name": "400 invalidPath", "sortBy=title&sortOrder=up": "400 invalidValue",
		"sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": "400 invalidPath",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scim.ParseListQuery(scim.UserType, values); refusal(err) != want {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
}

func TestParseSearch(t *testing.T) {
	t.Parallel()
	q, err := scim.ParseSearch(scim.UserType, []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["userName","name.givenName"],
		"excludedAttributes":[],"filter":"title pr","sortBy":"userName","sortOrder":"descending","startIndex":2,"count":"10","cursor":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if q.StartIndex != 2 || q.Count != 10 || q.Filter.String() != "title pr" || !q.Projection.Wants("name") || q.Projection.Wants("title") ||
		q.Sort.Attribute() != "userName" || !q.Sort.Descending() {
		t.Errorf("got %+v", q)
	}
	for body, want := range map[string]string{
		`{"count":{}}`: "400 invalidValue", `{"attributes":[1]}`: "400 invalidValue", `{"filter":null,"count":null}`: "", `{"count":true}`: "400 invalidValue",
		`x`: "400 invalidSyntax", `{"filter":"x"}`: "400 invalidFilter", `{}`: "", `{"filter":""}`: "400 invalidFilter",
	} {
		if _, err := scim.ParseSearch(scim.UserType, []byte(body)); refusal(err) != want {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	documents := []string{
		`{"id":"1","userName":"b","emails":[{"value":"z@x"},{"value":"a@x","primary":true}],"urn:acme:1.0:User":{"n":10}}`,
		`{"id":"2","userName":"A","emails":[{"value":"m@x"}],"urn:acme:1.0:User":{"n":9}}`,
		`{"id":"3","userName":"c","urn:acme:1.0:User":{"n":"x"}}`,
	}
	for by, want := range map[string]string{
		"userName": "213", "userName desc": "312", "emails": "123", "emails desc": "321", "emails.value": "123", "id": "123", "urn:acme:1.0:User:n": "213", "title": "123",
	} {
		name, desc, _ := strings.Cut(by, " ")
		values := url.Values{"sortBy": {name}}
		if desc != "" {
			values.Set("sortOrder", "descending")
		}
		q, err := scim.ParseListQuery(scim.UserType, values)
		if err != nil {
			t.Fatal(err)
		}
		views := make([]map[string]any, len(documents))
		for i, d := range documents {
			views[i] = view(t, d)
		}
		slices.SortStableFunc(views, func(a, b map[string]any) int { return q.Sort.Compare(q.Sort.Key(a), q.Sort.Key(b)) })
		var got string
		for _, v := range views {
			got += fmt.Sprint(v["id"])
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", by, got, want)
		}
	}
}
