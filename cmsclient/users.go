package cmsclient

import (
	"context"
	"maps"
	"net/http"
	"net/url"
)

const (
	typeUser      = "user"
	usersEndpoint = "/users"
	userEndpoint  = "/users/:id"
)

// User is a collaborator: a person who has joined the project. The owner and people of single sign-on are none.
type User struct {
	ID       string
	Email    string
	FullName string
	Active   bool
	RoleID   string
}

// UserUpdate is what to change of a collaborator; nil leaves a value as it is.
type UserUpdate struct {
	RoleID *string
	Active *bool
	// Profile are further attributes, for a CMS that accepts more than DatoCMS does.
	Profile map[string]any
}

// Destination takes over the content of a person who is removed. Type is account, user, access_token or sso_user.
type Destination struct{ Type, ID string }

// Users lists all collaborators.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	return collect(func(yield func(User) error) error { return c.EachUser(ctx, yield) })
}

// EachUser passes every collaborator to yield while the answer is still being read; an error of yield ends it and is
// returned as it is. Only when EachUser returns nil was the list complete.
func (c *Client) EachUser(ctx context.Context, yield func(User) error) error {
	return c.do(ctx, request{
		method: http.MethodGet, endpoint: usersEndpoint, decode: list[userWire](typeUser, yield),
	})
}

// User reads one collaborator.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	var u User
	err := c.do(ctx, request{
		method: http.MethodGet, endpoint: userEndpoint, id: id, decode: single[userWire](&u, typeUser, id),
	})
	return u, err
}

// UpdateUser changes role, suspension and profile in one call.
func (c *Client) UpdateUser(ctx context.Context, id string, up UserUpdate) (User, error) {
	data := outgoing{Type: typeUser, ID: id}
	if up.Active != nil || len(up.Profile) > 0 {
		data.Attributes = attributes(up.Profile)
	}
	if up.Active != nil {
		data.Attributes["is_active"] = *up.Active
	}
	if up.RoleID != nil {
		data.Relationships = toRole(*up.RoleID)
	}
	if data.Attributes == nil && data.Relationships == nil {
		return User{}, &Error{Method: http.MethodPut, Endpoint: userEndpoint, invalid: true, cause: errEmptyUpdate}
	}
	var u User
	err := c.do(ctx, request{
		method: http.MethodPut, endpoint: userEndpoint, id: id, body: &data,
		decode: single[userWire](&u, typeUser, id),
	})
	return u, err
}

// DeleteUser removes a collaborator. Somebody who owns content needs a destination for it; nil names none.
func (c *Client) DeleteUser(ctx context.Context, id string, to *Destination) error {
	var query url.Values
	if to != nil {
		query = url.Values{"destination_user_type": {to.Type}, "destination_user_id": {to.ID}}
	}
	return c.do(ctx, request{method: http.MethodDelete, endpoint: userEndpoint, id: id, query: query})
}

// attributes copies a profile, to be completed with what the API itself names.
func attributes(profile map[string]any) map[string]any {
	all := make(map[string]any, len(profile)+1)
	maps.Copy(all, profile)
	return all
}

type userWire struct {
	ref
	Attributes struct {
		Email    string `json:"email"`
		FullName string `json:"full_name"`
		Active   *bool  `json:"is_active"` // absent in old answers: nobody was suspended then
	} `json:"attributes"`
	Relationships struct {
		Role related `json:"role"`
	} `json:"relationships"`
}

func (w userWire) head() ref { return w.ref }

func (w userWire) entity() User {
	return User{
		ID:       w.ID,
		Email:    w.Attributes.Email,
		FullName: w.Attributes.FullName,
		Active:   w.Attributes.Active == nil || *w.Attributes.Active,
		RoleID:   w.Relationships.Role.Data.ID,
	}
}
