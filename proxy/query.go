package proxy

import (
	"net/http"
	"net/url"

	"github.com/scimcms/scimcms/proxy/scim"
)

// query reads the parameters of the URL. A part that cannot be decoded is refused: leaving a filter out would answer with
// everyone.
func (r *request) query(t scim.Type) (scim.ListQuery, error) {
	if r.Request.URL.RawQuery == "" {
		return scim.ListQuery{StartIndex: 1, Count: -1}, nil
	}
	values, err := url.ParseQuery(r.Request.URL.RawQuery)
	if err != nil {
		return scim.ListQuery{}, scim.Errorf(http.StatusBadRequest, scim.InvalidSyntax,
			"The query of the URL is not valid: percent-encode the values, \";\" and \"%%\" included.").WithCause(err)
	}
	return scim.ParseListQuery(t, values)
}
