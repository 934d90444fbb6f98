package cmstest

import (
	"net/http"
	"slices"
	"strconv"
)

// me is the identity behind the token: the token itself, or the collaborator it belongs to.
func (s *store) me(c *call) (answer, error) {
	if u, found := s.users.byID[s.current]; found {
		return s.okIncluding(u.resource(), u.role, c)
	}
	return s.okIncluding(s.tokenResource(), s.tokenRole, c)
}

// okIncluding answers 200 with a resource and, when the query asks for it, its role beside it.
func (s *store) okIncluding(of Resource, roleID int, c *call) (answer, error) {
	document := map[string]any{"data": of}
	switch include := c.query.Get("include"); include {
	case "":
	case "role":
		document["included"] = []Resource{s.roleResource(s.roles.byID[roleID])}
	default:
		return answer{}, unknownInclude(include)
	}
	return envelope(http.StatusOK, document)
}

func (s *store) tokenResource() Resource {
	var secret any // shown only to those who may manage tokens
	if s.allowed("can_manage_access_tokens") {
		secret = s.opts.Token
	}
	return Resource{
		ID: tokenID, Type: "access_token",
		Attributes: map[string]any{
			"name": "Provisioning", "token": secret, "can_access_cda": false, "can_access_cda_preview": false,
			"can_access_cma": true, "hardcoded_type": nil, "last_cma_access": "today", "last_cda_access": "never",
		},
		Relationships: roleLink(s.tokenRole),
	}
}

// allowed says whether the caller's role comes to the permission.
func (s *store) allowed(flag string) bool {
	id := s.tokenRole
	if u, found := s.users.byID[s.current]; found {
		id = u.role
	}
	return s.grants(id, flag)
}

// grants says whether a role has a flag, of its own or inherited: what its final permissions say, without making them.
func (s *store) grants(id int, flag string) bool {
	r, found := s.roles.byID[id]
	return found && (r.own.flags[flag] || slices.ContainsFunc(r.inherits, func(parent int) bool { return s.grants(parent, flag) }))
}

func (s *store) listTokens(*call) (answer, error) {
	if !s.allowed("can_manage_access_tokens") {
		return answer{}, refuse("INSUFFICIENT_PERMISSIONS", nil)
	}
	return ok([]Resource{s.tokenResource()})
}

func (s *store) getToken(c *call) (answer, error) {
	if !s.allowed("can_manage_access_tokens") {
		return answer{}, refuse("INSUFFICIENT_PERMISSIONS", nil)
	}
	if c.id != tokenID {
		return answer{}, notFound()
	}
	return ok(s.tokenResource())
}

// limits are the figures the plan limits, in the order of their codes.
func (s *store) limits() []Resource {
	figure := func(code string, usage, limit int) Resource {
		attributes := map[string]any{"code": code, "usage": usage, "limit": nil}
		if limit > 0 {
			attributes["limit"] = limit
		}
		return Resource{ID: code, Type: "subscription_limit", Attributes: attributes}
	}
	return []Resource{
		figure("access_tokens", 1, 0),
		figure("roles", len(s.roles.rows), s.roleLimit),
		figure("users", seatsUsed(len(s.users.rows), len(s.invitations.rows)), s.seats),
	}
}

func (s *store) listLimits(*call) (answer, error) { return ok(bare(s.limits()...)) }

func (s *store) getLimit(c *call) (answer, error) {
	for _, limit := range s.limits() {
		if limit.ID == c.id {
			return ok(bare(limit)[0])
		}
	}
	return answer{}, notFound()
}

func (s *store) listFeatures(*call) (answer, error) {
	var features []Resource
	for _, code := range []string{"audit_log", "sso", "workflows"} {
		features = append(features, Resource{
			ID: code, Type: "subscription_feature",
			Attributes: map[string]any{"code": code, "enabled": false, "in_use": false},
		})
	}
	return ok(bare(features...))
}

// bare drops the relationships of resources whose type has none.
func bare(resources ...Resource) []map[string]any {
	out := make([]map[string]any, 0, len(resources))
	for _, r := range resources {
		out = append(out, map[string]any{"id": r.ID, "type": r.Type, "attributes": r.Attributes})
	}
	return out
}

