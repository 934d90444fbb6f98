package proxy_test

import (
	"fmt"
	"strings"
)

// badJSON is JSON that is none, or more than anybody means, for one kind of write.
func badJSON(name, method, path string) []hostile {
	var all []hostile
	for _, b := range []struct{ what, body string }{
		{"half a document", `{"userName":`},
		{"a tail", `{"userName":"x@x.example","displayName":"X"}}`},
		{"two documents", `{"userName":"x@x.example","displayName":"X"}{}`},
		{"a list", `[]`},
		{"a text", `"active"`},
		{"null", `null`},
		{"blanks", "  \n"},
		{"a doubled name", `{"userName":"x@x.example","username":"y@x.example","displayName":"X","displayname":"Y"}`},
		{"deep lists", strings.Repeat("[", 100_000)},
		{"deep objects", strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000)},
		{"a NUL", `{"userName":"x\u0000@x.example","displayName":"X\u0000"}`},
		{"a raw NUL", "{\"userName\":\"x\x00@x.example\",\"displayName\":\"X\x00\"}"},
		{"invalid UTF-8", "{\"userName\":\"x\xff@x.example\",\"displayName\":\"X\xff\"}"},
		{"half a surrogate", `{"userName":"x\ud800@x.example","displayName":"X\ud800"}`},
	} {
		all = append(all, hostile{name: name + " with " + b.what, method: method, path: path, body: b.body, status: 400, scimType: "invalidSyntax"})
	}
	return all
}

// hostileUsers is what is wrong with whole users.
func hostileUsers() []hostile {
	user := func(members string) string { return fmt.Sprintf(`{"schemas":[%q],%s}`, userSchema, members) }
	all := append(badJSON("POST user", "POST", "/Users"), badJSON("PUT user", "PUT", "/Users/{user}")...)
	return append(all, []hostile{
		{name: "nobody", method: "POST", path: "/Users", body: user(`"active":true`), status: 400, scimType: "invalidValue"},
		{name: "empty user name", method: "POST", path: "/Users", body: user(`"userName":""`), status: 400, scimType: "invalidValue"},
		{name: "user name that is an object", method: "POST", path: "/Users", body: user(`"userName":{"a":1}`), status: 400, scimType: "invalidValue"},
		{name: "no address", method: "POST", path: "/Users", body: user(`"userName":"ada"`), status: 400, scimType: "invalidValue"},
		{name: "address that is none", method: "POST", path: "/Users", body: user(`"userName":"x","emails":[{"value":"x@@y","primary":true}]`), status: 400, scimType: "invalidValue"},
		{name: "user name that is a number without end", method: "POST", path: "/Users", body: user(`"userName":1e999999999`), status: 400, scimType: "invalidValue"},
		{name: "addresses within addresses", method: "POST", path: "/Users", body: user(`"userName":"x@x.example","emails":[["x@x.example"]]`), status: 400, scimType: "invalidValue"},
		{name: "neither active nor not", method: "POST", path: "/Users", body: user(`"userName":"x@x.example","active":"perhaps"`), status: 400, scimType: "invalidValue"},
		{name: "somebody who is there", method: "POST", path: "/Users", body: oktaUser("ADA@x.example", "00u9"), status: 409, scimType: "uniqueness"},
		{name: "two people at once", method: "POST", path: "/Users", body: oktaUser("ada@x.example", "00u2"), status: 409, scimType: "uniqueness"},
		{name: "a name that somebody has", method: "PUT", path: "/Users/{user}", body: oktaUser("grace@x.example", "00u1"), status: 409, scimType: "uniqueness"},
		{name: "a PUT that takes the name away", method: "PUT", path: "/Users/{user}", body: user(`"active":false`), status: 400, scimType: "invalidValue"},
		{name: "PUT of nobody", method: "PUT", path: "/Users/nobody", body: oktaUser("new@x.example", "00u9"), status: 404},
		{name: "PUT of a group as a user", method: "PUT", path: "/Users/{group}", body: oktaUser("new@x.example", "00u9"), status: 404},
	}...)
}

