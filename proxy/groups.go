package proxy

import (
	"net/http"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy/scim"
)

// How many members to load with a group.
const (
	noMembers  = 0
	allMembers = -1
)

// membersFor is all members, or none when the client does not want them: they are then not even read.
func membersFor(p scim.Projection) int {
	if p.Wants("members") {
		return allMembers
	}
	return noMembers
}

func (s *Server) createGroup(r *request) error {
	g, q, err := r.parseGroup()
	if err != nil {
		return err
	}
	w := directory.GroupWish{Name: g.DisplayName, ExternalID: g.ExternalID, Doc: extraDocument(g)}
	done, err := r.tenant.Groups.CreateGroup(r.Request.Context(), w, g.Members, membersFor(q.Projection))
	if err != nil {
		return err
	}
	return r.writeGroup(http.StatusCreated, done.Item, q.Projection)
}

func (s *Server) readGroup(r *request) error {
	id, err := r.resourceID(scim.GroupType)
	if err != nil {
		return err
	}
	q, err := r.query(scim.GroupType)
	if err != nil {
		return err
	}
	g, err := r.tenant.Groups.Group(r.Request.Context(), id, membersFor(q.Projection))
	if err != nil {
		return named(err, scim.GroupType, id)
	}
	if same, err := r.unchanged(groupETag(g)); same || err != nil {
		return err
	}
	return r.writeGroup(http.StatusOK, g, q.Projection)
}

// replaceGroup writes the whole group; one without members is emptied.
func (s *Server) replaceGroup(r *request) error {
	id, err := r.resourceID(scim.GroupType)
	if err != nil {
		return err
	}
	g, q, err := r.parseGroup()
	if err != nil {
		return err
	}
	doc := extraDocument(g)
	done, err := r.tenant.Groups.UpdateGroup(r.Request.Context(), id, reconcile.GroupEdit{
		Name: &g.DisplayName, ExternalID: &g.ExternalID,
		Doc:     func([]byte) ([]byte, error) { return doc, nil },
		Members: directory.MemberChange{Replace: true, Add: g.Members},
		Check:   r.condition().groupCheck(),
		Limit:   membersFor(q.Projection),
	})
	if err != nil {
		return named(err, scim.GroupType, id)
	}
	return r.writeGroup(http.StatusOK, done.Item, q.Projection)
}

// patchGroup changes what is named. Its answer never grows with the group, unless the client names attributes it wants.
func (s *Server) patchGroup(r *request) error {
	id, err := r.resourceID(scim.GroupType)
	if err != nil {
		return err
	}
	change, q, err := r.parseGroupPatch()
	if err != nil {
		return err
	}
	edit := reconcile.GroupEdit{
		Name: change.DisplayName, ExternalID: change.ExternalID,
		Members: directory.MemberChange{Replace: change.Replace, Add: change.Add, Remove: change.Remove},
		Check:   r.condition().groupCheck(),
		Limit:   membersFor(q.Projection),
	}
	bounded := edit.Limit == allMembers && !q.Projection.Explicit()
	if bounded {
		edit.Limit = s.opts.Limits.PatchMembers
	}
	if !change.MembersOnly() {
		edit.Doc = changedDocument(change)
	}
	done, err := r.tenant.Groups.UpdateGroup(r.Request.Context(), id, edit)
	if err != nil {
		return named(err, scim.GroupType, id)
	}
	if bounded && done.Item.Size > int64(edit.Limit) {
		r.Writer.Header()["Etag"] = []string{groupETag(done.Item)}
		r.syncHeader(done.Item.Sync.State)
		r.noContent()
		return nil
	}
	return r.writeGroup(http.StatusOK, done.Item, q.Projection)
}

func (s *Server) deleteGroup(r *request) error {
	id, err := r.resourceID(scim.GroupType)
	if err != nil {
		return err
	}
	if err := r.tenant.Groups.DeleteGroup(r.Request.Context(), id, r.condition().groupCheck()); err != nil {
		return named(err, scim.GroupType, id)
	}
	r.noContent()
	return nil
}

func (r *request) parseGroup() (*scim.Group, scim.ListQuery, error) {
	body, err := r.body()
	if err != nil {
		return nil, scim.ListQuery{}, err
	}
	g, err := scim.ParseGroup(body)
	if err != nil {
		return nil, scim.ListQuery{}, err
	}
	q, err := r.query(scim.GroupType)
	return g, q, err
}

func (r *request) parseGroupPatch() (*scim.GroupChange, scim.ListQuery, error) {
	body, err := r.body()
	if err != nil {
		return nil, scim.ListQuery{}, err
	}
	patch, err := scim.ParsePatch(body)
	if err != nil {
		return nil, scim.ListQuery{}, err
	}
	change, err := patch.GroupChange()
	if err != nil {
		return nil, scim.ListQuery{}, err
	}
	q, err := r.query(scim.GroupType)
	return change, q, err
}

// extraDocument is what goes beyond the attributes that the record has fields for; nil when there is nothing.
func extraDocument(g *scim.Group) []byte {
	if len(g.Extra) == 0 {
		return nil
	}
	return g.JSON()
}

// changedDocument applies a patch to the stored document. The names in the document are not used: the record has them.
func changedDocument(change *scim.GroupChange) func([]byte) ([]byte, error) {
	return func(old []byte) ([]byte, error) {
		g := &scim.Group{DisplayName: "-"}
		if len(old) > 0 {
			var err error
			if g, err = scim.GroupFromJSON(old); err != nil {
				return nil, unreadable("a group", err)
			}
		}
		if _, err := change.Apply(g); err != nil {
			return nil, err
		}
		return extraDocument(g), nil
	}
}
