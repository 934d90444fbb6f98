package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

func BenchmarkParseUser(b *testing.B) {
	b.ReportAllocs()
	body := []byte(oktaCreate)
	for b.Loop() {
		if _, err := scim.ParseUser(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStoreUser(b *testing.B) {
	b.ReportAllocs()
	r := user(b, oktaCreate)
	for b.Loop() {
		r.JSON()
	}
}

func BenchmarkPatchDeactivate(b *testing.B) {
	b.ReportAllocs()
	r := user(b, oktaCreate)
	body := patchBody(`{"op":"replace","value":{"active":false}}`)
	for b.Loop() {
		p, err := scim.ParsePatch(body)
		if err != nil {
			b.Fatal(err)
		}
		if changed, err := p.ApplyUser(r.Clone()); err != nil || !changed {
			b.Fatal(changed, err)
		}
	}
}

func BenchmarkFilterEquality(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		f, err := scim.ParseFilter(scim.UserType, `userName eq "a@x.example"`)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := f.Equality(); !ok {
			b.Fatal("no equality")
		}
	}
}

// Entra ID's filters have an and, which the filter parser orders.
func BenchmarkFilterParser(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scim.ParseFilter(scim.UserType, `userName eq "a@x.example" and active eq true`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilterLongest(b *testing.B) {
	text := strings.TrimSuffix(strings.Repeat("id pr or ", 900), " or ")
	for b.Loop() {
		if _, err := scim.ParseFilter(scim.UserType, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilterMatch(b *testing.B) {
	b.ReportAllocs()
	f, err := scim.ParseFilter(scim.UserType, `userName eq "ada@x.example" and emails[type eq "work" and value co "@x.example"]`)
	if err != nil {
		b.Fatal(err)
	}
	resource := view(b, ada)
	for b.Loop() {
		if !f.Match(resource) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkGroupDelta(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			var operations []string
			for i := range n {
				operations = append(operations, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"0b4ba6a8-1de4-5f0d-8ec3-%012d\"]"}`, i))
			}
			body := patchBody(strings.Join(operations, ","))
			for b.Loop() {
				p, err := scim.ParsePatch(body)
				if err != nil {
					b.Fatal(err)
				}
				if c, err := p.GroupChange(); err != nil || len(c.Remove) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseGroup(b *testing.B) {
	b.ReportAllocs()
	var members []string
	for i := range 10000 {
		members = append(members, fmt.Sprintf(`{"value":"0b4ba6a8-1de4-5f0d-8ec3-%012d","display":"user%d@x.example"}`, i, i))
	}
	body := []byte(`{"displayName":"G","members":[` + strings.Join(members, ",") + `]}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if g, err := scim.ParseGroup(body); err != nil || len(g.Members) != 10000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	in := userInput(b)
	dst := make([]byte, 0, 4096)
	b.Run("stored", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := scim.Render(dst, in); err != nil {
				b.Fatal(err)
			}
		}
	})
	in.Projection = scim.ParseProjection(scim.UserType, "userName,active", "")
	b.Run("projected", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := scim.Render(dst, in); err != nil {
				b.Fatal(err)
			}
		}
	})
}
