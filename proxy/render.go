package proxy

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/scim"
)

// userInput is a user as scim renders it.
func (r *request) userInput(base string, u directory.User, p scim.Projection) (scim.RenderInput, error) {
	doc, err := r.documentOf(u)
	if err != nil {
		return scim.RenderInput{}, err
	}
	groups := make([]scim.GroupRef, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = scim.GroupRef{ID: g.ID, Display: g.Name, Ref: base + "/Groups/" + g.ID}
	}
	return scim.RenderInput{
		Type: scim.UserType, Stored: doc, ID: u.ID, Created: u.Created, LastModified: u.Modified, Version: userETag(u),
		Location: base + "/Users/" + u.ID, Groups: groups, Projection: p,
		Sync: &scim.SyncStatus{
			Status: status(u.Sync), CMSType: string(u.Link.Kind), CMSID: u.Link.ID, Role: u.Link.RoleID,
			LastSynced: u.Sync.LastSynced, LastError: r.lastError(u.Sync),
		},
	}, nil
}

// activeKey is where a stored document has active. A quote inside a JSON string is escaped, so this can only be the name
// of a member; of the members of that name the user's own comes first.
var activeKey = []byte(`"active":`)

// documentOf is the stored document with the active that the record has: a rejected user is shown inactive, and an operator
// may have changed the wish. Roles are shown under the names that they have now. Mostly there is nothing to do, and nothing
// is parsed.
func (r *request) documentOf(u directory.User) ([]byte, error) {
	active := u.Active && u.State != directory.Rejected
	i := bytes.Index(u.Doc, activeKey)
	agrees := i >= 0 && bytes.HasPrefix(u.Doc[i+len(activeKey):], []byte("true")) == active
	if agrees && !bytes.Contains(u.Doc, rolesKey) {
		return u.Doc, nil
	}
	res, err := scim.FromJSON(u.Doc)
	if err != nil {
		return nil, unreadable(u.ID, err)
	}
	res.SetActive(active)
	res.SetRoles(r.rolesOf(res))
	return res.JSON(), nil
}

// groupInput is a group as scim renders it.
func (r *request) groupInput(base string, g directory.Group, p scim.Projection) (scim.RenderInput, error) {
	doc, err := groupDocument(g)
	if err != nil {
		return scim.RenderInput{}, err
	}
	in := scim.RenderInput{
		Type: scim.GroupType, Stored: doc, ID: g.ID, Created: g.Created, LastModified: g.Modified, Version: groupETag(g),
		Location: base + "/Groups/" + g.ID, Projection: p,
		Sync: &scim.SyncStatus{
			Status: status(g.Sync), CMSID: g.RoleID, Role: g.RoleName,
			LastSynced: g.Sync.LastSynced, LastError: r.lastError(g.Sync),
		},
	}
	if g.RoleID != "" {
		in.Sync.CMSType = "role"
	}
	if g.Members != nil {
		in.Members = make([]scim.MemberRef, len(g.Members))
		for i, m := range g.Members {
			in.Members[i] = scim.MemberRef{ID: m.ID, Display: m.Display}
		}
	}
	return in, nil
}

// groupDocument is the group's document. The record has the names; a stored document has only what goes beyond them.
func groupDocument(g directory.Group) ([]byte, error) {
	doc := &scim.Group{}
	if len(g.Doc) > 0 {
		var err error
		if doc, err = scim.GroupFromJSON(g.Doc); err != nil {
			return nil, unreadable(g.ID, err)
		}
	}
	doc.DisplayName, doc.ExternalID = g.Name, g.External
	return doc.JSON(), nil
}

// writeUser answers with one user.
func (r *request) writeUser(code int, u directory.User, p scim.Projection) error {
	base := r.base()
	in, err := r.userInput(base, u, p)
	if err != nil {
		return err
	}
	return r.writeResource(code, in, u.Sync.State)
}

// writeGroup answers with one group.
func (r *request) writeGroup(code int, g directory.Group, p scim.Projection) error {
	base := r.base()
	in, err := r.groupInput(base, g, p)
	if err != nil {
		return err
	}
	return r.writeResource(code, in, g.Sync.State)
}

func (r *request) writeResource(code int, in scim.RenderInput, sync directory.SyncState) error {
	body, err := scim.Render(make([]byte, 0, 512+len(in.Stored)+80*len(in.Members)), in)
	if err != nil {
		return unreadable(in.ID, err)
	}
	r.resource = in.ID
	h := r.Writer.Header()
	h["Etag"] = []string{in.Version}
	if code == http.StatusCreated {
		h["Location"] = []string{in.Location}
	}
	r.syncHeader(sync)
	r.write(code, body)
	return nil
}

// syncHeader tells the client that a write is accepted and kept, but not done.
func (r *request) syncHeader(sync directory.SyncState) {
	if r.Request.Method == http.MethodGet {
		return
	}
	r.sync = string(sync)
	if sync == directory.Pending || sync == directory.Held {
		r.Writer.Header()["X-Sync-Status"] = []string{string(sync)}
	}
	if sync == directory.Pending && r.dryRun() {
		r.Writer.Header()["X-Sync-Reason"] = []string{"dry_run"}
	}
}

// dryRun says whether what is pending stays so until an operator ends the dry run.
func (r *request) dryRun() bool { return r.tenant.DryRun != nil && r.tenant.DryRun() }

func status(s directory.Sync) string { return cmp.Or(string(s.State), string(directory.Pending)) }

// dryRunText is what an administrator of the identity provider reads of somebody who is pending.
const dryRunText = "dry run: accepted and planned; nothing is sent to the CMS until an operator ends the dry run"

func (r *request) lastError(s directory.Sync) string {
	if status(s) == string(directory.Pending) && r.dryRun() {
		return dryRunText
	}
	return cmp.Or(s.Text, s.Code)
}

// userETag counts the changes of the wish; it is weak, because the same wish has a sync status and groups that change.
func userETag(u directory.User) string {
	return `W/"` + strconv.FormatInt(u.Gen, 10) + `"`
}

// groupETag also counts changes of the members.
func groupETag(g directory.Group) string {
	return `W/"` + strconv.FormatInt(g.Gen, 10) + "." + strconv.FormatInt(g.MembGen, 10) + `"`
}

// parseETag reads the generation from a user's ETag, as a client sends it back.
func parseETag(tag string) (gen int64, ok bool) {
	tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
	gen, err := strconv.ParseInt(tag, 10, 64)
	return gen, err == nil
}
