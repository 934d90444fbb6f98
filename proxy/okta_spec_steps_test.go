package proxy_test

import "time"

// specUser is the user that the suite creates; its second attempt has the login as its address.
func specUser(email string) string {
	return `{"schemas":["` + userSchema + `"],"userName":"{userName}","name":{"givenName":"{given}","familyName":"{family}"},` +
		`"emails":[{"primary":true,"value":"` + email + `","type":"work"}],"displayName":"{given} {family}","active":true}`
}

// specSteps are the twelve requests of the suite. Between them it pauses for five to ten seconds, which nothing here
// needs.
func specSteps() []specStep {
	return []specStep{
		{
			number: 1, note: "test Users endpoint", method: "GET", path: "/Users?count=1&startIndex=1",
			assert: []specAssertion{
				assertStatus(200), assertNotEmpty("/Resources"), assertHas("/schemas", listSchema),
				assertNumber("/itemsPerPage"), assertNumber("/startIndex"), assertNumber("/totalResults"),
				assertNotEmpty("/Resources/0/id"), assertNotEmpty("/Resources/0/name/familyName"), assertNotEmpty("/Resources/0/name/givenName"),
				assertNotEmpty("/Resources/0/userName"), assertNotEmpty("/Resources/0/active"), assertNotEmpty("/Resources/0/emails/0/value"),
			},
			keep: map[string]string{"{ISVUserid}": "/Resources/0/id"},
		},
		{
			number: 3, note: "get Users/{id}", method: "GET", path: "/Users/{ISVUserid}",
			assert: []specAssertion{
				assertStatus(200), assertNotEmpty("/id"), assertNotEmpty("/name/familyName"), assertNotEmpty("/name/givenName"), assertNotEmpty("/userName"),
				assertNotEmpty("/active"), assertNotEmpty("/emails/0/value"), assertEqual("/id", "{ISVUserid}"),
			},
		},
		{
			number: 5, note: "invalid user by user name", method: "GET", path: `/Users?filter=userName eq "{invalid}"`,
			assert: []specAssertion{assertStatus(200), assertHas("/schemas", listSchema), assertEqual("/totalResults", "0")},
		},
		{
			number: 7, note: "invalid user by id", method: "GET", path: "/Users/010101001010101011001010101011",
			assert: []specAssertion{assertStatus(404), assertNotEmpty("/detail"), assertHas("/schemas", errorSchema)},
		},
		{
			number: 9, note: "the random user does not exist", method: "GET", path: `/Users?filter=userName eq "{email}"`,
			assert: []specAssertion{assertStatus(200), assertEqual("/totalResults", "0"), assertHas("/schemas", listSchema)},
		},
		{
			number: 11, note: "create a user with realistic values", method: "POST", path: "/Users", body: specUser("{email}"),
			assert: []specAssertion{
				assertStatus(201), assertEqual("/active", "true"), assertNotEmpty("/id"), assertEqual("/name/familyName", "{family}"),
				assertEqual("/name/givenName", "{given}"), assertHas("/schemas", userSchema), assertEqual("/userName", "{userName}"),
			},
			keep: map[string]string{"{idUserOne}": "/id"},
		},
		{
			number: 13, note: "the user was created", method: "GET", path: "/Users/{idUserOne}",
			assert: []specAssertion{
				assertStatus(200), assertEqual("/userName", "{userName}"), assertEqual("/name/familyName", "{family}"), assertEqual("/name/givenName", "{given}"),
			},
		},
		{
			number: 15, note: "the same again is refused", method: "POST", path: "/Users", body: specUser("{userName}"),
			assert: []specAssertion{assertStatus(409)},
		},
		{
			number: 17, note: "the user name in capitals", method: "GET", path: `/Users?filter=userName eq "{caps}"`,
			assert: []specAssertion{assertStatus(200)},
		},
		{
			number: 19, note: "Groups endpoint", method: "GET", path: "/Groups",
			assert: []specAssertion{assertStatus(200), assertFaster(600 * time.Millisecond), assertGroups()},
		},
		{
			number: 21, note: "status 401", method: "GET", path: `/Users?filter=userName eq "{caps}"`,
			header: map[string]string{"Authorization": "non-token"},
			assert: []specAssertion{assertStatus(401), assertNotEmpty("/detail"), assertEqual("/status", "401"), assertHas("/schemas", errorSchema)},
		},
		{
			number: 23, note: "status 404", method: "GET", path: "/Users/00919288221112222",
			assert: []specAssertion{assertStatus(404), assertNotEmpty("/detail"), assertEqual("/status", "404"), assertHas("/schemas", errorSchema)},
		},
	}
}