// hostilePatches is what is wrong with PATCHes of users. Each has something valid before it, which must not be applied.
func hostilePatches() []hostile {
	all := badJSON("PATCH user", "PATCH", "/Users/{user}")
	for _, p := range []struct{ name, op, scimType string }{
		{"unknown op", `{"op":"destroy","path":"title","value":"x"}`, "invalidSyntax"},
		{"no op", `{"path":"title","value":"x"}`, "invalidSyntax"},
		{"op that is a number", `{"op":1,"path":"title","value":"x"}`, "invalidSyntax"},
		{"path that is no path", `{"op":"replace","path":"emails..value","value":"x"}`, "invalidPath"},
		{"filter in a path that is none", `{"op":"replace","path":"emails[","value":"x"}`, "invalidFilter"},
		{"path to nothing", `{"op":"replace","path":"nope.nope","value":"x"}`, "invalidPath"},
		{"deep path", `{"op":"replace","path":"` + strings.Repeat("(", 5000) + `","value":"x"}`, "invalidPath"},
		{"read-only path", `{"op":"replace","path":"id","value":"x"}`, "mutability"},
		{"groups of a user", `{"op":"add","path":"groups","value":[{"value":"{group}"}]}`, "mutability"},
		{"remove without a path", `{"op":"remove"}`, "noTarget"},
		{"remove of what must be", `{"op":"remove","path":"userName"}`, "mutability"},
		{"value that is a text", `{"op":"replace","value":"x"}`, "invalidValue"},
		{"active that is neither", `{"op":"replace","path":"active","value":"perhaps"}`, "invalidValue"},
	} {
		all = append(all, hostile{name: "PATCH user: " + p.name, method: "PATCH", path: "/Users/{user}", status: 400, scimType: p.scimType,
			body: fmt.Sprintf(patchBody, `{"op":"replace","value":{"title":"Applied","active":false}},`+p.op)})
	}
	many := strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"title"},`, 10_001), ",")
	return append(all, []hostile{
		{name: "PATCH user: no operations", method: "PATCH", path: "/Users/{user}", body: `{"schemas":[]}`, status: 400, scimType: "invalidSyntax"},
		{name: "PATCH user: too many operations", method: "PATCH", path: "/Users/{user}", body: fmt.Sprintf(patchBody, many), status: 413, scimType: "tooMany"},
		{name: "PATCH user: address that is none", method: "PATCH", path: "/Users/{user}", status: 400, scimType: "invalidValue",
			body: fmt.Sprintf(patchBody, `{"op":"replace","value":{"title":"Applied","userName":"x","emails":[{"value":"none"}]}}`)},
		{name: "PATCH user: a name that somebody has", method: "PATCH", path: "/Users/{user}", status: 409, scimType: "uniqueness",
			body: fmt.Sprintf(patchBody, `{"op":"replace","value":{"userName":"grace@x.example"}}`)},
		{name: "PATCH of nobody", method: "PATCH", path: "/Users/nobody", body: deactivation(), status: 404},
	}...)
}

// hostileGroups is what is wrong with groups.
func hostileGroups() []hostile {
	all := badJSON("POST group", "POST", "/Groups")
	all = append(all, badJSON("PUT group", "PUT", "/Groups/{group}")...)
	all = append(all, badJSON("PATCH group", "PATCH", "/Groups/{group}")...)
	for _, p := range []struct{ name, op, scimType string }{
		{"unknown op", `{"op":"destroy","path":"members"}`, "invalidSyntax"},
		{"path to nothing", `{"op":"add","path":"nope","value":"x"}`, "invalidPath"},
		{"filter that is none", `{"op":"remove","path":"members[value eq"}`, "invalidFilter"},
		{"read-only path", `{"op":"replace","path":"id","value":"x"}`, "mutability"},
		{"remove without a path", `{"op":"remove"}`, "noTarget"},
		{"remove of the name", `{"op":"remove","path":"displayName"}`, "mutability"},
		{"empty name", `{"op":"replace","path":"displayName","value":""}`, "invalidValue"},
		{"member without a value", `{"op":"add","path":"members","value":[{"display":"x"}]}`, "invalidValue"},
	} {
		all = append(all, hostile{name: "PATCH group: " + p.name, method: "PATCH", path: "/Groups/{group}", status: 400, scimType: p.scimType,
			body: fmt.Sprintf(patchBody, `{"op":"add","path":"members","value":[{"value":"{other}"}]},`+p.op)})
	}
	return append(all, []hostile{
		{name: "group without a name", method: "POST", path: "/Groups", body: `{"members":[]}`, status: 400, scimType: "invalidValue"},
		{name: "group with a name of blanks", method: "POST", path: "/Groups", body: groupBody("", "  ", nil), status: 400, scimType: "invalidValue"},
		{name: "members within members", method: "POST", path: "/Groups", body: `{"displayName":"New","members":[["{user}"]]}`, status: 400, scimType: "invalidValue"},
		{name: "group that is there", method: "POST", path: "/Groups", body: groupBody("", "writers", nil), status: 409, scimType: "uniqueness"},
		{name: "group named like a role with power", method: "POST", path: "/Groups", body: groupBody("", "Admin", []string{"{user}"}), status: 409, scimType: "uniqueness"},
		{name: "rename to a role with power", method: "PATCH", path: "/Groups/{group}", status: 409, scimType: "uniqueness",
			body: fmt.Sprintf(patchBody, `{"op":"replace","value":{"id":"{group}","displayName":"ADMIN"}}`)},
		{name: "PUT under the name of a role with power", method: "PUT", path: "/Groups/{group}", body: groupBody("{group}", "Admin", []string{"{user}"}), status: 409, scimType: "uniqueness"},
		{name: "PATCH of no group", method: "PATCH", path: "/Groups/nothing", body: addMembers([]string{"{user}"}), status: 404},
		{name: "PATCH of a user as a group", method: "PATCH", path: "/Groups/{user}", body: addMembers([]string{"{user}"}), status: 404},
		{name: "PUT of no group", method: "PUT", path: "/Groups/nothing", body: groupBody("nothing", "New", nil), status: 404},
		{name: "DELETE of no group", method: "DELETE", path: "/Groups/nothing", status: 404},
	}...)
}

// hostileQueries is what is wrong with ids, filters and pages.
func hostileQueries() []hostile {
	var all []hostile
	for _, f := range []struct{ name, filter string }{
		{"empty", ""},
		{"half", "userName%20eq"},
		{"no operator", "userName"},
		{"unknown operator", "userName%20is%20%22x%22"},
		{"unknown attribute", "nope%20eq%20%22x%22"},
		{"open text", "userName%20eq%20%22x"},
		{"order of truth", "active%20gt%20true"},
		{"injection", "userName%20eq%20%22x%22%20or%201%20eq%201"},
		{"NUL", "userName%20eq%20%22%00%22"},
		{"invalid UTF-8", "userName%20eq%20%22%ff%22"},
		{"longer than 8 KB", "userName%20eq%20%22" + strings.Repeat("a", 9000) + "%22"},
		{"deep", strings.Repeat("(", 5000) + "userName%20pr" + strings.Repeat(")", 5000)},
		{"deep nots", strings.Repeat("not%20(", 1000) + "userName%20pr" + strings.Repeat(")", 1000)},
		{"as deep as a header can be", strings.Repeat("(", 200_000)},
	} {
		for _, list := range []string{"/Users", "/Groups"} {
			all = append(all, hostile{name: list + " filter: " + f.name, method: "GET", path: list + "?filter=" + f.filter, status: 400, scimType: "invalidFilter"})
		}
	}
	for _, q := range []struct{ name, query, scimType string }{
		{"start that is no number", "startIndex=one", "invalidValue"},
		{"count that is no number", "count=many", "invalidValue"},
		{"bad percent-encoding", "filter=%zz", "invalidSyntax"},
		{"unknown order", "sortBy=userName&sortOrder=sideways", "invalidValue"},
	} {
		all = append(all, hostile{name: "query: " + q.name, method: "GET", path: "/Users?" + q.query, status: 400, scimType: q.scimType})
	}
	for _, id := range []struct{ name, id string }{
		{"unknown", "010101001010101011001010101011"}, {"long", strings.Repeat("a", 5000)}, {"NUL", "a%00b"}, {"line end", "a%0d%0ab"},
		{"way out", "..%2f..%2fetc%2fpasswd"}, {"key of the store", "*"}, {"invalid UTF-8", "%ff%fe"},
	} {
		for _, list := range []string{"/Users/", "/Groups/"} {
			all = append(all, hostile{name: "GET " + list + " id: " + id.name, method: "GET", path: list + id.id, status: 404},
				hostile{name: "DELETE " + list + " id: " + id.name, method: "DELETE", path: list + id.id, status: 404})
		}
	}
	return all
}
