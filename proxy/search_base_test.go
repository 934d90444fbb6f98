package proxy_test

import (
	"fmt"
	"net/http"
	"testing"
)

// A search of the base asks every type; an attribute that a type does not have has no value there, and one that none has is
// refused (RFC 7644 section 3.4.2.1).
func TestSearchOfTheBase_AppliesTheFilterToEachType(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	user, group := f.create("ada@example.com"), f.createGroup("Ada Lovelace")
	for filter, want := range map[string]string{
		`displayName eq "ada lovelace"`:                   user + " " + group,
		`userName eq "ada@example.com"`:                   user,
		`not (userName pr)`:                               group,
		`members pr or active eq true`:                    user,
		`meta.resourceType eq "Group"`:                    group,
		`userName eq "nobody@example.com" or title eq ""`: "",
	} {
		body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":%q}`, filter)
		if got := f.want(http.StatusOK, http.MethodPost, "/scim/v2/.search", body); ids(got) != want {
			t.Errorf("%s: %q, want %q", filter, ids(got), want)
		}
	}
	f.wantError(refusal{http.StatusBadRequest, "invalidFilter"}, http.MethodPost, "/scim/v2/.search", `{"filter":"nonsense eq 1"}`)
}
