package reconcile

import (
	"encoding/json"
	"slices"

	"github.com/scimcms/scimcms/mapping"
)

// profile are the attributes of the user that a CMS keeps beyond DatoCMS's own; nil when none are configured.
func (s *userSync) profile() map[string]any {
	if len(s.set.ProfileAttributes) == 0 {
		return nil
	}
	attrs, err := s.engine.o.Attributes(s.user.Doc)
	if err != nil {
		return nil
	}
	out := make(map[string]any, len(s.set.ProfileAttributes))
	for name, path := range s.set.ProfileAttributes {
		if v := attrs.Values(path); len(v) > 0 {
			out[name] = v[0]
		}
	}
	return out
}

// profileText is the profile as the record keeps it, to tell whether it changed.
func (s *userSync) profileText() string {
	p := s.profile()
	if len(p) == 0 {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil { // cannot be: texts
		return ""
	}
	return string(text)
}

// carriesProfile says that a call takes the profile along.
func carriesProfile(st mapping.Step) bool {
	return !st.Old && (st.Op == mapping.Invite || st.Op == mapping.UpdateUser || st.Op == mapping.SetInvitationRole)
}

// withProfile adds the call that a changed profile needs to a plan, unless one of its calls carries the profile anyway.
func (s *userSync) withProfile(steps []mapping.Step, o mapping.Observed) []mapping.Step {
	text := s.profileText()
	if text == "" || text == s.user.Applied.Profile || wishState(s.user) != mapping.Active {
		return steps
	}
	if slices.ContainsFunc(steps, carriesProfile) {
		return steps
	}
	switch o.Kind {
	case mapping.Invitation:
		return append(steps, mapping.Step{Op: mapping.SetInvitationRole, ID: o.ID, Address: o.Address})
	case mapping.Collaborator:
		return append(steps, mapping.Step{Op: mapping.UpdateUser, ID: o.ID, Address: o.Address})
	}
	return steps
}
