package proxy

import (
	"net/http"
	"strings"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// A condition is judged on the record that a write is then made of: the engine commits that very version or asks again, so
// that nothing can come between (RFC 7644 section 3.14). Tags are compared weakly.

// condition is what If-Match and If-None-Match ask of the present version.
type condition struct{ match, none tags }

// tags are the entity tags of one header; nil when there is no such header.
type tags []string

// anyTag stands for every version that there is.
const anyTag = "*"

// condition reads the headers of the request.
func (r *request) condition() condition {
	h := r.Request.Header
	return condition{match: parseTags(h["If-Match"]), none: parseTags(h["If-None-Match"])}
}

// parseTags reads a header; one that is empty asks for nothing. What is in quotes counts, whether it is called weak or not. A tag that
// came without quotes is taken as it is.
func parseTags(header []string) tags {
	var found tags
	for rest := strings.Join(header, ","); rest != ""; {
		rest = strings.TrimLeft(rest, " \t,")
		tag := strings.TrimPrefix(rest, "W/")
		if quoted, ok := strings.CutPrefix(tag, `"`); ok {
			tag, rest, _ = strings.Cut(quoted, `"`)
		} else {
			tag, rest, _ = strings.Cut(tag, ",")
			tag = strings.TrimSpace(tag)
		}
		if tag != "" {
			found = append(found, tag)
		}
	}
	return found
}

// has tells whether the version is one of the tags.
func (t tags) has(version string) bool {
	version = opaque(version)
	for _, tag := range t {
		if tag == anyTag || tag == version {
			return true
		}
	}
	return false
}

// opaque is what is in the quotes of an entity tag.
func opaque(tag string) string { return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`) }

func (c condition) empty() bool { return c.match == nil && c.none == nil }

// allows refuses a write of a resource that is at the version.
func (c condition) allows(version string) error {
	if c.match != nil && !c.match.has(version) || c.none.has(version) {
		return scim.Errorf(http.StatusPreconditionFailed, "",
			"The resource is at version %s now, which the request does not allow: read it again, and repeat the change on what is there.", version)
	}
	return nil
}

// unchanged tells a reader that has this version already; one that asks for another version is refused.
func (r *request) unchanged(version string) (bool, error) {
	c := r.condition()
	if c.match != nil && !c.match.has(version) {
		return false, condition{match: c.match}.allows(version)
	}
	if !c.none.has(version) {
		return false, nil
	}
	h := r.Writer.Header()
	h["Etag"] = []string{version}
	h["Cache-Control"] = noStore
	r.Writer.WriteHeader(http.StatusNotModified)
	r.Writer.WriteHeaderNow()
	return true, nil
}

// userCheck is the condition for the engine; nil when there is none, so that it costs nothing.
func (c condition) userCheck() func(directory.User) error {
	if c.empty() {
		return nil
	}
	return func(u directory.User) error { return c.allows(userETag(u)) }
}

// groupCheck is the same for groups.
func (c condition) groupCheck() func(directory.Group) error {
	if c.empty() {
		return nil
	}
	return func(g directory.Group) error { return c.allows(groupETag(g)) }
}
