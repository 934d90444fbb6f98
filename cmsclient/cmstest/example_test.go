package cmstest_test

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// A CMS in memory: two people in it, the next role change answered 503 once.
func Example() {
	cms := cmstest.New(cmstest.Options{Token: "secret", SeedUsers: 2})
	if err := cms.Fault(cmstest.Fault{Method: "PUT", Path: "/users/:id", Times: 1, Action: cmstest.Status, Status: 503}); err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: cms.Transport()}
	request, err := http.NewRequest(http.MethodGet, "http://cms/users", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Authorization", "Bearer secret")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Api-Version", "3")
	response, err := client.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	var list struct{ Data []cmstest.Resource }
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		fmt.Println(err)
		return
	}
	for _, user := range list.Data {
		fmt.Println(user.ID, user.Text("email"))
	}
	fmt.Println(cms.Calls().ByEndpoint)
	// Output:
	// 1001 ada@example.com
	// 1002 grace@example.com
	// map[GET /users:1]
}
