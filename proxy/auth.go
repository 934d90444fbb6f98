package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// The two places where SCIM is served: for the project that the token names, and for a project by name.
const (
	scimBase      = "/scim/v2"
	projectPrefix = "/projects/"
)

// tenant is one project as a request sees it.
type tenant struct {
	Project
	base string // the path of SCIM under the project's own name
}

// credential is one token that opens one project.
type credential struct {
	sum    [sha256.Size]byte
	name   string
	tenant *tenant
}

// authenticate finds the project that the token opens, if it is the one that the path names. Every token of every project
// is compared, in constant time; why a request is refused is not told apart.
func (s *Server) authenticate(header, path string) (*tenant, *credential) {
	token := bearer(header)
	sum := sha256.Sum256([]byte(token))
	var found *credential
	credentials := *s.credentials.Load()
	for i := range credentials {
		if subtle.ConstantTimeCompare(sum[:], credentials[i].sum[:]) == 1 {
			found = &credentials[i]
		}
	}
	if token == "" || found == nil {
		return nil, nil
	}
	if name, named := projectOf(path); named && name != found.tenant.Name {
		return nil, nil
	}
	return found.tenant, found
}

// bearer is the token of an Authorization header: "Bearer x" with the scheme in any case, or the bare token, as Okta's
// header authentication sends it exactly as the admin typed it.
func bearer(header string) string {
	const scheme = "bearer "
	header = strings.TrimSpace(header)
	if len(header) > len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
		return strings.TrimSpace(header[len(scheme):])
	}
	return header
}

// projectOf is the project that a path names, if it names one.
func projectOf(path string) (name string, named bool) {
	rest, named := strings.CutPrefix(path, projectPrefix)
	if !named {
		return "", false
	}
	name, _, _ = strings.Cut(rest, "/")
	return name, true
}