func (s *store) site(c *call) (answer, error) {
	owner := map[string]any{"data": Ref{ID: ownerID, Type: "account"}}
	document := map[string]any{"data": map[string]any{
		"id": s.opts.SiteID, "type": "site", "attributes": siteAttributes(), "meta": siteMeta(),
		"relationships": map[string]any{"account": owner, "owner": owner, "item_types": Link{Data: []Ref{}}},
	}}
	switch include := c.query.Get("include"); include {
	case "", "item_types":
	case "account":
		document["included"] = bare(Resource{ID: ownerID, Type: "account", Attributes: map[string]any{
			"email": s.opts.Owner, "first_name": "Project", "last_name": "Owner", "company": nil,
		}})
	default:
		return answer{}, unknownInclude(include)
	}
	return envelope(http.StatusOK, document)
}

const siteName = "Emulated project"

func siteAttributes() map[string]any {
	theme := theme()
	theme["logo"] = nil
	return map[string]any{
		"name": siteName, "domain": nil, "google_maps_api_token": nil, "imgix_host": "www.datocms-assets.com",
		"internal_domain": "emulated-project.admin.datocms.com", "locales": []string{"en"}, "timezone": "Etc/UTC",
		"no_index": true, "favicon": nil, "last_data_change_at": nil, "require_2fa": false, "ip_tracking_enabled": false,
		"force_use_of_sandbox_environments": false, "theme": theme, "global_seo": nil,
		"assets_cdn_default_settings": map[string]any{"image": map[string]any{}, "video": map[string]any{}},
	}
}

func siteMeta() map[string]any {
	return map[string]any{
		"created_at": "2026-01-01T00:00:00.000Z", "draft_mode_default": false, "custom_upload_storage_settings": false,
		"improved_timezone_management": true, "improved_hex_management": true, "improved_gql_multilocale_fields": true,
		"improved_gql_visibility_control": true, "improved_boolean_fields": true,
		"improved_validation_at_publishing": true, "improved_exposure_of_inline_blocks_in_cda": true,
		"improved_items_listing": true, "milliseconds_in_datetime": true, "non_localized_focal_points": true,
		"allow_custom_theme": false,
	}
}

func theme() map[string]any { return map[string]any{"type": "monochromatic", "hue": 176} }

// publicInfo is what anybody may read of the project, and more for those with a token.
func (s *store) publicInfo(c *call) (answer, error) {
	var extras any
	if c.header.Get("Authorization") != "" {
		thresholds := map[string]any{}
		if s.seats > 0 {
			thresholds["collaborators"] = s.seats
		}
		extras = map[string]any{
			"blocks_depth": 5, "blocks_per_item": 600, "maximum_single_upload_bytes": 1 << 30,
			"overage_thresholds": thresholds,
		}
	}
	return ok(bare(Resource{ID: s.opts.SiteID, Type: "public_info", Attributes: map[string]any{
		"name": siteName, "sso_saml_init_url": nil, "logo_url": nil, "white_label": false,
		"custom_i18n_messages_template_url": nil, "theme": theme(), "extras": extras,
	}})[0])
}

// ssoSettings are those of a project that never set single sign-on up.
func (s *store) ssoSettings(*call) (answer, error) {
	if !s.allowed("can_manage_sso") {
		return answer{}, refuse("INSUFFICIENT_PERMISSIONS", nil)
	}
	saml, _ := strconv.Atoi(s.opts.SiteID)
	secret := token("saml", saml)[:20]
	base := "https://sso.datocms.com/" + secret + "/saml"
	return ok(Resource{
		ID: s.opts.SiteID, Type: "sso_settings",
		Attributes: map[string]any{
			"idp_saml_metadata_url": nil, "idp_saml_metadata_xml": nil, "scim_base_url": "https://sso.datocms.com/scim",
			"saml_acs_url": base + "/consume", "sp_saml_metadata_url": base + "/metadata", "sp_saml_base_url": base,
			"saml_token": secret,
		},
		Relationships: map[string]Link{"default_role": {Data: nil}},
	})
}
