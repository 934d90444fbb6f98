package cmstest

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// check refuses a call that is wrong in itself, in the order seen live: path, token, Accept, presence of a token; then
// API version, environment, content type, permission and body.
func (s *Server) check(c *call) error {
	if err := s.checkCaller(c); err != nil {
		return err
	}
	if c.header.Get("X-Api-Version") != "3" {
		return refuse("INVALID_API_VERSION", nil)
	}
	if environment := c.header.Get("X-Environment"); environment != "" && environment != "main" {
		return unknownEnvironment()
	}
	if len(c.raw) > 0 && !isJSON(c.header.Get("Content-Type")) {
		return refuse("INVALID_CONTENT_TYPE_HEADER", nil)
	}
	if c.route.people && !s.managesPeople() {
		return refuse("INSUFFICIENT_PERMISSIONS", nil)
	}
	return s.checkBody(c)
}

// checkCaller asks where the call goes, who calls, and in which words they want the answer.
func (s *Server) checkCaller(c *call) error {
	if c.route == nil {
		return refuse("INVALID_ENDPOINT", nil)
	}
	token, sent := bearer(c.header)
	if sent && !s.isToken(token) {
		return refuse("INVALID_AUTHORIZATION_HEADER", nil)
	}
	if !acceptsJSON(c.header) {
		return refuse("INVALID_ACCEPT_HEADER", nil)
	}
	if !sent && !c.route.open {
		return refuse("INVALID_SITE", nil)
	}
	return nil
}

// checkBody reads the body, holds it against the schema, and compares its id with the path.
func (s *Server) checkBody(c *call) error {
	if c.route.body == nil {
		return nil
	}
	if len(c.raw) > 0 {
		if err := c.parse(); err != nil {
			return err
		}
	}
	if err := check(c.route.body, c.body); err != nil {
		return err
	}
	if id, sent := c.data()["id"]; sent && id != c.id {
		return otherEntity()
	}
	return nil
}

func (s *Server) isToken(token string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return token == s.opts.Token && s.project.tokenValid
}

func (s *Server) managesPeople() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.project.allowed("can_manage_users")
}

// bearer is the token of the Authorization header. Anything else there is a token that is wrong.
func bearer(h http.Header) (token string, sent bool) {
	value := h.Get("Authorization")
	if value == "" {
		return "", false
	}
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(token), true
}

// acceptsJSON says whether an Accept header names one of the two JSON types; */* does not count.
func acceptsJSON(h http.Header) bool {
	return slices.ContainsFunc(h.Values("Accept"), func(value string) bool {
		return slices.ContainsFunc(strings.Split(value, ","), isJSON)
	})
}

func isJSON(mediaType string) bool {
	kind, _, err := mime.ParseMediaType(mediaType)
	return err == nil && (kind == "application/json" || kind == "application/vnd.api+json")
}
