package cmsclient

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// Identity is who the token speaks for.
type Identity struct {
	// Type is user, sso_user, access_token, account or organization.
	Type string
	ID   string
	// Role is what the token may do; nil for an account or organization, which owns the project and may do all.
	Role *Role
}

// Me reads whom the token speaks for, with the role: the cheapest check of token and permissions.
func (c *Client) Me(ctx context.Context) (Identity, error) {
	var me Identity
	err := c.do(ctx, request{
		method: http.MethodGet, endpoint: "/users/me", query: url.Values{"include": {"role"}}, decode: decodeMe(&me),
	})
	return me, err
}

func decodeMe(dst *Identity) decoder {
	return func(r io.Reader) error {
		var doc struct {
			Data struct {
				ref
				Relationships struct {
					Role related `json:"role"`
				} `json:"relationships"`
			} `json:"data"`
			Included []roleWire `json:"included"`
		}
		if err := decodeDocument(r, &doc); err != nil {
			return err
		}
		if doc.Data.ID == "" || doc.Data.Type == "" {
			return errNoData
		}
		*dst = Identity{Type: doc.Data.Type, ID: doc.Data.ID}
		for _, w := range doc.Included {
			if w.Type == typeRole && w.ID == doc.Data.Relationships.Role.Data.ID {
				role := w.entity()
				dst.Role = &role
			}
		}
		return nil
	}
}

// Site is the project that the token selects.
type Site struct {
	ID, Name string
	// OwnerType is account or organization; both are "" where the CMS does not tell.
	OwnerType, OwnerID string
}

// Site reads the project.
func (c *Client) Site(ctx context.Context) (Site, error) {
	var s Site
	err := c.do(ctx, request{
		method: http.MethodGet, endpoint: "/site", decode: single[siteWire](&s, "site", ""),
	})
	return s, err
}

type siteWire struct {
	ref
	Attributes struct {
		Name string `json:"name"`
	} `json:"attributes"`
	Relationships struct {
		Owner   related `json:"owner"`
		Account related `json:"account"` // before there were organizations
	} `json:"relationships"`
}

func (w siteWire) head() ref { return w.ref }

func (w siteWire) entity() Site {
	owner := w.Relationships.Owner.Data
	if owner.ID == "" {
		owner = w.Relationships.Account.Data
	}
	return Site{ID: w.ID, Name: w.Attributes.Name, OwnerType: owner.Type, OwnerID: owner.ID}
}

// Limit is how much of something the plan allows and how much is used. The seats are the one with code "users".
type Limit struct {
	Code  string
	Usage int64
	Max   *int64 // nil: no limit
}

// SubscriptionLimits lists the plan's limits.
func (c *Client) SubscriptionLimits(ctx context.Context) ([]Limit, error) {
	return collect(func(yield func(Limit) error) error {
		return c.do(ctx, request{
			method: http.MethodGet, endpoint: "/subscription-limits",
			decode: list[limitWire]("subscription_limit", yield),
		})
	})
}

type limitWire struct {
	ref
	Attributes struct {
		Code  string `json:"code"`
		Usage int64  `json:"usage"`
		Limit *int64 `json:"limit"`
	} `json:"attributes"`
}

func (w limitWire) head() ref { return w.ref }

func (w limitWire) entity() Limit {
	return Limit{Code: w.Attributes.Code, Usage: w.Attributes.Usage, Max: w.Attributes.Limit}
}
